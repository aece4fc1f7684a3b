"""Help texts, as they are seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from deploy.cli.main import app

SPANISH = re.compile(
    "Anular|Arrancar|Cambiar|Certificados:|Dar|Decir|El|Escribir|Hacer|Las|Los|Mostrar|Oír|Pedir|Poner|Probar|Reunir"
    "|Sensores:|Simular|Todos|Trabajar|Tres|Vigía:|Órdenes"
)
"""How these texts begin."""
FOR_DEVELOPERS = ("vigia generate", "vigia sensors new", "vigia dashboards generate", "vigia dashboards push")


def shown(*words: str) -> str:
    told = CliRunner().invoke(app, [*words, "--help"])
    assert told.exit_code == 0
    return " ".join(told.output.split())


def test_brackets_in_help_are_shown() -> None:
    assert "Cuál de los [[sources]]" in shown("sensors", "simulate")
    assert "a section [grafana]" in shown("dashboards", "push")


def helps(node: Any, name: str = "vigia") -> Iterator[tuple[str, str]]:
    """Every command below this one, and itself, with its help; but those for developers."""
    if name in FOR_DEVELOPERS:
        return
    yield name, node.help
    for inner, command in getattr(node, "commands", {}).items():
        yield from helps(command, f"{name} {inner}")


def test_help_is_spanish_first() -> None:
    told = dict(helps(typer.main.get_command(app)))
    assert len(told) > 40
    assert {name: text for name, text in told.items() if not SPANISH.fullmatch(text.split()[0])} == {}


@pytest.mark.parametrize("service", ["gateway", "ingest"])
@pytest.mark.parametrize("command", ["run", "check"])
def test_the_settings_file_of_each_service_is_named(service: str, command: str) -> None:
    assert f"como /etc/vigia/{service}.toml" in shown(service, command)


@pytest.mark.parametrize("command", ["dead-letters", "redrive"])
def test_dead_letters_are_found_through_ingests_settings(command: str) -> None:
    assert "como /etc/vigia/ingest.toml" in shown("ingest", command)
