"""Decoders and layouts that payloads name: missing, unfit, or not to be run here; told by the line that names them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from deploy.doctor.codec_files import codec_checks
from deploy.doctor.findings import Finding, Mark
from deploy.settings.file import load_settings
from gateway.settings import GatewaySettings
from tests.deploy.doctor.findings import found, look

GOOD: Final = "function decodeUplink(input) { return { data: { temperature: 1 } }; }"
SETTINGS: Final = """\
[station]
name = "boca"

[[sources]]
driver = "semtech_udp"
name = "concentrador"
default = { name = "lluvia", payload = { codec = "cayenne_lpp" } }

[[sources.devices]]
id = "07"
name = "clima"
payload = { codec = "%s", %s = "%s" }
"""
LINE: Final = 12


def findings(folder: Path, file: str, *, codec: str = "javascript") -> list[Finding]:
    settings = folder / "gateway.toml"
    key = {"javascript": "file", "layout": "layout"}[codec]
    settings.write_text(SETTINGS % (codec, key, folder / file if "." in file else file))
    return look(codec_checks(load_settings(settings, GatewaySettings).sources, settings))


def test_a_decoder_that_loads_is_well(tmp_path: Path) -> None:
    (tmp_path / "maker.js").write_text(GOOD)
    assert found(findings(tmp_path, "maker.js")) == {"codecs": Mark.OK}
    assert found(findings(tmp_path, "dragino_lht65", codec="layout")) == {"codecs": Mark.OK}


@pytest.mark.parametrize("codec", ["javascript", "layout"])
def test_a_missing_file_is_told_by_the_line_that_names_it(tmp_path: Path, codec: str) -> None:
    (told,) = findings(tmp_path, "nowhere.toml", codec=codec)
    assert (told.code, told.mark, told.where) == ("codec_missing", Mark.WRONG, str(tmp_path / "nowhere.toml"))
    assert told.what.es == f"Línea {LINE}: falta el decodificador de clima, no se le oirá: no existe"
    assert told.what.en.startswith(f"Line {LINE}: the decoder of clima is missing, it will not be heard: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("function decodeUplink(input) { return {", "SyntaxError"),
        ("var x = 1;", "it has none of the functions decodeUplink, Decode, Decoder"),
        ("while (true) {}", "interrupted"),
        (b"\xff\xfe", "not text in UTF-8"),
        ("throw new Error('a\\nb' + 'long '.repeat(100));", "Error: a b"),
    ],
)
def test_a_decoder_that_cannot_be_loaded_says_why_in_one_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    (tmp_path / "maker.js").write_bytes(text if isinstance(text, bytes) else text.encode())
    (told,) = findings(tmp_path, "maker.js")
    assert (told.code, told.mark) == ("codec_bad", Mark.WRONG)
    assert said in told.what.es
    assert "\n" not in told.what.es
    assert len(told.what.es) < 250


def test_without_an_engine_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "maker.js").write_text(GOOD)
    (told,) = findings(tmp_path, "maker.js")
    assert (told.code, told.mark) == ("codec_no_engine", Mark.ATTENTION)
    assert told.todo is not None
    assert "vigia[javascript]" in told.todo.es
