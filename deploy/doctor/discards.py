"""What a post has discarded, by reason, in plain words and with advice for the common ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deploy.doctor.findings import Finding, Text, attention, counted, number, ok, wrong
from deploy.doctor.reasons import UNMAPPED, advice
from gateway.commands.places import ANSWERS
from gateway.uplink.spending import COUNTER_PLACES

_ACCEPTED: Final = "accepted"
_NO_DISCARD: Final = frozenset(
    {
        ("outbox", "receipted"),
        ("outbox", "salvaged"),
        ("watch", "incident_alerts"),
        ("watch", "incidents_numbered"),
    }
)
_OTHER_COUNTS: Final = frozenset({_ACCEPTED, "restarted", ANSWERS, *COUNTER_PLACES})
"""Places of counters that count no discards."""
_SMALL_SHARE: Final = 0.001


def discard_findings(tallies: Mapping[tuple[str, str], int]) -> list[Finding]:
    """What to say of an outbox's tallies by (place, name). They count from the day the outbox was made."""
    accepted = sum(total for (place, _), total in tallies.items() if place == _ACCEPTED)
    findings: list[Finding] = []
    small = 0
    evicted = {
        name: total for (place, name), total in tallies.items() if place == "outbox" and name.startswith("evicted_")
    }
    unmapped = {key: total for key, total in tallies.items() if key[1].startswith(UNMAPPED) and total}
    restarts = {name: total for (place, name), total in tallies.items() if place == "restarted"}
    if evicted:
        findings.append(_evicted(evicted))
    if restarts:
        findings.append(_restarted(restarts))
    findings += [_unmapped(place, unmapped) for place in sorted({place for place, _ in unmapped})]
    for (place, name), total in sorted(tallies.items(), key=lambda item: -item[1]):
        if (
            place in _OTHER_COUNTS
            or (place, name) in _NO_DISCARD
            or (place == "outbox" and name in evicted)
            or not total
        ):
            continue
        if (place, name) in unmapped:
            continue
        reason = advice(name)
        if reason.harmless or (reason.noise and total <= max(10, _SMALL_SHARE * accepted)):
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
        of = counted(small, Text("descarte", "discard"), Text("descartes", "discards"))
        also = Text(f"; {of.es} sin importancia", f"; {of.en} of no weight")
        if not small:
            also = Text("; nada descartado", "; nothing discarded")
        taken = counted(
            accepted, Text("lectura aceptada", "reading accepted"), Text("lecturas aceptadas", "readings accepted")
        )
        return [
            ok(
                "discards",
                f"{taken.es}{also.es}",
                f"{taken.en}{also.en}",
            )
        ]
    return findings


def _evicted(evicted: Mapping[str, int]) -> Finding:
    total = sum(evicted.values())
    lost = counted(total, Text("lectura", "reading was"), Text("lecturas", "readings were"))
    which = ", ".join(f"{name.removeprefix('evicted_')} {count}" for name, count in sorted(evicted.items()))
    return wrong(
        "evicted",
        f"{'Se borró' if total == 1 else 'Se borraron'} {lost.es} sin enviar, por falta de espacio ({which})",
        f"{lost.en} deleted unsent for want of room ({which})",
        "outbox",
        todo=Text(
            "Libere disco o suba [outbox] max_megabytes, y haga que haya enlace más seguido",
            "Make room or raise [outbox] max_megabytes, and have a link more often",
        ),
    )


def _unmapped(source: str, unmapped: Mapping[tuple[str, str], int]) -> Finding:
    """The fields of a source's devices that nothing maps to a quantity, by name."""
    fields = {name.removeprefix(UNMAPPED): total for (place, name), total in unmapped.items() if place == source}
    which = ", ".join(f"{name} {total}" for name, total in sorted(fields.items()))
    count = counted(len(fields), Text("campo", "field"), Text("campos", "fields"))
    return attention(
        "unmapped_fields",
        f"Los sensores dicen {count.es} que nadie traduce a una magnitud ({which})",
        f"The sensors tell {count.en} that nothing maps to a quantity ({which})",
        source,
        todo=advice(UNMAPPED).todo,
    )


def _restarted(restarts: Mapping[str, int]) -> Finding:
    which = ", ".join(f"{stage} {count}" for stage, count in sorted(restarts.items()))
    return attention(
        "restarted",
        f"Partes del gateway fallaron y arrancaron de nuevo ({which})",
        f"Parts of the gateway failed and started again ({which})",
        todo=Text("Mande el registro: journalctl -u vigia-gateway", "Send the log: journalctl -u vigia-gateway"),
    )
