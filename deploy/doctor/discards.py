"""What a post has discarded, by reason, in plain words and with advice for the common ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from deploy.doctor.findings import Finding, Text, attention, number, ok, wrong

_ACCEPTED: Final = "accepted"
_NO_DISCARD: Final = frozenset({("outbox", "receipted"), ("outbox", "salvaged")})
_SMALL_SHARE: Final = 0.001


class Reason(NamedTuple):
    """what: a few words. todo: advice. noise: some of it is normal, and only a larger share is worth a journey."""

    what: Text
    todo: Text
    noise: bool = False


_CABLE: Final = Text(
    "Si son muchos: revise el cable, la antena y que nada cercano haga ruido eléctrico; baud igual en ambos lados",
    "If there are many: check the cable, the antenna and noise nearby; the same baud on both sides",
)
_FIRMWARE: Final = Text(
    "El programa del sensor es más nuevo que Vigía, o falla: actualice Vigía o cambie el sensor",
    "The sensor's firmware is newer than Vigía, or faulty: update Vigía or change the sensor",
)
_REASONS: Final[Mapping[str, Reason]] = {
    "bad_tag": Reason(
        Text("firma que no corresponde", "a signature that does not fit"),
        Text(
            "La clave en la configuración no es la del sensor, o alguien imita uno: compare la clave del sensor",
            "The key in the settings is not the sensor's, or somebody imitates one: compare the sensor's key",
        ),
    ),
    "unknown_device": Reason(
        Text("de un sensor que no está en la configuración", "from a sensor that is not in the settings"),
        Text(
            "Si es de este puesto, agréguelo a [[sources.devices]]; si es de un vecino, no importa",
            "If it is this post's, add it to [[sources.devices]]; if it is a neighbour's, never mind",
        ),
    ),
    "no_key": Reason(
        Text("de un sensor cuya clave no se pudo leer", "from a sensor whose key could not be read"),
        Text("Ponga bien su archivo de clave y reinicie el servicio", "Mend its key file and restart the service"),
    ),
    "replayed": Reason(
        Text("repetidas de hace tiempo", "repeated from long ago"),
        Text(
            "El sensor perdió su cuenta sin batería, o alguien repite lo grabado: dé al sensor una clave nueva",
            "The sensor lost its count without battery, or somebody plays back: give the sensor a new key",
        ),
    ),
    "bad_counter": Reason(
        Text("con una cuenta imposible", "with an impossible count"),
        Text("Dé al sensor una clave nueva", "Give the sensor a new key"),
    ),
    "duplicate": Reason(
        Text("llegadas dos veces", "that came twice"),
        Text("Es normal si hay repetidores de radio", "It is normal where radio repeaters are"),
        noise=True,
    ),
    "bad_crc": Reason(Text("dañadas en el camino", "damaged on the way"), _CABLE, noise=True),
    "bad_cobs": Reason(Text("cortadas", "cut off"), _CABLE, noise=True),
    "too_short": Reason(Text("demasiado cortas", "too short"), _CABLE, noise=True),
    "too_long": Reason(Text("demasiado largas", "too long"), _CABLE, noise=True),
    "overlong_bytes": Reason(
        Text("bytes que no son de ningún sensor", "bytes that are no sensor's"),
        Text(
            "Lo enchufado no habla como un sensor de Vigía, o a otra velocidad: revise port y baud",
            "What is plugged in does not speak as a Vigía sensor, or at another speed: check port and baud",
        ),
        noise=True,
    ),
    "bad_envelope": Reason(Text("de un aparato desconocido", "of an unknown device"), _CABLE, noise=True),
    "bad_version": Reason(Text("de otra versión", "of another version"), _FIRMWARE),
    "bad_kind": Reason(Text("de una clase desconocida", "of an unknown kind"), _FIRMWARE),
    "bad_length": Reason(Text("de largo equivocado", "of the wrong length"), _FIRMWARE),
    "out_of_range": Reason(
        Text("valores imposibles", "impossible values"),
        Text(
            "Un sensor mide mal: vea en el tablero cuál y cámbielo", "A sensor measures wrongly: see which, change it"
        ),
    ),
    "rotten": Reason(
        Text("guardadas y luego dañadas en el disco", "kept, then damaged on the disk"),
        Text("La tarjeta SD está fallando: cámbiela pronto", "The SD card is failing: change it soon"),
    ),
    "set_aside": Reason(
        Text("veces que la bandeja se dañó y se apartó", "times the outbox was damaged and set aside"),
        Text(
            "Suele ser por cortes de luz o una tarjeta SD gastada: si se repite, cambie la tarjeta",
            "Mostly power cuts or a worn SD card: if it happens again, change the card",
        ),
    ),
}
_OTHER: Final = Reason(
    Text("por otra razón", "for another reason"),
    Text("Anote el nombre entre paréntesis y avise a quien mantiene Vigía", "Tell whoever maintains Vigía the name"),
)


def discard_findings(tallies: Mapping[tuple[str, str], int]) -> list[Finding]:
    """What to say of an outbox's tallies by (place, name). They count from the day the outbox was made."""
    accepted = sum(total for (place, _), total in tallies.items() if place == _ACCEPTED)
    findings: list[Finding] = []
    small = 0
    evicted = {name: total for (place, name), total in tallies.items() if name.startswith("evicted_")}
    restarts = {name: total for (place, name), total in tallies.items() if place == "restarted"}
    if evicted:
        findings.append(_evicted(evicted))
    if restarts:
        findings.append(_restarted(restarts))
    for (place, name), total in sorted(tallies.items(), key=lambda item: -item[1]):
        if place in (_ACCEPTED, "restarted") or (place, name) in _NO_DISCARD or name in evicted or not total:
            continue
        reason = _REASONS.get(name, _OTHER)
        if name.startswith("absent_") or (reason.noise and total <= max(10, _SMALL_SHARE * accepted)):
            small += total
            continue
        findings.append(
            attention(
                f"discarded_{name}",
                f"Descartadas {number(total, 'es')}: {reason.what.es} ({name})",
                f"Discarded {number(total, 'en')}: {reason.what.en} ({name})",
                place,
                todo=reason.todo,
            )
        )
    if not findings:
        also = Text(f"; {number(small, 'es')} descartes sin importancia", f"; {number(small, 'en')} small discards")
        return [
            ok(
                "discards",
                f"Se aceptaron {number(accepted, 'es')} lecturas{also.es if small else '; nada descartado'}",
                f"{number(accepted, 'en')} readings accepted{also.en if small else '; nothing discarded'}",
            )
        ]
    return findings


def _evicted(evicted: Mapping[str, int]) -> Finding:
    total = sum(evicted.values())
    which = ", ".join(f"{name.removeprefix('evicted_')} {count}" for name, count in sorted(evicted.items()))
    return wrong(
        "evicted",
        f"Se borraron {number(total, 'es')} lecturas sin enviar, por falta de espacio ({which})",
        f"{number(total, 'en')} readings were deleted unsent for want of room ({which})",
        "outbox",
        todo=Text(
            "Libere disco o suba [outbox] max_megabytes, y haga que haya enlace más seguido",
            "Make room or raise [outbox] max_megabytes, and have a link more often",
        ),
    )


def _restarted(restarts: Mapping[str, int]) -> Finding:
    which = ", ".join(f"{stage} {count}" for stage, count in sorted(restarts.items()))
    return attention(
        "restarted",
        f"Partes del gateway fallaron y arrancaron de nuevo ({which})",
        f"Parts of the gateway failed and started again ({which})",
        todo=Text("Mande el registro: journalctl -u vigia-gateway", "Send the log: journalctl -u vigia-gateway"),
    )
