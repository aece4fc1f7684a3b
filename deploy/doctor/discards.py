"""What a post has discarded, by reason, in plain words and with advice for the common ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deploy.doctor.findings import Finding, Text, attention, number, ok, wrong
from deploy.doctor.reasons import UNMAPPED, advice

_ACCEPTED: Final = "accepted"
_NO_DISCARD: Final = frozenset({("outbox", "receipted"), ("outbox", "salvaged")})
_SMALL_SHARE: Final = 0.001


def discard_findings(tallies: Mapping[tuple[str, str], int]) -> list[Finding]:
    """What to say of an outbox's tallies by (place, name). They count from the day the outbox was made."""
    accepted = sum(total for (place, _), total in tallies.items() if place == _ACCEPTED)
    findings: list[Finding] = []
    small = 0
    evicted = {name: total for (place, name), total in tallies.items() if name.startswith("evicted_")}
    unmapped = {key: total for key, total in tallies.items() if key[1].startswith(UNMAPPED) and total}
    restarts = {name: total for (place, name), total in tallies.items() if place == "restarted"}
    if evicted:
        findings.append(_evicted(evicted))
    if restarts:
        findings.append(_restarted(restarts))
    findings += [_unmapped(place, unmapped) for place in sorted({place for place, _ in unmapped})]
    for (place, name), total in sorted(tallies.items(), key=lambda item: -item[1]):
        if place in (_ACCEPTED, "restarted") or (place, name) in _NO_DISCARD or name in evicted or not total:
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


def _unmapped(source: str, unmapped: Mapping[tuple[str, str], int]) -> Finding:
    """The fields of a source's devices that nothing maps to a quantity, by name."""
    fields = {name.removeprefix(UNMAPPED): total for (place, name), total in unmapped.items() if place == source}
    which = ", ".join(f"{name} {total}" for name, total in sorted(fields.items()))
    return attention(
        "unmapped_fields",
        f"Los sensores dicen {len(fields)} campos que nadie traduce a una magnitud ({which})",
        f"The sensors tell {len(fields)} fields that nothing maps to a quantity ({which})",
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
