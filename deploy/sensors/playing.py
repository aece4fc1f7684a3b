"""Which line and devices of a gateway's settings are simulated, and how it went."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.errors import DeployError
from deploy.language import Language, Text
from deploy.sensors.updating import unreadable_key
from firmware_bridge.drivers.vigia_sensor import Settings
from firmware_bridge.simulator.run import Report, SimulatedDevice
from firmware_bridge.simulator.scenario import scenario_names
from firmware_bridge.sources import SourceSettings

_SPANISH: Final[Mapping[str, tuple[str, ...]]] = {
    "chainsaw": ("motosierra", "tala"),
    "boat_passing": ("bote", "embarcacion", "peque_peque", "deslizador"),
    "rain": ("lluvia",),
    "day_at_a_post": ("dia", "un_dia_en_el_puesto"),
}
"""What a scenario may be called by who looks for it."""


def line_to_play(
    sources: Sequence[SourceSettings], name: str | None, file: Path, language: Language
) -> tuple[Path, list[SimulatedDevice]]:
    """Where the tty is to be found, and who speaks there with which key: of the source of this name, or of the only one
    with sensors of ours. Raises DeployError."""
    ours = [source for source in sources if isinstance(source, Settings)]
    fitting = [source for source in ours if name in (None, source.name)]
    if len(fitting) != 1:
        raise DeployError(_not_one(ours, fitting, name, file)(language))
    devices = []
    for device in fitting[0].devices:
        try:
            devices.append(SimulatedDevice(device.id, device.read_key()))
        except (OSError, ValueError) as error:
            raise unreadable_key(device.name, error, language) from error
    return Path(fitting[0].port), devices


def _not_one(ours: Sequence[Settings], fitting: Sequence[Settings], name: str | None, file: Path) -> Text:
    there = ", ".join(source.name for source in ours)
    if fitting:
        return Text(
            f"{file} tiene {len(fitting)} fuentes que se pueden simular; diga cuál con --source: {there}",
            f"{file} has {len(fitting)} sources that can be played; say which with --source: {there}",
        )
    if ours:
        return Text(
            f"{file} no tiene una fuente {name!r} con sensores vigia_sensor; tiene: {there}",
            f"{file} has no source {name!r} with sensors of vigia_sensor; it has: {there}",
        )
    return Text(
        f"{file} no tiene una fuente vigia_sensor, y solo esos sensores se pueden simular. Una para comenzar: vigia"
        " sensors sample vigia_sensor",
        f"{file} has no source of vigia_sensor, and only such sensors can be played. One to begin with: vigia sensors"
        " sample vigia_sensor",
    )


def check_scenario(scenario: str, language: Language) -> None:
    """Raises DeployError for a name that no scenario has, with the likely one."""
    if Path(scenario).suffix == ".toml" or scenario in scenario_names():
        return
    words = {plain: name for name in scenario_names() for plain in (name, *_SPANISH.get(name, ()))}
    close = difflib.get_close_matches(scenario.lower().replace("-", "_"), words, n=1, cutoff=0.7)
    meant = words[close[0]] if close else ""
    there = ", ".join(scenario_names())
    raise DeployError(
        Text(
            f"no hay ningún escenario {scenario!r}{f'; ¿quiso decir {meant}?' if meant else ''} Los hay: {there}; o un"
            " archivo .toml",
            f"there is no scenario {scenario!r}{f'; do you mean {meant}?' if meant else ''} There are: {there}; or a"
            " .toml file",
        )(language)
    )


def played_words(report: Report, link: Path, language: Language) -> str:
    """How it went, and whether anybody read."""
    words = Text(f"{report.sent} tramas enviadas por {link}", f"{report.sent} frames sent on {link}")(language)
    if report.dropped:
        words += Text(
            f"; {report.dropped} perdidas: la línea estaba llena", f"; {report.dropped} lost: the line was full"
        )(language)
    if report.unread_bytes:
        words += Text(
            f"; {report.unread_bytes} bytes quedaron sin leer: ¿está en marcha el gateway con esa configuración?",
            f"; {report.unread_bytes} bytes were left unread: does the gateway run with these settings?",
        )(language)
    return words
