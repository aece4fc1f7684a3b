"""A text to the radios of patrols, said by one of the post's own sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from firmware_bridge.readings import Downlink, DownlinkError
from gateway.warning.errors import OutputError, RefusedError
from gateway.warning.notice import Notice
from gateway.warning.settings import RadioSettings

_FOR_GOOD = frozenset({"no_text", "unknown_device", "unknown_channel", "too_long", "text_too_long"})


class Says(Protocol):
    """`gateway.speakers.Speakers`, as far as it is used here."""

    def say(self, name: str, downlink: Downlink) -> None:
        """Let a source say something. Raises DownlinkError."""


class RadioOutput:
    """See `Output`."""

    depth = 1
    lasts_s = 0.0
    is_quieted = False

    def __init__(self, settings: RadioSettings, speakers: Says) -> None:
        self._settings = settings
        self._speakers = speakers
        self.max_bytes = settings.max_bytes

    def open(self) -> None:
        """Nothing: the source is opened by its own stage."""

    def warn(self, notice: Notice, text: str, is_over: Callable[[], bool]) -> None:
        """Hands the text to the radio; whether anybody hears it, nobody knows."""
        try:
            self._speakers.say(self._settings.source, Downlink(self._settings.to, text=text))
        except DownlinkError as error:
            kind = RefusedError if error.reason in _FOR_GOOD else OutputError
            raise kind(f"source {self._settings.source}: {error.detail}") from error

    def close(self) -> None:
        """Nothing."""
