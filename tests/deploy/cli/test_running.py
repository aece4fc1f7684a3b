"""A level of the log that there is not is said in a line, before anything is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("service", ["gateway", "ingest"])
def test_an_unknown_level_is_told_with_those_there_are(tmp_path: Path, service: str) -> None:
    command = [sys.executable, "-m", "deploy.cli", service, "run", str(tmp_path / "none.toml"), "--log-level", "LOUD"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "vigia: --log-level LOUD: no existe ese nivel (there is no such level); los hay: DEBUG, INFO, WARNING, ERROR\n"
    )
