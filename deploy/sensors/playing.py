"""Which line and devices of a gateway's settings are simulated, and how it went."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.doctor.findings import ages
from deploy.errors import DeployError
from deploy.language import Language, Text
from deploy.sensors.updating import unreadable_key
from firmware_bridge.drivers.vigia_sensor import Settings
from firmware_bridge.simulator.run import Report, SimulatedDevice
from firmware_bridge.simulator.scenario import Scenario, scenario_names
from firmware_bridge.sources import SourceSettings

_SPANISH: Final[Mapping[str, tuple[str, ...]]] = {
    "chainsaw": ("motosierra", "tala"),
    "boat_passing": ("bote", "embarcacion", "peque_peque", "deslizador"),
    "rain": ("lluvia",),
    "day_at_a_post": ("dia", "un_dia_en_el_puesto"),
}
"""What a scenario may be called by who looks for it."""

_FOLLOWED: Final = 10
"""So many times as fast as it is, a scenario can still be followed."""
_SEEMS: Final = 1.15
"""A boat seems so much faster where the first sensor heard it from nearer than the next one does."""


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


def opening_words(plan: Scenario, title: str, speed: float, language: Language) -> str:
    """How long it takes, how to shorten that, and that no rule believes a boat that is played too fast. Raises
    DeployError for a speed at which it would never end."""
    if not speed > 0:
        raise DeployError(
            Text(
                f"--speed {speed:g}: debe ser más de 0; con 10 va diez veces más rápido",
                f"--speed {speed:g}: it must be above 0; at 10 it goes ten times as fast",
            )(language)
        )
    takes = ages(plan.duration_s / speed)
    words = Text(f"{title}: dura {takes.es}", f"{title}: it takes {takes.en}")
    if plan.repeat:
        words = Text(f"{words.es}, y empieza de nuevo", f"{words.en}, and begins again")
    boat_kmh = max((passage.speed_kmh for passage in plan.passages), default=0.0)
    at_most = advised_speed(plan)
    if speed > at_most and boat_kmh:
        return Text(
            f"{words.es}. A --speed {speed:g} el bote va a {speed * boat_kmh:.0f} km/h, y las reglas de botes creen"
            f" hasta {_believed_kmh():.0f}: para que avisen, --speed {at_most}",
            f"{words.en}. At --speed {speed:g} the boat goes at {speed * boat_kmh:.0f} km/h, and the rules for boats"
            f" believe up to {_believed_kmh():.0f}: for them to warn, --speed {at_most}",
        )(language)
    if speed < at_most:
        return Text(f"{words.es}; más rápido: --speed {at_most}", f"{words.en}; faster: --speed {at_most}")(language)
    return words(language)


def advised_speed(plan: Scenario) -> int:
    """As fast as it can be followed, and as the rules for boats believe its boats."""
    boat_kmh = max((passage.speed_kmh for passage in plan.passages), default=0.0)
    return max(1, int(min(_FOLLOWED, _believed_kmh() / (_SEEMS * boat_kmh)))) if boat_kmh else _FOLLOWED


def _believed_kmh() -> float:
    """The fastest boat of a rule that says nothing else."""
    from gateway.rules.book import BoatRule

    return float(BoatRule.model_fields["fastest_metres_per_second"].default) * 3.6


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
