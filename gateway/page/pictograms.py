"""Which pictogram stands for what: names of symbols in static/pictos.svg."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_OF_LABEL: Final[Mapping[str, str]] = {
    "chainsaw": "chainsaw",
    "gunshot": "gunshot",
    "outboard_motor": "boat",
    "long_tail_motor": "boat",
    "boat": "boat",
    "dredge": "dredge",
    "voices": "voices",
    "vehicle": "vehicle",
    "aircraft": "aircraft",
    "person": "person",
    "explosion": "explosion",
    "tree_fall": "treefall",
    "generator": "generator",
    "rain": "rain",
    "wind": "rain",
    "thunder": "rain",
    "animal": "animal",
    "bird": "bird",
    "primate": "animal",
    "jaguar": "animal",
    "tapir": "animal",
    "peccary": "animal",
    "silence": "silence",
}


def of_label(label: str) -> str:
    """For what was heard or seen; a question mark for what has none."""
    return _OF_LABEL.get(label, "unknown")


def of_battery(ratio: float) -> str:
    """In four steps."""
    return f"battery{0 if ratio < 0.15 else 1 if ratio < 0.4 else 2 if ratio < 0.7 else 3}"


def of_signal(rssi_dbm: float) -> str:
    """In four steps. LoRa is still understood at -120 dBm and below (SX1276 datasheet, table 10)."""
    return f"signal{0 if rssi_dbm < -118 else 1 if rssi_dbm < -105 else 2 if rssi_dbm < -90 else 3}"
