"""The gateway as its systemd unit runs it (deploy/systemd/vigia-gateway.service): without docstrings, compiled once,
with a directory in memory for what need not outlive it.

What is compiled at each start costs memory and time that a post does not pay; what lies in memory costs its card
nothing.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def as_deployed(compiled: Path) -> Iterator[None]:
    """Parts that are started meanwhile are started so. compiled: where what is compiled is kept; the first start there
    compiles, and is none to measure."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as runtime:
        os.environ |= {
            "PYTHONOPTIMIZE": "2",
            "PYTHONNODEBUGRANGES": "1",
            "PYTHONTZPATH": "/usr/share/zoneinfo",
            "PYTHONPYCACHEPREFIX": str(compiled),
            "RUNTIME_DIRECTORY": runtime,
        }
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ |= before
