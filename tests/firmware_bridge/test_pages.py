"""The pages of the drivers tell the truth: their settings are valid, their commands give what stands below them.

A page's settings are in ```toml blocks; the first is what its commands find as sensor.toml. A ```console block holds
`$ vigia ...`, as long as a shell takes it to go on (after a backslash, within quotes), and the output. Keys in
/etc/vigia/keys are taken to be the key of the example in firmware_bridge/README.md.
"""

from __future__ import annotations

import logging
import re
import shlex
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

import firmware_bridge
from deploy.cli.main import app
from firmware_bridge import sources
from gateway.settings import GatewaySettings

ALL = sorted(sources.DRIVERS)
DOCS = Path(firmware_bridge.__path__[0], "docs")
TEMPLATE = Path(firmware_bridge.__path__[0], "driver_template", "maker_model.md")
KEYS = "/etc/vigia/keys/"
EXAMPLE_KEY = "00112233445566778899aabbccddeeff"
SECTIONS = ("## Wiring", "## Settings", "## Traps")
FILES_ONLY = {"audio_folder", "camera_folder", "serial_camera"}
"""What these take are files; their own tests hold their pages to what becomes of one."""
LONGEST_LINES = 100


class Shown(NamedTuple):
    """A command and its output as a page shows them."""

    command: str
    output: str


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def shown(text: str) -> list[Shown]:
    """Every command of a page's console blocks."""
    found = []
    for block in blocks(text, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.replace("\\\n", "").splitlines(keepends=True)
            ends = next(n for n in range(1, len(lines) + 1) if "".join(lines[:n]).count("'") % 2 == 0)
            found.append(Shown("".join(lines[:ends]), "".join(lines[ends:])))
    return found


@pytest.mark.parametrize("driver", ALL)
class TestEveryPage:
    def test_is_there_and_short(self, driver: str) -> None:
        text = (DOCS / f"{driver}.md").read_text()
        assert text.startswith(f"# {driver}: ")
        for section in SECTIONS:
            assert f"\n{section}\n" in text, section
        assert len(text.splitlines()) <= LONGEST_LINES, "a page is a page"

    def test_settings_are_valid(self, driver: str) -> None:
        told = blocks((DOCS / f"{driver}.md").read_text(), "toml")
        assert told
        for block in told:
            (source,) = GatewaySettings.model_validate(tomllib.loads(block)).sources  # as a technician pastes it
            assert source.driver == driver

    def test_commands_give_what_is_shown(
        self, driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        text = (DOCS / f"{driver}.md").read_text()
        commands = shown(text)
        line_is_shown = driver in FILES_ONLY and "\n## One line of output\n    " in text
        assert commands or line_is_shown, "show what bytes say: ```console, $ vigia sensors decode ..."
        (tmp_path / "00a1b2c3.key").write_text(EXAMPLE_KEY)
        (tmp_path / "sensor.toml").write_text(blocks(text, "toml")[0].replace(KEYS, f"{tmp_path}/"))
        monkeypatch.chdir(tmp_path)
        caplog.set_level(logging.ERROR)  # a page may name devices whose keys are not here
        for command, output in commands:
            words = shlex.split(command)
            assert words[:3] == ["vigia", "sensors", "decode"]
            assert CliRunner().invoke(app, words[1:]).output == output, command


def test_the_example_key_is_the_readmes() -> None:
    assert EXAMPLE_KEY in Path(firmware_bridge.__path__[0], "README.md").read_text()


def test_the_templates_page_is_one_too() -> None:
    text = TEMPLATE.read_text()
    assert all(f"\n{section}\n" in text for section in SECTIONS)
    assert blocks(text, "toml")
    assert shown(text)
