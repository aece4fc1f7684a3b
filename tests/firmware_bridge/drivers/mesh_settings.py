"""Settings of a mesh whose radios we know two of."""

from __future__ import annotations

from typing import Any

from firmware_bridge.drivers.meshtastic_radio import Settings

HAWAII = 1262801593


def settings(**changes: Any) -> Settings:
    told = {
        "driver": "meshtastic_radio",
        "name": "malla",
        "port": "/dev/none",
        "devices": [{"id": "!a1b2c3d4", "name": "patrulla-1"}, {"id": f"!{HAWAII:08x}", "name": "volcan"}],
    }
    return Settings.model_validate(told | changes)
