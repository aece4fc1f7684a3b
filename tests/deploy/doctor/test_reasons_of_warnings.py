"""Whatever the watch, the history and the outputs count has words."""

from __future__ import annotations

import re
from pathlib import Path

import gateway
from deploy.doctor.reasons_of_warnings import REASONS_OF_WARNINGS
from firmware_bridge.readings import MAX_NAME_BYTES

_COUNTED = re.compile(r'\("(?:watch|history)", "(\w+)"\)|\["watch", "(\w+)"\]|"(warning_\w+)"')


def test_every_reason_has_words() -> None:
    root = Path(gateway.__path__[0])
    sources = [file.read_text() for room in ("watch", "warning") for file in (root / room).glob("*.py")]
    found = {name for text in sources for names in _COUNTED.findall(text) for name in names if name}
    assert found - {"incident_alerts", "incidents_numbered"} == set(REASONS_OF_WARNINGS)
    assert all(len(name) <= MAX_NAME_BYTES for name in found)
