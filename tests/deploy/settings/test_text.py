"""`vigia gateway config` and `vigia ingest config` print files that pass their own check."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.errors import DeployError
from deploy.language import Language
from deploy.sensors.cards import models_in
from deploy.settings.file import load_settings
from deploy.settings.gateway_words import GATEWAY
from deploy.settings.ingest_words import INGEST
from deploy.settings.text import SPANISH, gateway_text, ingest_text
from gateway.settings import GatewaySettings
from ingest.settings import IngestSettings

LANGUAGES: tuple[Language, ...] = ("es", "en")
EVERY_TEXT = [write(language) for write in (gateway_text, ingest_text) for language in LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_gateways_defaults_pass_and_are_the_defaults(language: Language, tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(gateway_text(language))
    assert load_settings(file, GatewaySettings) == GatewaySettings()


def test_the_sample_source_passes_once_uncommented(tmp_path: Path) -> None:
    text = gateway_text()
    at = text.index("# [[sources]]")
    sample = "\n".join(line.removeprefix("# ").removeprefix("#") for line in text[at:].splitlines())
    file = tmp_path / "gateway.toml"
    file.write_text(text[:at] + sample)
    (source,) = load_settings(file, GatewaySettings).sources
    assert source.name == "radio"


def test_ingests_defaults_pass_once_the_token_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ingest.toml"
    file.write_text(ingest_text())
    with pytest.raises(DeployError, match=r"influx\.token: is still the text of the sample"):
        load_settings(file, IngestSettings, "en")
    file.write_text("\n".join(line for line in ingest_text().splitlines() if not line.startswith("token")))
    monkeypatch.setenv("VIGIA_INGEST__INFLUX__TOKEN", "secret")
    token = load_settings(file, IngestSettings).influx.token
    assert token is not None
    assert token.get_secret_value() == "secret"


@pytest.mark.parametrize("text", EVERY_TEXT)
def test_every_setting_is_explained(text: str) -> None:
    lines = text.splitlines()
    for before, line in itertools.pairwise(lines):
        if " = " in line and not line.startswith("#"):
            assert before.startswith("# "), line


@pytest.mark.parametrize(
    ("service", "spanish", "english"),
    [
        ("gateway", "# El enlace con la sede.\n[uplink]\n", "# The link to headquarters.\n[uplink]\n"),
        ("ingest", "# A dónde van los puntos.\n[influx]\n", "# Where points go.\n[influx]\n"),
    ],
)
def test_spanish_is_printed_and_english_on_request(service: str, spanish: str, english: str) -> None:
    told = CliRunner().invoke(app, [service, "config"]).output
    assert told.startswith("# Ajustes de")
    assert spanish in told
    assert english in CliRunner().invoke(app, [service, "config", "--lang", "en"]).output


@pytest.mark.parametrize("write", [gateway_text, ingest_text])
def test_both_languages_say_the_same_settings_and_no_explanation_is_left_in_english(
    write: Callable[[Language], str],
) -> None:
    """What both have in common are the settings themselves."""
    spanish, english = write("es").splitlines(), write("en").splitlines()
    assert [line for line in spanish if is_setting(line)] == [line for line in english if is_setting(line)]
    assert not [line for line in {*spanish} & {*english} if line.strip("# ") and not is_setting(line)]


def test_no_spanish_is_left_over_from_a_setting_that_has_changed() -> None:
    assert not GATEWAY.keys() - described(GatewaySettings)
    assert not INGEST.keys() - described(IngestSettings)
    assert not GATEWAY.keys() & INGEST.keys(), "what both say is said once, with the gateway's"


def test_what_is_between_backquotes_or_brackets_is_in_both_languages() -> None:
    """Names of settings and commands are not translated."""
    for english, spanish in SPANISH.items():
        for name in re.findall(r"`[a-z ]+`|\[\[[a-z.]+\]\]|VIGIA_\w+|\w+\.(?:db|pin|pub)\b", english):
            assert name.strip("`") in spanish, english


def test_who_only_reads_settings_does_not_carry_the_sentences() -> None:
    loaded = "import sys, deploy.settings.file; print([n for n in sys.modules if n.endswith(('_words', '.text'))])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert not re.findall(r"deploy\.[\w.]+", done.stdout)


def is_setting(line: str) -> bool:
    """Whether it is TOML, in comments or not, and no words."""
    return re.match(r"[a-z0-9_]+ =|\[", line.lstrip("# ")) is not None


def described(model: type[BaseModel]) -> set[str]:
    """The descriptions of a model of settings and of its tables."""
    own = {field.description or "" for field in model.model_fields.values()}
    inner = {found for field in model.model_fields.values() for found in models_in(field.annotation)}
    return own.union(*(described(one) for one in inner))
