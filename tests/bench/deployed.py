"""The gateway as its systemd unit runs it (deploy/systemd/vigia-gateway.service): without docstrings, compiled once.

What is compiled at each start costs memory and time that a post does not pay.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def as_deployed(compiled: Path) -> Iterator[None]:
    """Parts that are started meanwhile are started so. compiled: where what is compiled is kept; the first start there
    compiles, and is none to measure."""
    before = dict(os.environ)
    os.environ |= {"PYTHONOPTIMIZE": "2", "PYTHONPYCACHEPREFIX": str(compiled)}
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
