"""Meshtastic's framing of a serial or TCP stream: 94 C3, a length of two bytes (big-endian, at most 512), a message.

Specification: meshtastic.org, "Client API (Serial/TCP/BLE)", streaming version. There is no checksum. What stands
between frames is the radio's own log, in text; 0x94 is never part of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from firmware_bridge.framing.protobuf_wire import ProtobufError
from firmware_bridge.readings import Rejected

MAX_MESSAGE_BYTES: Final = 512
START: Final = b"\x94\xc3"
WAKE: Final = b"\xc3" * 32
"""Wakes a radio that sleeps; also makes its receiver look for a start."""

_HEADER_BYTES: Final = 4

T = TypeVar("T")


def frame(message: bytes) -> bytes:
    """A frame. Raises ValueError for a message that is too long."""
    if len(message) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message of {len(message)} bytes; a frame takes {MAX_MESSAGE_BYTES}")
    return START + len(message).to_bytes(2, "big") + message


class Deframer(Generic[T]):
    """Finds the messages in a stream, however it is cut into chunks; holds at most one frame.

    parse: makes something of a message or raises ProtobufError. With no checksum that is the one sign of damage: after
    it, a start is looked for within the frame too, so that a frame that lost bytes does not take the next with it.
    Reasons: bad_message (frames), log_text_bytes (bytes between frames: the radio's log, and what damage left).
    """

    def __init__(self, parse: Callable[[bytes], T]) -> None:
        self._parse = parse
        self._held = b""

    def feed(self, chunk: bytes) -> list[T | Rejected]:
        """What the chunk completed, in order."""
        data = self._held + chunk
        found: list[T | Rejected] = []
        at = passed = 0  # passed: bytes of log text
        while at < len(data):
            start = data.find(START[0], at)
            if start < 0:
                passed += len(data) - at
                at = len(data)
                break
            passed += start - at
            at = start
            header = data[at : at + _HEADER_BYTES]
            if header[1:2] not in (b"", START[1:]):
                passed += 1
                at += 1
                continue
            if len(header) < _HEADER_BYTES:
                break
            length = int.from_bytes(header[2:], "big")
            if length > MAX_MESSAGE_BYTES:
                passed += len(START)
                at += len(START)
                continue
            message = data[at + _HEADER_BYTES : at + _HEADER_BYTES + length]
            if len(message) < length:
                break
            try:
                found.append(self._parse(message))
                at += _HEADER_BYTES + length
            except ProtobufError as error:
                found.append(Rejected("bad_message", 1, str(error)))
                at += _HEADER_BYTES
        self._held = data[at:]
        if passed:
            found.append(Rejected("log_text_bytes", passed, f"{passed} bytes between frames"))
        return found

    def broken_off(self) -> list[T | Rejected]:
        """What was held is not continued: it was no frame, or lost its end. The frames within it, and the damage."""
        found: list[T | Rejected] = []
        while len(self._held) >= _HEADER_BYTES:
            rest, self._held = self._held[_HEADER_BYTES:], b""
            found += [Rejected("bad_message", 1, "a frame that broke off"), *self.feed(rest)]
        if self._held:
            found.append(Rejected("log_text_bytes", len(self._held), "the beginning of a frame"))
            self._held = b""
        return found
