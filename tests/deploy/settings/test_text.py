"""`vigia gateway config` and `vigia ingest config` print files that pass their own check."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.settings.file import load_settings
from deploy.settings.text import gateway_text, ingest_text
from gateway.settings import GatewaySettings
from ingest.settings import IngestSettings


def test_the_gateways_defaults_pass_and_are_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(gateway_text())
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


@pytest.mark.parametrize("text", [gateway_text(), ingest_text()])
def test_every_setting_is_explained(text: str) -> None:
    lines = text.splitlines()
    for before, line in itertools.pairwise(lines):
        if " = " in line and not line.startswith("#"):
            assert before.startswith("# "), line
