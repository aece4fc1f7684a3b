"""Payloads read by a maker's decoder in JavaScript.

Source: TS013 of the LoRa Alliance (decodeUplink); ChirpStack 3 (Decode) and The Things Network 2 (Decoder) before it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import msgspec

from firmware_bridge.payloads.javascript_engine import EngineError, JavascriptEngine
from firmware_bridge.payloads.mapping import FieldMapping
from firmware_bridge.payloads.payload import Decoded
from firmware_bridge.readings import Kind, Rejected

log = logging.getLogger(__name__)

MAX_SOURCE_BYTES: Final = 262_144
MAX_PAYLOAD_BYTES: Final = 1_024
_MAX_SAID: Final = 100


class JavascriptDecoder:
    """A `PayloadDecoder`.

    Reasons beside those of `JavascriptEngine.decode`: empty, too_long, codec_error (the decoder says that it cannot
    read the payload), codec_warning (it read it, and has something to say), no_engine, no_values.
    """

    def __init__(
        self,
        source: str,
        mapping: FieldMapping,
        engine: JavascriptEngine,
        *,
        kind: Kind | None = None,
        time_limit_s: float = 0.25,
    ) -> None:
        self._source = source
        self._mapping = mapping
        self._engine = engine
        self._kind = kind
        self._time_limit_s = time_limit_s
        self._said: set[str] = set()

    def decode(self, payload: bytes, port: int | None) -> list[Decoded | Rejected]:
        """See `PayloadDecoder.decode`."""
        if not payload:
            return [Rejected("empty", 1, "a payload of no bytes")]
        if len(payload) > MAX_PAYLOAD_BYTES:
            return [Rejected("too_long", 1, f"{len(payload)} bytes (at most {MAX_PAYLOAD_BYTES})")]
        try:
            text = self._engine.decode(self._source, payload, port, self._time_limit_s)
        except EngineError as missing:
            self._say_once("no_engine", str(missing))
            return [Rejected("no_engine", 1, str(missing))]
        if isinstance(text, Rejected):
            if text.reason == "bad_codec":
                self._say_once("bad_codec", text.detail)
            return [text]
        return self._read(text)

    def _read(self, text: str) -> list[Decoded | Rejected]:
        try:
            told = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as trouble:
            return [Rejected("codec_bad_result", 1, str(trouble)[:_MAX_SAID])]
        if not isinstance(told, dict):
            return [Rejected("codec_bad_result", 1, "the codec gave no object")]
        if errors := told.get("errors"):
            return [Rejected("codec_error", 1, str(errors)[:_MAX_SAID])]
        said = told.get("warnings")
        warned = [Rejected("codec_warning", 1, str(said)[:_MAX_SAID])] if said else []
        data = told.get("data") if told.keys() & {"data", "errors", "warnings"} else told  # some give the data alone
        if not isinstance(data, dict | list):
            return [*warned, Rejected("codec_bad_result", 1, "the codec gave no data")]
        return [*self._mapping.collect(data).decoded(self._kind), *warned]

    def _say_once(self, what: str, detail: str) -> None:
        if what not in self._said:
            self._said.add(what)
            log.warning("payloads cannot be decoded: %s: %s", what, detail)


def read_source(path: Path) -> str:
    """A decoder's text. Raises OSError, or ValueError if it is too large or no text."""
    with path.open("rb") as file:
        raw = file.read(MAX_SOURCE_BYTES + 1)
    if len(raw) > MAX_SOURCE_BYTES:
        raise ValueError(f"larger than {MAX_SOURCE_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("not text in UTF-8") from None
    if "\0" in text:
        raise ValueError("it has a NUL in it: that is no JavaScript")
    return text
