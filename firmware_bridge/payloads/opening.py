"""From settings to a codec."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import assert_never

from firmware_bridge.delivery import ReplayState
from firmware_bridge.payloads.cayenne_lpp import CayenneLppDecoder
from firmware_bridge.payloads.grouping import KIND_NAMES
from firmware_bridge.payloads.javascript import JavascriptDecoder, read_source
from firmware_bridge.payloads.javascript_engine import shared_engine
from firmware_bridge.payloads.layout import LayoutDecoder
from firmware_bridge.payloads.mapping import FieldMapping
from firmware_bridge.payloads.payload import Decoded, PayloadDecoder
from firmware_bridge.payloads.settings import (
    CayenneLppPayload,
    JavascriptPayload,
    LayoutPayload,
    PayloadSettings,
    VigiaPayload,
)
from firmware_bridge.payloads.vigia import VigiaPayloadDecoder
from firmware_bridge.readings import Rejected

log = logging.getLogger(__name__)


class UnreadableDecoder:
    """A `PayloadDecoder` whose file could not be read: every payload is counted."""

    def __init__(self, reason: str, detail: str) -> None:
        self._rejected = Rejected(reason, 1, detail)

    def decode(self, payload: bytes, port: int | None) -> list[Decoded | Rejected]:
        """See `PayloadDecoder.decode`."""
        return [self._rejected]


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
        case LayoutPayload():
            try:
                layout = settings.read_layout()
            except (OSError, ValueError) as trouble:
                log.warning("nothing will be read of payloads of layout %s: %s", settings.layout, trouble)
                return UnreadableDecoder("no_layout", str(settings.layout))
            try:
                return LayoutDecoder(layout, settings.map)
            except ValueError as trouble:
                log.warning("nothing will be read of payloads of layout %s: %s", settings.layout, trouble)
                return UnreadableDecoder("bad_map", str(trouble))
        case JavascriptPayload():
            try:
                source = read_source(settings.file)
            except (OSError, ValueError) as trouble:
                log.warning("nothing will be read of payloads of codec %s: %s", settings.file, trouble)
                return UnreadableDecoder("no_codec", str(settings.file))
            mapping = FieldMapping(settings.map, well_known=settings.well_known)
            kind = KIND_NAMES.get(settings.kind or "")
            return JavascriptDecoder(source, mapping, shared_engine(), kind=kind, time_limit_s=settings.time_limit_s)
        case _:
            assert_never(settings)
