"""A packet that a modem tells in two lines: how strong it was, then what it holds. Either may be lost on the line."""

from __future__ import annotations

from typing import Final

from firmware_bridge.links.modem_dialect import Half, Packet
from firmware_bridge.readings import Rejected

PAIR_S: Final = 1.0


class Pair:
    """Reasons: payload_line_lost, metadata_line_lost, bad_line (a length that is not that of its payload)."""

    def __init__(self) -> None:
        self._half: Half | None = None
        self._since = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the payload is still to come."""
        return self._half is not None

    def begin(self, half: Half, now: float) -> list[Rejected]:
        """The first line came."""
        lost = [] if self._half is None else [Rejected("payload_line_lost", 1, "metadata after metadata")]
        self._half, self._since = half, now
        return lost

    def complete(self, content: bytes) -> tuple[Packet | None, list[Rejected]]:
        """The second line came: the packet, also without its first line; None if they cannot belong together."""
        half, self._half = self._half, None
        if half is None:
            return Packet(content), [Rejected("metadata_line_lost", 1, "a payload without its metadata")]
        if half.length not in (None, len(content)):
            return None, [Rejected("bad_line", 1, f"{len(content)} bytes, {half.length} announced")]
        return Packet(content, half.rssi_dbm, half.snr_decibels), []

    def tick(self, now: float) -> list[Rejected]:
        """Give up a first line whose second does not come."""
        if self._half is None or now - self._since <= PAIR_S:
            return []
        self._half = None
        return [Rejected("payload_line_lost", 1, "no payload after its metadata")]

    def forget(self) -> None:
        """What came before says nothing any more."""
        self._half = None
