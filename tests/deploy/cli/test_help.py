"""Help texts, as they are seen."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app


def shown(*words: str) -> str:
    told = CliRunner().invoke(app, [*words, "--help"])
    assert told.exit_code == 0
    return " ".join(told.output.split())


def test_brackets_in_help_are_shown() -> None:
    assert "Which [[sources]] by name" in shown("sensors", "simulate")
    assert "a section [grafana]" in shown("dashboards", "push")


@pytest.mark.parametrize("service", ["gateway", "ingest"])
@pytest.mark.parametrize("command", ["run", "check"])
def test_the_settings_file_of_each_service_is_named(service: str, command: str) -> None:
    assert f"such as /etc/vigia/{service}.toml" in shown(service, command)


@pytest.mark.parametrize("command", ["dead-letters", "redrive"])
def test_dead_letters_are_found_through_ingests_settings(command: str) -> None:
    assert "such as /etc/vigia/ingest.toml" in shown("ingest", command)
