"""What the README shows is true: every block of settings is valid, every payload gives what is written beside it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from firmware_bridge import payloads
from firmware_bridge.payloads.layout import LayoutDecoder
from firmware_bridge.payloads.layout_files import packaged_layouts
from firmware_bridge.payloads.layout_settings import Layout
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.payloads.settings import PayloadSettings
from firmware_bridge.readings import QUANTITIES

README = Path(payloads.__path__[0], "README.md").read_text()
BLOCKS = re.findall(r"```toml\n(.*?)```\n(?:```text\n(.*?)```\n)?", README, re.DOTALL)
SETTINGS = [toml for toml, _ in BLOCKS if "[payload]" in toml]
LAYOUTS = [(toml, line) for toml, shown in BLOCKS if "[payload]" not in toml for line in shown.splitlines()]


@pytest.mark.parametrize("toml", SETTINGS)
def test_settings_are_valid(toml: str) -> None:
    TypeAdapter(PayloadSettings).validate_python(tomllib.loads(toml)["payload"])


@pytest.mark.parametrize(("toml", "line"), LAYOUTS, ids=[line for _, line in LAYOUTS])
def test_payloads_give_what_is_shown(toml: str, line: str) -> None:
    payload, _, shown = line.partition(" -> ")
    decoder = LayoutDecoder(Layout.model_validate(tomllib.loads(toml)))
    told = decoder.decode(bytes.fromhex(payload), None)
    assert len(told) == len(shown.split("; "))
    for item, expected in zip(told, shown.split("; "), strict=True):
        assert isinstance(item, Decoded)
        parts = expected.split(", ")
        if item.label:
            assert parts.pop(0) == item.label
        assert {name: float(value) for name, value in (part.split(" ") for part in parts)} == {
            name: pytest.approx(value, abs=0.6 * QUANTITIES[name].resolution) for name, value in item.values.items()
        }


def test_everything_is_shown() -> None:
    assert len(SETTINGS) == 4
    assert len(LAYOUTS) >= 10
    assert f"{sum(name.startswith('decentlab') for name in packaged_layouts())} of Decentlab" in README
