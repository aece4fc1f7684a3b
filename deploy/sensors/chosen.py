"""Which source is meant: of a gateway's settings, of a file with one driver's table, or a driver's own sample."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.errors import DeployError
from deploy.sensors.cards import check_known
from deploy.settings.faults import explain
from deploy.settings.file import MAX_FILE_BYTES, load_settings
from firmware_bridge.sources import DRIVERS, SourceSettings


def source_of(file: Path, name: str | None, driver: str | None = None) -> SourceSettings:
    """The source in a settings file: by its name, else the only one of that driver. A file may also hold nothing but
    the table of one source, as `SAMPLE` does. Raises DeployError."""
    table = _bare_table(file)
    if table is not None:
        return checked(table, str(file))
    from gateway.settings import GatewaySettings

    sources = load_settings(file, GatewaySettings).sources
    fitting = [s for s in sources if name in (None, s.name) and driver in (None, s.driver)]
    if len(fitting) != 1:
        there = ", ".join(f"{s.name} ({s.driver})" for s in sources) or "none"
        raise DeployError(f"{file}: {len(fitting)} sources fit; say which with --source. It has: {there}")
    return fitting[0]


def sample_of(driver: str, **changes: Any) -> SourceSettings:
    """What the driver's own sample says, with some settings changed. Raises DeployError."""
    check_known(driver)
    return checked(tomllib.loads(DRIVERS[driver].SAMPLE) | changes, f"the sample of {driver}")


def checked(table: dict[str, Any], where: str) -> SourceSettings:
    """The settings that a table tells. Raises DeployError with every fault; none quotes a value."""
    driver = table.get("driver")
    if not isinstance(driver, str):
        raise DeployError(f'{where} says no driver; write driver = "..." in it')
    check_known(driver)
    model = DRIVERS[driver].Settings
    try:
        return model.model_validate(table)
    except ValidationError as error:
        faults = [f"  {'.'.join(map(str, place))}: {words.en}" for place, _, words in explain(error, model)]
        raise DeployError("\n".join([f"{where} cannot be used:", *faults])) from error


def _bare_table(file: Path) -> dict[str, Any] | None:
    """The file's table if it is one source's; None for a gateway's settings, and for what `load_settings` is to
    complain of."""
    try:
        with file.open("rb") as opened:
            told = tomllib.loads(opened.read(MAX_FILE_BYTES).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    return told if "driver" in told else None
