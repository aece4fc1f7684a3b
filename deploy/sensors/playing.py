"""Which line and devices of a gateway's settings are simulated, and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deploy.errors import DeployError
from deploy.language import Language, Text
from deploy.sensors.updating import unreadable_key
from firmware_bridge.drivers.vigia_sensor import Settings
from firmware_bridge.simulator.run import Report, SimulatedDevice
from firmware_bridge.sources import SourceSettings


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
