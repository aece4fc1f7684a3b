"""What a command says where its extra is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

_WITHOUT = """
import sys
library, *words = sys.argv[1:]
sys.modules[library] = None
sys.argv = ["vigia", *words]
from deploy.cli.main import run
run()
"""


@pytest.mark.parametrize(
    ("library", "command", "told"),
    [
        ("uvicorn", "ingest run x.toml", "pip install 'vigia[ingest]'"),
        ("paho", "gateway run x.toml", "pip install 'vigia[gateway]'"),
        ("grafana_foundation_sdk", "dashboards generate x", "pip install 'vigia[dashboards]'"),
        ("cryptography", "pki list x", "pip install 'vigia[ingest]'"),
        ("cryptography", "doctor --post x.toml", "at a post: {}/bin/pip install 'vigia[gateway]'"),
    ],
)
def test_a_missing_library_is_one_line_that_names_the_extra(library: str, command: str, told: str) -> None:
    words = [sys.executable, "-c", _WITHOUT, library, *command.split()]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"vigia: `vigia {command.split()[0]}` needs an extra that is not installed here ({library})")
    assert told.format(sys.prefix) in line
