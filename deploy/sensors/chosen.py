"""Which source is meant: of a gateway's settings, of a file with one driver's table, or a driver's own sample."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.errors import DeployError
from deploy.language import Language, Text
from deploy.sensors.cards import check_known
from deploy.settings.faults import explain
from deploy.settings.file import load_settings
from deploy.settings.problems import MAX_FILE_BYTES
from firmware_bridge.sources import DRIVERS, SourceSettings


def source_of(file: Path, name: str | None, driver: str | None = None, *, language: Language = "es") -> SourceSettings:
    """The source in a settings file: by its name, else the only one of that driver. A file may also hold nothing but
    the table of one source, as `SAMPLE` does. Raises DeployError."""
    if driver is not None:
        check_known(driver, language)
    table = _bare_table(file)
    if table is not None:
        return checked(table, Text(str(file), str(file)), language)
    from gateway.settings import GatewaySettings

    sources = load_settings(file, GatewaySettings, language).sources
    fitting = [s for s in sources if name in (None, s.name) and driver in (None, s.driver)]
    if len(fitting) != 1:
        raise DeployError(f"{file}: {_which(fitting, name, driver)(language)} {_there(sources)(language)}")
    return fitting[0]


def _which(fitting: Sequence[SourceSettings], name: str | None, driver: str | None) -> Text:
    """Why it is not one."""
    if fitting:
        return Text("diga cuál fuente con --source.", "say which source with --source.")
    called = Text("", "") if name is None else Text(f" de nombre {name!r}", f" called {name!r}")
    of = Text("", "") if driver is None else Text(f" del driver {driver}", f" of the driver {driver}")
    return Text(f"no hay ninguna fuente{called.es}{of.es}.", f"there is no source{called.en}{of.en}.")


def _there(sources: Sequence[SourceSettings]) -> Text:
    if not sources:
        return Text("No tiene [[sources]]", "It has no [[sources]]")
    names = ", ".join(f"{s.name} ({s.driver})" for s in sources)
    return Text(f"Tiene: {names}", f"It has: {names}")


def sample_of(driver: str, language: Language = "es", **changes: Any) -> SourceSettings:
    """What the driver's own sample says, with some settings changed. Raises DeployError."""
    check_known(driver, language)
    where = Text(f"la muestra de {driver}", f"the sample of {driver}")
    return checked(tomllib.loads(DRIVERS[driver].SAMPLE) | changes, where, language)


def on_port(driver: str, port: str, baud: int | None, language: Language) -> SourceSettings:
    """The driver's sample on another serial port. Raises DeployError, also for a driver that has none."""
    check_known(driver, language)
    field = DRIVERS[driver].Settings.model_fields.get("port")
    if field is None or field.annotation is not str:
        raise DeployError(
            Text(
                f"{driver} no escucha un puerto serie: para mirarlo, --for y la configuración del gateway",
                f"{driver} does not listen to a serial port: to watch it, --for and the gateway's settings",
            )(language)
        )
    return sample_of(driver, language, port=port, **({} if baud is None else {"baud": baud}))


def checked(table: dict[str, Any], where: Text, language: Language = "es") -> SourceSettings:
    """The settings that a table tells. Raises DeployError with every fault; none quotes a value."""
    driver = table.get("driver")
    if not isinstance(driver, str):
        unsaid = Text(
            '{where} no dice el driver; escriba en él driver = "..."',
            '{where} says no driver; write driver = "..." in it',
        )
        raise DeployError(unsaid(language).format(where=where(language)))
    check_known(driver, language)
    model = DRIVERS[driver].Settings
    try:
        return model.model_validate(table)
    except ValidationError as error:
        faults = [f"  {'.'.join(map(str, place))}: {words(language)}" for place, _, words in explain(error, model)]
        head = Text(f"{where.es} no sirve:", f"{where.en} cannot be used:")
        raise DeployError("\n".join([head(language), *faults])) from error


def _bare_table(file: Path) -> dict[str, Any] | None:
    """The file's table if it is one source's; None for a gateway's settings, and for what `load_settings` is to
    complain of."""
    try:
        with file.open("rb") as opened:
            told = tomllib.loads(opened.read(MAX_FILE_BYTES).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    return told if "driver" in told else None
