"""Events as network servers and packet forwarders write them: JSON, with payloads in base64. Lenient, and bounded."""

from __future__ import annotations

import binascii
import re
from typing import Final, TypeVar

import msgspec

from firmware_bridge.readings import MAX_NAME_BYTES, Rejected

MAX_EVENT_BYTES: Final = 64 * 1024
MAX_PAYLOAD_BYTES: Final = 512
_MAX_CHARACTERS: Final = MAX_PAYLOAD_BYTES * 4 // 3 + 4
_ALPHABETS: Final = str.maketrans("-_", "+/")
_NOT_A_NAME: Final = re.compile(r"[^a-z0-9]+")

_TROUBLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Shape = TypeVar("Shape")


def parse(decoder: msgspec.json.Decoder[Shape], payload: bytes, *, otherwise: str) -> Shape | Rejected:
    """What a JSON object says. otherwise: what to do, in words, if it is not JSON at all.

    Reasons: too_long, not_json, bad_json (broken off, or nested without end), bad_event (JSON of another shape).
    """
    if len(payload) > MAX_EVENT_BYTES:
        return Rejected("too_long", 1, f"an event of {len(payload)} bytes")
    if payload[:256].lstrip()[:1] != b"{":
        return Rejected("not_json", 1, f"{otherwise}; it begins with {payload[:8].hex()}")
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as wrong:
        return Rejected("bad_event", 1, str(wrong)[:200])
    except _TROUBLE as wrong:
        return Rejected("bad_json", 1, str(wrong)[:200])


def parse_part(decoder: msgspec.json.Decoder[Shape], part: msgspec.Raw, reason: str) -> Shape | Rejected:
    """The same for a part of an event that was left as it came, so that the rest is kept if it is bad."""
    try:
        return decoder.decode(part)
    except _TROUBLE as wrong:
        return Rejected(reason, 1, str(wrong)[:200])


def payload_bytes(text: str) -> bytes | None:
    """The bytes that base64 stands for; None for what is none, or for more than 512 bytes.

    Padding may be there or not; the alphabets of RFC 4648 sections 4 (+ /) and 5 (- _) may be mixed.
    """
    text = text.strip().rstrip("=").translate(_ALPHABETS)
    if len(text) > _MAX_CHARACTERS or len(text) % 4 == 1 or not text.isascii():
        return None
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except binascii.Error:
        return None


def reason_of(prefix: str, name: str) -> str:
    """A counter's name made of another's: lower_snake_case, and no longer than a counter's name may be."""
    return f"{prefix}_{_NOT_A_NAME.sub('_', name.lower()).strip('_') or 'unnamed'}"[:MAX_NAME_BYTES]
