"""What a post has discarded, by reason, in plain words and with advice for the common ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Final

from deploy.doctor.devices import devices_of
from deploy.doctor.findings import Finding, Text, ages, attention, counted, number, ok, wrong
from deploy.doctor.outputs import is_told_here
from deploy.doctor.reason import Reason
from deploy.doctor.reasons import UNMAPPED, advice
from firmware_bridge.sources import SourceSettings
from gateway.commands.places import ANSWERS
from gateway.uplink.spending import COUNTER_PLACES
from gateway.watch.state_file import CounterWord, GatewayState

_ACCEPTED: Final = "accepted"
_NO_DISCARD: Final = frozenset(
    {
        ("media", "evicted_delivered"),
        ("outbox", "receipted"),
        ("outbox", "salvaged"),
        ("watch", "incident_alerts"),
        ("watch", "incidents_numbered"),
    }
)
_OTHER_COUNTS: Final = frozenset({_ACCEPTED, "restarted", ANSWERS, *COUNTER_PLACES})
"""Places of counters that count no discards."""
_SMALL_SHARE: Final = 0.001
_SMALL_SHARE_OF_SOURCE: Final = 0.01
_FEW_OF_NOTHING: Final = 2
"""So much noise is told already of a source that gave nothing else."""
_LATELY_S: Final = 86_400.0
_MOST_BEFORE: Final = 6
_OF_PAYLOADS: Final[Mapping[str, Reason]] = {
    name: Reason(
        Text(f"mensajes {how.es} para su formato", f"messages {how.en} for their layout"),
        Text(
            "El formato no es el de ese sensor: revise su payload (layout, minimum_bytes, codec) y pruébelo con un "
            "mensaje suyo: vigia sensors decode",
            "The layout is not that sensor's: check its payload (layout, minimum_bytes, codec), and try it with a "
            "message of its own: vigia sensors decode",
        ),
    )
    for name, how in (
        ("too_short", Text("demasiado cortos", "too short")),
        ("too_long", Text("demasiado largos", "too long")),
    )
}
"""Where payloads are decoded these are no noise of a line: their frames came whole."""


def discard_findings(
    tallies: Mapping[tuple[str, str], int],
    sources: Sequence[SourceSettings] = (),
    state: GatewayState | None = None,
    now_s: float = 0.0,
) -> list[Finding]:
    """What to say of an outbox's tallies by (place, name), which count from the day the outbox was made.

    With a state of the running gateway only what moved since its start, and in the last day, is judged, that of a
    source by what this source gave; of the rest it is said that it was before. now_s: of CLOCK_MONOTONIC.
    """
    if state is None:
        return _findings(tallies, {}, {}, set())
    moved = {
        (one.place, one.name): one
        for one in state.counters
        if one.since_start and now_s - one.moved_s < _LATELY_S and not is_told_here(one)
    }
    lately = {key: one.since_start for key, one in moved.items()}
    lately |= {key: total for key, total in tallies.items() if key[0] == _ACCEPTED}
    told = {key: _when(tallies.get(key, 0), one, now_s - state.started_s, now_s) for key, one in moved.items()}
    given = {word.name: word.accepted for word in state.sources}
    decoded = {
        source.name
        for source in sources
        if any(getattr(one.settings, "payload", None) is not None for one in devices_of(source))
    }
    findings = _findings(lately, given, told, decoded)
    before = {key: total for key, total in tallies.items() if key not in moved and _is_worth_a_word(key, total)}
    return [*findings, _before(before)] if before else findings


def _findings(
    tallies: Mapping[tuple[str, str], int],
    given: Mapping[str, int],
    told: Mapping[tuple[str, str], Text],
    decoded: Set[str],
) -> list[Finding]:
    """given: readings of each source meanwhile; without, noise is judged by all that the post accepted. told: when
    each counter moved. decoded: sources whose devices' payloads something of the settings decodes."""
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
        reason = advice(name, place)
        if place in decoded and name in _OF_PAYLOADS:
            reason = _OF_PAYLOADS[name]
        few = max(10, _SMALL_SHARE * accepted)
        if place in given:
            few = max(10, _SMALL_SHARE_OF_SOURCE * given[place]) if given[place] else _FEW_OF_NOTHING
        if reason.harmless or (reason.noise and total <= few):
            small += total
            continue
        when = told.get((place, name), Text("", ""))
        findings.append(
            attention(
                f"discarded_{name}",
                f"Descartadas {number(total, 'es')}: {reason.what.es} ({name}){when.es}",
                f"Discarded {number(total, 'en')}: {reason.what.en} ({name}){when.en}",
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


def _when(total: int, moved: CounterWord, running_s: float, now_s: float) -> Text:
    running, ago = ages(running_s), ages(now_s - moved.moved_s)
    if total > moved.since_start:
        before = total - moved.since_start
        return Text(
            f"; la última hace {ago.es}; {number(before, 'es')} más antes del último arranque, hace {running.es}",
            f"; the last {ago.en} ago; {number(before, 'en')} more before the last start, {running.en} ago",
        )
    return Text(f"; la última hace {ago.es}", f"; the last {ago.en} ago")


def _is_worth_a_word(key: tuple[str, str], total: int) -> bool:
    place, name = key
    if not total or place in _OTHER_COUNTS - {"restarted"} or key in _NO_DISCARD:
        return False
    reason = advice(name, place)
    return place == "restarted" or not (reason.harmless or reason.noise)


def _before(before: Mapping[tuple[str, str], int]) -> Finding:
    most = sorted(before.items(), key=lambda item: -item[1])
    which = ", ".join(f"{place} {name} {total}" for (place, name), total in most[:_MOST_BEFORE])
    rest = f" (+{len(most) - _MOST_BEFORE})" if len(most) > _MOST_BEFORE else ""
    return ok(
        "discarded_before",
        f"De antes, ya no crece: {which}{rest}",
        f"From before, grows no more: {which}{rest}",
    )


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
