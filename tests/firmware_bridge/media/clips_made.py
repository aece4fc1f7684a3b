"""WAV clips as recorders write them, made by the tests."""

from __future__ import annotations

import math
import struct
from array import array


def samples(seconds: float = 1.0, rate_hz: int = 8000, amplitude: float = 0.5, tone_hz: float = 440.0) -> bytes:
    """A tone of 16 bits; amplitude as a share of full scale."""
    count = int(seconds * rate_hz)
    tone = (round(32767 * amplitude * math.sin(2 * math.pi * tone_hz * n / rate_hz)) for n in range(count))
    return array("h", tone).tobytes()


def chunk(name: bytes, body: bytes, *, padded: bool = True, told: int | None = None) -> bytes:
    length = len(body) if told is None else told
    return name + struct.pack("<I", length) + body + (b"\0" if padded and len(body) & 1 else b"")


def form(rate_hz: int = 8000, channels: int = 1, bits: int = 16, code: int = 1) -> bytes:
    frame = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", code, channels, rate_hz, rate_hz * frame, frame, bits))


def info(**texts: str) -> bytes:
    """A LIST/INFO chunk, such as ICMT="..."; each text NUL-padded as AudioMoth does it."""
    body = b"".join(chunk(name.encode(), text.encode().ljust(len(text) + 8, b"\0")) for name, text in texts.items())
    return chunk(b"LIST", b"INFO" + body)


def wav(*chunks: bytes, told: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if told is None else told) + body


def clip(comment: str = "", artist: str = "", data: bytes | None = None) -> bytes:
    """A whole clip, its comment before the samples as AudioMoth has it."""
    texts = {"ICMT": comment, "IART": artist}
    named = info(**{name: text for name, text in texts.items() if text})
    return wav(form(), named, chunk(b"data", samples() if data is None else data))
