"""Protocol Buffers on the wire, without a schema: fields by number. Pure.

Specification: protobuf.dev, "Encoding". Wire types: 0 varint (at most 10 bytes, 64 bits, low groups of 7 first), 1
eight bytes, 2 a length and as many bytes, 5 four bytes; all little-endian. Groups (3, 4) are long deprecated and
refused. Of a field that comes twice the last counts. Nothing here calls itself: a nested message is read when it is
asked for.
"""

from __future__ import annotations

import struct
from typing import Final

from firmware_bridge.readings import BridgeError

MAX_MESSAGE_BYTES: Final = 65_536

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH: Final = 2
_FIXED32: Final = 5
_MOST_VARINT_BYTES: Final = 10
_MAX_FIELD_NUMBER: Final = (1 << 29) - 1
_NAMES: Final = {_VARINT: "a varint", _FIXED64: "eight bytes", _LENGTH: "a length and bytes", _FIXED32: "four bytes"}


class ProtobufError(BridgeError):
    """Bytes that are no message, or a field of another wire type than it should have."""


class Message:
    """The fields of one message. Each accessor takes a field's number and gives None for a field that is not there;
    it raises ProtobufError for one of another wire type."""

    __slots__ = ("_fields",)

    def __init__(self, data: bytes) -> None:
        """Raises ProtobufError. What is nested is not looked at yet."""
        if len(data) > MAX_MESSAGE_BYTES:
            raise ProtobufError(f"a message of {len(data)} bytes; at most {MAX_MESSAGE_BYTES} are read")
        self._fields: dict[int, tuple[int, int | bytes]] = {}
        at, end = 0, len(data)
        while at < end:
            key, at = _varint(data, at)
            number, wire_type = key >> 3, key & 7
            if not 1 <= number <= _MAX_FIELD_NUMBER:
                raise ProtobufError(f"a field of number {number}")
            if wire_type == _VARINT:
                value: int | bytes
                value, at = _varint(data, at)
            else:
                if wire_type == _LENGTH:
                    length, at = _varint(data, at)
                elif wire_type in (_FIXED32, _FIXED64):
                    length = 4 if wire_type == _FIXED32 else 8
                else:
                    raise ProtobufError(f"field {number} is of wire type {wire_type}")
                if length > end - at:
                    raise ProtobufError(f"field {number} has {length} bytes, {end - at} are there")
                value = data[at : at + length]
                at += length
            self._fields[number] = (wire_type, value)

    @property
    def numbers(self) -> frozenset[int]:
        """The fields that are there."""
        return frozenset(self._fields)

    def unsigned(self, number: int) -> int | None:
        """uint32, uint64, bool, enum: 0 to 2**64 - 1."""
        value = self._value(number, _VARINT)
        return value if isinstance(value, int) else None

    def signed(self, number: int) -> int | None:
        """int32, int64: two's complement in 64 bits."""
        value = self.unsigned(number)
        return None if value is None else value - (1 << 64) if value >> 63 else value

    def fixed32(self, number: int) -> int | None:
        """Unsigned."""
        return self._four(number, "<I")

    def sfixed32(self, number: int) -> int | None:
        """Signed."""
        return self._four(number, "<i")

    def float32(self, number: int) -> float | None:
        """IEEE 754, NaN and infinities too."""
        value = self._value(number, _FIXED32)
        return float(struct.unpack("<f", value)[0]) if isinstance(value, bytes) else None

    def blob(self, number: int) -> bytes | None:
        """bytes, string, a nested message."""
        value = self._value(number, _LENGTH)
        return value if isinstance(value, bytes) else None

    def text(self, number: int) -> str | None:
        """string; what is no UTF-8 is replaced."""
        value = self.blob(number)
        return None if value is None else value.decode("utf-8", "replace")

    def message(self, number: int) -> Message | None:
        """A nested message."""
        value = self.blob(number)
        return None if value is None else Message(value)

    def _four(self, number: int, form: str) -> int | None:
        value = self._value(number, _FIXED32)
        return int(struct.unpack(form, value)[0]) if isinstance(value, bytes) else None

    def _value(self, number: int, wire_type: int) -> int | bytes | None:
        held = self._fields.get(number)
        if held is None:
            return None
        if held[0] != wire_type:
            raise ProtobufError(f"field {number} is {_NAMES[held[0]]}, not {_NAMES[wire_type]}")
        return held[1]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number, and where it ends."""
    value = 0
    for place in range(_MOST_VARINT_BYTES):
        if at + place >= len(data):
            raise ProtobufError("it ends within a number")
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            if value >> 64:
                break
            return value, at + place + 1
    raise ProtobufError("a number of more than 64 bits")


def put_uint(number: int, value: int) -> bytes:
    """A field of type uint32, uint64, bool or enum; a negative int32 or int64 too."""
    return _put_varint(number << 3 | _VARINT) + _put_varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def put_fixed32(number: int, value: int) -> bytes:
    """A field of type fixed32 or sfixed32."""
    return _put_varint(number << 3 | _FIXED32) + (value & 0xFFFF_FFFF).to_bytes(4, "little")


def put_float32(number: int, value: float) -> bytes:
    """A field of type float."""
    return _put_varint(number << 3 | _FIXED32) + struct.pack("<f", value)


def put_blob(number: int, value: bytes) -> bytes:
    """A field of type bytes, string (in UTF-8) or message (encoded)."""
    return _put_varint(number << 3 | _LENGTH) + _put_varint(len(value)) + value


def _put_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
