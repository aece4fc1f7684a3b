"""The devices that a source's settings name, whatever the driver calls them."""

from __future__ import annotations

from typing import Any, NamedTuple

from deploy.settings.lines import Place
from firmware_bridge.framing.device_keys import KeyedDevice
from firmware_bridge.sources import SourceSettings


class Named(NamedTuple):
    """A device: its place in the source's table, and its settings, which have a name and perhaps a payload."""

    place: Place
    settings: Any

    @property
    def keyed(self) -> KeyedDevice | None:
        """Where its key is told: in the device itself, or in the payload that carries our frames; None without any."""
        for told in (self.settings, getattr(self.settings, "payload", None)):
            if isinstance(told, KeyedDevice):
                return told
        return None


def devices_of(source: SourceSettings) -> list[Named]:
    """All of them, and the one whose packets name no sender."""
    named = [Named(("devices", number), device) for number, device in enumerate(getattr(source, "devices", ()))]
    default = getattr(source, "default", None)
    return named if default is None else [*named, Named(("default",), default)]
