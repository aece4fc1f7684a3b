"""The page of a driver in firmware_bridge/docs: its settings and its line of output."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import firmware_bridge
from firmware_bridge.readings import Kind, Reading


def page(driver: str) -> str:
    """The text."""
    return Path(firmware_bridge.__path__[0], "docs", f"{driver}.md").read_text()


def settings_on(driver: str) -> dict[str, Any]:
    """Its first block of settings."""
    found = re.search(r"```toml\n(.*?)```", page(driver), re.DOTALL)
    assert found is not None
    (source,) = tomllib.loads(found[1])["sources"]
    return dict(source)


def as_block(sample: str) -> str:
    """A driver's sample as it stands in a gateway's settings, and on its page."""
    return "[[sources]]\n" + re.sub(r"^(\[+)", r"\1sources.", sample.strip(), flags=re.MULTILINE)


def as_shown(reading: Reading) -> str:
    """A reading as the pages show it."""
    values = ", ".join(f"{name} {value:g}" for name, value in reading.values().items())
    return " ".join(part for part in (Kind(reading.kind).slug, reading.sensor, reading.label, values) if part)
