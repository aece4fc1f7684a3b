"""What a command says where its extra is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_WITHOUT = "import os, sys; sys.modules[os.environ['WITHOUT']] = None"
"""For Python to run at its start, also in the process that a daemon's command becomes."""


@pytest.mark.parametrize(
    ("library", "command", "told"),
    [
        ("uvicorn", "ingest run x.toml", "pip install 'vigia[ingest]'"),
        ("paho", "gateway run x.toml", "pip install 'vigia[gateway]'"),
        ("grafana_foundation_sdk", "dashboards generate x", "pip install 'vigia[dashboards]'"),
        ("cryptography", "pki list x", "pip install 'vigia[ingest]'"),
        ("cryptography", "doctor --post x.toml", "en un puesto: {}/bin/pip install 'vigia[gateway]'"),
    ],
)
def test_a_missing_library_is_one_line_that_names_the_extra(
    library: str, command: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(_WITHOUT)
    words = [sys.executable, "-m", "deploy.cli", *command.split()]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}", "WITHOUT": library}
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(
        f"vigia: a `vigia {command.split()[0]}` le falta algo que aquí no está instalado ({library})"
    )
    assert told.format(sys.prefix) in line
