"""Whatever a settings file or a variable holds, a person is told what is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from deploy.settings.commented import toml_value
from deploy.settings.file import load_settings
from deploy.settings.problems import Problem, SettingsFileError
from gateway.rules.book import RuleBook
from gateway.settings import GatewaySettings
from ingest.registry import RegistryFile
from ingest.settings import IngestSettings

MODELS: list[type[BaseModel]] = [GatewaySettings, IngestSettings, RegistryFile, RuleBook]
NAMES = [(model, name) for model in MODELS for name in model.model_fields]
IDS = [f"{model.__name__}-{name}" for model, name in NAMES]
SCALARS = st.one_of(
    st.sampled_from(
        ["true", "-inf", "nan", "07:32:00", "1979-05-27T07:32:00Z", "0x7fffffffffffffff", "1e400", "{}", "[]"]
    ),
    st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)).map(toml_value),
    st.text(st.characters(exclude_categories=["C"]), max_size=12).map(toml_value),
)
KEYS = st.sampled_from(["name", "driver", "port", "sensors", "devices", "when", "output", "0", "a"])
DRIVER = st.sampled_from(["driver = 'vigia_sensor'", "driver = 'x'", "when = 'heard'", "output = 'siren'"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda told: f"[{', '.join(told)}]"),
        st.builds(
            lambda tag, told: "{" + ", ".join([*tag, *(f'"{key}" = {value}' for key, value in told.items())]) + "}",
            st.lists(DRIVER, max_size=1),
            st.dictionaries(KEYS.filter(lambda key: key not in ("driver", "when", "output")), inner, max_size=3),
        ),
    ),
    max_leaves=6,
)


def judged(text: str, model: type[BaseModel]) -> list[Problem]:
    """What is wrong with it; raises whatever is not told as a fault for a person."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "settings.toml"
        path.write_text(text)
        try:
            load_settings(path, model)
        except SettingsFileError as error:
            return error.problems
        return []


@pytest.mark.parametrize(("model", "name"), NAMES, ids=IDS)
@settings(max_examples=25, deadline=None)
@given(VALUES)
@example('""')
@example("{}")
@example("-inf")
@example("[[]]")
def test_junk_under_a_top_level_name_is_a_fault_with_its_line(model: type[BaseModel], name: str, value: str) -> None:
    for problem in judged(f"# junk\n{name} = {value}\n", model):
        assert problem.line == 2 or problem.words.es.startswith("falta"), problem


@pytest.mark.parametrize("value", ['""', "true", "-inf", "{}", "07:32:00"])
def test_sources_that_are_no_list_are_told_in_their_line(value: str) -> None:
    (only,) = judged(f"\nsources = {value}\n", GatewaySettings)
    assert only("es").startswith("línea 2: sources: debe ser una lista")


@pytest.mark.parametrize("command", ["check", "run"])
def test_sources_are_judged_where_no_driver_was_imported_yet(tmp_path: Path, command: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('sources = ""\n')
    words = [sys.executable, "-m", "deploy.cli", "gateway", command, str(file)]
    said = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert said.returncode == 1
    assert "línea 1: sources: debe ser una lista" in said.stderr
    assert "Traceback" not in said.stderr


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([name for model, name in NAMES if model is GatewaySettings]),
    st.sampled_from(
        ["", "__0", "__NAME", "__0__NAME", "__PORT", "__WINDOWS", "__BUDGET_BYTES", "__BUDGET_BYTES__MEDIA"]
    ),
    st.one_of(
        st.sampled_from(["x", "", "[", "{", "null", "[1]", '{"a": 1}', '[{"driver": "x"}]', "9" * 5000]),
        st.integers(100, 100_000).map(lambda depth: "[" * depth),
        st.integers(100, 1000).map(lambda depth: "[" * depth + "]" * depth),
    ),
)
@example("sources", "__0__NAME", "x")
@example("station", "", "[" * 100_000)
@example("uplink", "__WINDOWS", "x")
def test_junk_in_a_variable_is_a_fault_too(name: str, below: str, value: str) -> None:
    with patch.dict(os.environ, {f"VIGIA_GATEWAY__{name.upper()}{below}": value}):
        judged('[station]\nname = "a"\n', GatewaySettings)
