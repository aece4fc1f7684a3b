"""How the sources of a running gateway fare, and which configured sensors were never heard."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.doctor.findings import Check, Finding, Text, ages, attention, counted, is_there, ok, wrong
from deploy.doctor.processes import lock_holder
from firmware_bridge.sources import SourceSettings, SourceStanding
from gateway.watch.state_file import GatewayState, read_state

_FRESH_S: Final = 180.0
"""A gateway says something each minute; after three it hangs or stopped, which the look at the service tells."""
_MOST_NAMES: Final = 12
_CHECK_CABLE: Final = Text(
    "Revise que esté prendido y enchufado, y port en la configuración",
    "See that it has power and is plugged in, and check port in the settings",
)
_CHECK_HOST: Final = Text(
    "Revise que ese equipo o servidor esté prendido y en la misma red, y su dirección y puerto en la configuración",
    "See that this machine or server runs and is in the same network; check its address and port in the settings",
)
_CHECK_ANSWER: Final = Text(
    "Revise que sea el aparato que dice driver, su alimentación, y la velocidad (baud) en la configuración",
    "See that it is the device that driver says, its power, and the speed (baud) in the settings",
)


def sources_check(settings: Sequence[SourceSettings], state: GatewayState | None) -> Check:
    """state: what the running gateway last said, None without any."""
    return Check(Text("Fuentes", "Sources"), lambda: judge_sources(settings, state, time.monotonic()))


def running_state(outbox: Path) -> GatewayState | None:
    """What the gateway that runs now last said; None when none runs, or it said nothing that we may read."""
    runner = lock_holder(outbox)
    if runner is None:
        return None
    try:
        state = read_state(outbox)
    except PermissionError:
        return None
    return state if state is not None and time.monotonic() - state.told_s < _FRESH_S else None


def judge_sources(settings: Sequence[SourceSettings], state: GatewayState | None, now_s: float) -> list[Finding]:
    """What to say of the sources at a time of CLOCK_MONOTONIC; nothing without a state: the service's look tells."""
    if state is None or not state.sources:
        return []
    by_name = {source.name: source for source in settings}
    findings: list[Finding] = []
    well = 0
    for word in state.sources:
        source = by_name.get(word.name)
        where = f"{word.name} ({word.driver})" + (f": {word.words}" if word.words else "")
        if _is_unplugged(source):
            continue  # the look at the ports tells
        finding = _judge(word.standing, _place(source), where, now_s - state.started_s, is_line=_is_line(source))
        if finding is None:
            well += 1
        else:
            findings.append(finding)
    if well:
        listen = counted(well, Text("fuente trabaja", "source works"), Text("fuentes trabajan", "sources work"))
        findings.insert(0, ok("sources", listen.es, listen.en))
    if state.unheard:
        findings.append(_unheard(state.unheard, now_s - state.started_s))
    return findings


def _judge(standing: str, place: str, where: str, running_s: float, *, is_line: bool) -> Finding | None:
    check = _CHECK_CABLE if is_line else _CHECK_HOST
    match standing:
        case SourceStanding.WELL.value:
            return None
        case SourceStanding.NOT_REACHED.value:
            es, en = f"No se alcanza {place} desde que arrancó", f"{place} was not reached since the start"
            return wrong("source_not_reached", es, en, where, todo=check)
        case SourceStanding.LOST.value:
            es, en = f"Se perdió {place}; se intenta una y otra vez", f"{place} was lost; it is tried again and again"
            return wrong("source_lost", es, en, where, todo=check)
        case SourceStanding.SILENT.value:
            es = f"Lo que está en {place} no contesta como debe"
            return wrong("source_silent", es, f"What is at {place} does not answer", where, todo=_CHECK_ANSWER)
        case SourceStanding.FOLDER_AWAY.value:
            return wrong(
                "source_folder_away",
                f"No se puede leer la carpeta {place}",
                f"The directory {place} cannot be read",
                where,
                todo=Text(
                    "¿Está puesta la tarjeta o el disco? Si sí, revise directory en la configuración y sus permisos",
                    "Is the card or disk in? If so, check directory in the settings, and who may read it",
                ),
            )
        case SourceStanding.DISK_TROUBLE.value:
            return wrong(
                "source_disk_trouble",
                f"No puede guardar lo que necesita recordar ({place})",
                f"It cannot keep what it must remember ({place})",
                where,
                todo=Text("Revise el espacio y la tarjeta del puesto", "See to the room and the card of the post"),
            )
        case SourceStanding.PARTLY.value:
            return attention(
                "source_partly",
                "Trabaja, pero no con todo o no con todos sus aparatos",
                "It works, but not wholly or not with all of its devices",
                where,
                todo=Text(
                    "Los aparatos que nombra no contestan: revise su luz, su cable y su número",
                    "The devices that it names do not answer: check their power, cable and number",
                ),
            )
        case _:
            if running_s < _FRESH_S:
                return ok("source_starting", "La fuente está arrancando", "The source is starting", where)
            return attention(
                "source_starting",
                "La fuente lleva rato arrancando",
                "The source has been starting for a while",
                where,
                todo=_CHECK_ANSWER,
            )


def _is_line(source: SourceSettings | None) -> bool:
    return isinstance(getattr(source, "port", None), str) and bool(getattr(source, "port", ""))


def _is_unplugged(source: SourceSettings | None) -> bool:
    return _is_line(source) and is_there(Path(str(getattr(source, "port", "")))) is False


def _place(source: SourceSettings | None) -> str:
    """Where it listens, by its settings: port, host, broker or directory; its name where it tells none."""
    if source is None:
        return "?"
    if _is_line(source):
        return str(getattr(source, "port", ""))
    if (directory := getattr(source, "directory", None)) is not None:
        return str(directory)
    if (broker := getattr(source, "broker", None)) is not None:
        return f"{broker.host}:{broker.port}"
    if host := getattr(source, "host", ""):
        return f"{host}:{getattr(source, 'tcp_port', '')}"
    return source.name


def _unheard(names: Sequence[str], running_s: float) -> Finding:
    more = len(names) - _MOST_NAMES
    told = ", ".join(names[:_MOST_NAMES]) + (f" (+{more})" if more > 0 else "")
    since = ages(running_s)
    count = counted(len(names), Text("sensor", "sensor"), Text("sensores", "sensors"))
    one = len(names) == 1
    return attention(
        "sensors_never_heard",
        f"{count.es} de la configuración nunca se {'oyó' if one else 'oyeron'}: {told} (prendido hace {since.es})",
        f"{count.en} of the settings {'was' if one else 'were'} never heard: {told} (running for {since.en})",
        todo=Text(
            "Si recién se prendió, espere su primer envío. Si no: batería, antena, y su número y clave (o serie) en la "
            "configuración",
            "If it was switched on just now, wait for its first word. If not: battery, antenna, its number and key (or "
            "serial) in the settings",
        ),
    )
