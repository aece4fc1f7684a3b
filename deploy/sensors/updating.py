"""New firmware for a sensor of the settings, over its line, with its progress in words."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import Progress as Bar

from deploy.doctor.findings import Language, Text
from deploy.errors import DeployError
from deploy.language import system_words
from deploy.sensors.update_words import refusal
from deploy.sensors.watching import refuse_if_not_free
from firmware_bridge.drivers.vigia_sensor import Settings
from firmware_bridge.sources import SourceSettings
from firmware_bridge.update.errors import UpdateError
from firmware_bridge.update.runner import UpdateReport, update_firmware
from firmware_bridge.update.updater import Phase, Progress

_MAKER_BYTES: Final = 32
_EVERY_PERCENT: Final = 10
_PHASES: Final = {
    Phase.ASKING: Text("Preguntando al sensor", "Asking the sensor"),
    Phase.BEGINNING: Text("Preparando su memoria", "Preparing its memory"),
    Phase.SENDING: Text("Enviando", "Sending"),
    Phase.FINISHING: Text("Comprobando", "Verifying"),
    Phase.BOOTING: Text("Arrancando lo nuevo", "Starting the new one"),
    Phase.UPDATED: Text("Listo", "Done"),
    Phase.UP_TO_DATE: Text("Ya lo tenía", "It had it already"),
}


class Target(NamedTuple):
    """The sensor: where it is, its id and key, its name."""

    port: str
    baud: int
    device: str
    key: bytes
    name: str


def find_target(settings: list[SourceSettings], device: str, file: Path, language: Language) -> Target:
    """The sensor of this name or id, on a line that nobody uses. Raises DeployError."""
    there: list[str] = []
    for source in settings:
        if not isinstance(source, Settings):
            continue
        for one in source.devices:
            if device not in (one.id, one.name):
                there.append(f"{one.name} ({one.id})")
                continue
            refuse_if_not_free(source, file, language)
            try:
                key = one.read_key()
            except (OSError, ValueError) as error:
                raise unreadable_key(one.name, error, language) from error
            return Target(source.port, source.baud, one.id, key, one.name)
    known = ", ".join(there)
    raise DeployError(
        Text(
            f"{file} no tiene un sensor {device!r} que hable nuestras tramas; tiene: {known or 'ninguno'}",
            f"{file} has no sensor {device!r} that speaks our own frames; it has: {known or 'none'}",
        )(language)
    )


def unreadable_key(name: str, error: OSError | ValueError, language: Language) -> DeployError:
    """That the key of a sensor of the settings cannot be read."""
    why = system_words(error) if isinstance(error, OSError) else Text(str(error), str(error))
    file = f" {error.filename}" if isinstance(error, OSError) and error.filename else ""
    return DeployError(
        Text(
            f"no se puede leer la clave de {name}{file}: {why.es}", f"the key of {name}{file} cannot be read: {why.en}"
        )(language)
    )


def read_maker(file: Path, language: Language = "es") -> bytes:
    """A maker's public key: 64 hex digits in a file. Raises DeployError."""
    try:
        key = bytes.fromhex(file.read_text().strip())
    except OSError as error:
        why = system_words(error)
        raise DeployError(f"{file}: {why(language)}") from error
    except ValueError:
        key = b""
    if len(key) != _MAKER_BYTES:
        raise DeployError(
            Text(
                f"{file} no es la clave de un fabricante: son {2 * _MAKER_BYTES} cifras hexadecimales",
                f"{file} is no maker's key: {2 * _MAKER_BYTES} hex digits",
            )(language)
        )
    return key


def bring(
    image: Path,
    target: Target,
    counters: Path,
    console: Console,
    language: Language,
    *,
    maker: bytes | None = None,
    force: bool = False,
    stop: threading.Event | None = None,
) -> UpdateReport:
    """Do it, and show how far it is: a bar on a terminal, a line now and then elsewhere. Raises DeployError."""

    def run(on_progress: Callable[[Progress], None]) -> UpdateReport:
        try:
            return update_firmware(
                image,
                port=target.port,
                baud=target.baud,
                device=target.device,
                key=target.key,
                counters=counters,
                maker=maker,
                force=force,
                on_progress=on_progress,
                stop=stop,
            )
        except UpdateError as error:
            raise DeployError(refusal(error, target.name)(language)) from error

    if not console.is_terminal:
        return run(_Lines(lambda line: console.print(line, markup=False), language))
    with Bar(console=console) as bar:
        task = bar.add_task(_PHASES[Phase.ASKING](language), total=None)
        return run(
            lambda progress: bar.update(
                task,
                description=_PHASES[progress.phase](language),
                completed=progress.held_bytes,
                total=progress.total_bytes,
            )
        )


def closing_words(report: UpdateReport, target: Target, language: Language) -> str:
    """How it went."""
    if report.phase is Phase.UP_TO_DATE:
        return Text(f"{target.name} ya corre {report.version}", f"{target.name} runs {report.version} already")(
            language
        )
    words = Text(f"{target.name} corre ahora {report.version}", f"{target.name} runs {report.version} now")(language)
    if report.others:
        words += Text(
            f"; {report.others} lecturas que llegaron mientras tanto no se guardaron",
            f"; {report.others} readings that came meanwhile were not kept",
        )(language)
    return words


class _Lines:
    """A line when the phase changes, and at every tenth."""

    def __init__(self, say: Callable[[str], None], language: Language) -> None:
        self._say = say
        self._language = language
        self._said: tuple[Phase, int] | None = None

    def __call__(self, progress: Progress) -> None:
        percent = 100 * progress.held_bytes // max(1, progress.total_bytes)
        now = progress.phase, percent // _EVERY_PERCENT
        if now != self._said:
            self._said = now
            self._say(f"{_PHASES[progress.phase](self._language)}: {percent} %")
