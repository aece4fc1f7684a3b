"""From settings to a codec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from firmware_bridge.delivery import ReplayState
from firmware_bridge.payloads.cayenne_lpp import CayenneLppDecoder
from firmware_bridge.payloads.grouping import KIND_NAMES
from firmware_bridge.payloads.payload import PayloadDecoder
from firmware_bridge.payloads.settings import CayenneLppPayload, PayloadSettings, VigiaPayload
from firmware_bridge.payloads.vigia import VigiaPayloadDecoder


def open_payload(settings: PayloadSettings, replay: Mapping[str, ReplayState] | None = None) -> PayloadDecoder:
    """The codec of one device. May read the files that the settings name; what cannot be read is said once in the log
    and then counted with every payload, never raised.

    replay: device (8 hex digits) to the replay state last stored, for our own frames; see `hand_over.take_replay`.
    """
    match settings:
        case VigiaPayload():
            return VigiaPayloadDecoder(settings, replay or {})
        case CayenneLppPayload():
            return CayenneLppDecoder(KIND_NAMES.get(settings.kind or ""), settings.map)
        case _:
            assert_never(settings)
