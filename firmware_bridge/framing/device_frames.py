"""The device frame, version 1: what one of our sensors sends on the air or on a wire, and what is sent to it.

    byte    0        1 2 3 4      5 6 7 8      9 ...           last 6
            version  device id    counter      body            tag
            |direction            from 1       (encrypted)
            in clear, authenticated ---------->

Big-endian. Byte 0: version 1 in the high nibble, direction in the low one (0 uplink, 1 downlink). Body and tag are
AES-128-CCM (NIST SP 800-38C, RFC 3610) with a 6-byte tag, the device's key, nonce = bytes 0..8 and four zero bytes (13
bytes, so lengths of up to 65,535), associated data = bytes 0..8. Each direction has a counter of its own and
never uses one twice with a key; the direction is in byte 0, so in the nonce, and no nonce is common to both.
The body of an uplink is in `firmware_bridge.framing.frame_bodies`, of a downlink and its answer in `downlinks`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from firmware_bridge.framing.frame_bodies import MAX_BODY_BYTES
from firmware_bridge.readings import Rejected

KEY_BYTES: Final = 16
TAG_BYTES: Final = 6
HEADER_BYTES: Final = 9
MAX_FRAME_BYTES: Final = HEADER_BYTES + MAX_BODY_BYTES + TAG_BYTES
"""Of an uplink."""
MAX_DOWNLINK_BODY_BYTES: Final = 259
"""A block of new firmware of 256 bytes, its number and the command code."""
MAX_DOWNLINK_FRAME_BYTES: Final = HEADER_BYTES + MAX_DOWNLINK_BODY_BYTES + TAG_BYTES
MAX_COUNTER: Final = 0xFFFF_FFFF

_VERSION: Final = 0x10
_NONCE_END: Final = bytes(4)
_HEADER: Final = struct.Struct(">BII")
_MIN_FRAME_BYTES: Final = HEADER_BYTES + TAG_BYTES + 1

Cipher = AESCCM


class Direction(IntEnum):
    """The low nibble of byte 0: who speaks. Other values are reserved."""

    UPLINK = 0
    DOWNLINK = 1


_MAX_BODY: Final = (MAX_BODY_BYTES, MAX_DOWNLINK_BODY_BYTES)
_MAX_FRAME: Final = (MAX_FRAME_BYTES, MAX_DOWNLINK_FRAME_BYTES)
_UPLINK: Final = Direction.UPLINK


def new_cipher(key: bytes) -> Cipher:
    """The cipher of a device; make it once for each key. Raises ValueError for a key that is not 16 bytes."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key of {len(key)} bytes (it is {KEY_BYTES})")
    return AESCCM(key, tag_length=TAG_BYTES)


def seal(cipher: Cipher, device: int, counter: int, body: bytes, direction: Direction = _UPLINK) -> bytes:
    """The frame of a body. Raises ValueError for a counter that is used up (or 0) or a body that is too long."""
    if not 1 <= counter <= MAX_COUNTER:
        raise ValueError(f"counter {counter}: a key is good for {MAX_COUNTER} frames; give the device a new key")
    if not 1 <= len(body) <= _MAX_BODY[direction]:
        raise ValueError(f"a body of {len(body)} bytes (1 to {_MAX_BODY[direction]})")
    header = _HEADER.pack(_VERSION | direction, device, counter)
    return header + cipher.encrypt(header + _NONCE_END, body, header)


def unseal(
    frame: bytes, ciphers: Mapping[int, Cipher], direction: Direction = _UPLINK
) -> tuple[int, int, bytes] | Rejected:
    """(device, counter, body) of a frame that one of the devices made, its counter not yet checked for replay.

    For a downlink: that was made for one of the devices.
    Reasons: too_short, too_long, bad_version, bad_direction, unknown_device, bad_tag (another key, or altered).
    """
    if not _MIN_FRAME_BYTES <= len(frame) <= _MAX_FRAME[direction]:
        reason = "too_short" if len(frame) < _MIN_FRAME_BYTES else "too_long"
        return Rejected(reason, 1, f"a device frame of {len(frame)} bytes")
    header = frame[:HEADER_BYTES]
    first, device, counter = _HEADER.unpack(header)
    if first != _VERSION | direction:
        if first >> 4 != _VERSION >> 4:
            return Rejected("bad_version", 1, f"device frame version {first >> 4}")
        return Rejected("bad_direction", 1, f"device frame with direction {first & 15}")
    cipher = ciphers.get(device)
    if cipher is None:
        return Rejected("unknown_device", 1, f"device {device:08x} is not in the settings")
    try:
        return device, counter, cipher.decrypt(header + _NONCE_END, frame[HEADER_BYTES:], header)
    except InvalidTag:
        return Rejected("bad_tag", 1, f"device {device:08x}, counter {counter}: another key, or altered")
