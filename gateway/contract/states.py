"""PUBLISHED. The retained state of a post: a small JSON object, also its last will."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from gateway.contract.topics import ContractError

MAX_STATE_BYTES: Final = 1024
MAX_SINCE_MS: Final = 2**53


WINDOW_OVER: Final = "window_over"
BUDGET_SPENT: Final = "budget_spent"
STOPPED: Final = "stopped"
"""Why a post closed its link itself. A later version may know more reasons."""


class StationState(msgspec.Struct, frozen=True, omit_defaults=True):
    """station: its name. link: up or down. software: the gateway's version. since_ms: Unix time of the change, by the
    post's own clock; None in a last will, which is written before it is needed. reason: why it is down, when the post
    closed the link itself: then nothing is broken; "" in a last will. next_ms: Unix time when it means to come back,
    where it knows the hour."""

    station: str
    link: Literal["up", "down"]
    software: str = ""
    since_ms: Annotated[int, msgspec.Meta(ge=-MAX_SINCE_MS, le=MAX_SINCE_MS)] | None = None
    reason: Annotated[str, msgspec.Meta(max_length=32)] = ""
    next_ms: Annotated[int, msgspec.Meta(ge=-MAX_SINCE_MS, le=MAX_SINCE_MS)] | None = None


def encode_state(state: StationState) -> bytes:
    """The retained message."""
    return msgspec.json.encode(state)


def decode_state(message: bytes) -> StationState:
    """The state in a retained message. Raises ContractError(too_large or bad_state)."""
    if len(message) > MAX_STATE_BYTES:
        raise ContractError("too_large", f"a state of {len(message)} bytes (at most {MAX_STATE_BYTES})")
    try:
        return msgspec.json.decode(message, type=StationState)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError("bad_state", str(error)) from error
