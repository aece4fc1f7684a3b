"""Commands as people and rules write them, in words.

    ping                            are you there?
    status                          tell your status now
    identify [SECONDS]              blink or beep so long (0 to 255; 10), so that somebody finds you; 0 stops it
    interval KIND SECONDS           tell environment, device_status or position so often: 1 to 604800
    reboot [SECONDS]                start again so many seconds (0 to 255; 0) after the answer

New firmware is brought by `firmware_bridge.update`, never so.
"""

from __future__ import annotations

from typing import Final

from firmware_bridge.framing.downlinks import (
    Command,
    CommandCode,
    Identify,
    Ping,
    Reboot,
    RequestStatus,
    SetInterval,
    decode_command,
    encode_command,
)
from firmware_bridge.readings import Downlink, DownlinkError, Kind, Rejected

KNOWN: Final = "ping, status, identify [SECONDS], interval KIND SECONDS, reboot [SECONDS]"
_IDENTIFY_S: Final = 10
_KINDS: Final = {kind.slug: kind for kind in Kind}


def body_of(downlink: Downlink) -> bytes:
    """The body of a command: its words in `text`, else `payload`, which is a body already. Raises DownlinkError
    bad_command, also for a part of an update."""
    if not downlink.text:
        told = decode_command(downlink.payload)
        if isinstance(told, Rejected) or downlink.payload[0] >= CommandCode.UPDATE_QUERY:
            raise DownlinkError("bad_command", f"{downlink.payload[:8].hex() or 'nothing'} is no command to a sensor")
        return downlink.payload
    try:
        return encode_command(_parse(downlink.text.lower().split()))
    except (ValueError, KeyError):
        raise DownlinkError("bad_command", f"{downlink.text[:40]!r} is no command; known: {KNOWN}") from None


def _parse(words: list[str]) -> Command:
    """Raises ValueError or KeyError."""
    match words:
        case ["ping"]:
            return Ping()
        case ["status"]:
            return RequestStatus()
        case ["identify", *rest] if len(rest) <= 1:
            return Identify(_number(rest[0]) if rest else _IDENTIFY_S)
        case ["interval", kind, seconds]:
            return SetInterval(_KINDS[kind], _number(seconds))
        case ["reboot", *rest] if len(rest) <= 1:
            return Reboot(_number(rest[0]) if rest else 0)
    raise ValueError(words)


def _number(word: str) -> int:
    if not word.isdecimal() or not word.isascii() or len(word) > 6:
        raise ValueError(word)
    return int(word)
