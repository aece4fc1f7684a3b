"""WAV clips: what they hold, what their recorder wrote into them, how loud they are.

Specification: RIFF/WAVE (Microsoft and IBM, 1991) with LIST/INFO and `guan` chunks.
"""

from __future__ import annotations

import math
import sys
from array import array
from operator import mul
from typing import BinaryIO, Final

import msgspec

from firmware_bridge.media.recorder_notes import RecorderNotes, read_notes
from firmware_bridge.media.tiff import clean
from firmware_bridge.readings import Rejected

_MAX_CHUNKS: Final = 256
_MAX_TEXT_BYTES: Final = 65_536
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_BLOCK_FRAMES: Final = 65_536
_MOST_BLOCKS: Final = 32
_SIGNED: Final = bytes((value - 128) & 0xFF for value in range(256))


class WavFacts(msgspec.Struct, frozen=True):
    """What a clip says. rms_dbfs, peak_dbfs: against full scale (a full sine has -3.01), None for silence or what is
    not PCM or float; of long clips blocks spread over the whole. faults: wav_cut_short, bad_chunk, bad_time."""

    channels: int
    rate_hz: int
    bits: int
    duration_s: float
    notes: RecorderNotes
    rms_dbfs: float | None = None
    peak_dbfs: float | None = None
    faults: tuple[str, ...] = ()


class _Format(msgspec.Struct, frozen=True):
    code: int
    channels: int
    rate_hz: int
    frame_bytes: int
    bits: int


def read_wav(file: BinaryIO, size_bytes: int, *, level: bool = True) -> WavFacts | Rejected:
    """The facts of a seekable file of that size. Raises OSError for trouble with the file, and nothing else.

    Reasons: not_a_wav, rf64, no_format, bad_format, no_samples.
    """
    file.seek(0)
    head = file.read(12)
    if head[:4] in (b"RF64", b"BW64"):
        return Rejected("rf64", 1, "a RIFF with 64-bit sizes; record in shorter files")
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return Rejected("not_a_wav", 1, f"begins with {head.hex()}")
    chunks = _walk(file, size_bytes)
    if chunks.form is None:
        return Rejected("no_format", 1, "no fmt chunk before the samples")
    form = _format(chunks.form)
    if form is None:
        return Rejected("bad_format", 1, f"fmt {chunks.form[:40].hex()}")
    if chunks.data is None:
        return Rejected("no_samples", 1, "no data chunk")
    start, told = chunks.data
    length = min(told, size_bytes - start)
    cut_short = length < told or chunks.cut_short
    frames = length // form.frame_bytes
    if not frames:
        return Rejected("no_samples", 1, "an empty data chunk")
    rms, peak = _level(file, form, start, frames) if level else (None, None)
    notes = read_notes(chunks.info, chunks.guano)
    faults = {"wav_cut_short": cut_short, "bad_chunk": chunks.damaged, "bad_time": notes.bad_time}
    return WavFacts(
        channels=form.channels,
        rate_hz=form.rate_hz,
        bits=form.bits,
        duration_s=frames / form.rate_hz,
        notes=notes,
        rms_dbfs=rms,
        peak_dbfs=peak,
        faults=tuple(reason for reason, present in faults.items() if present),
    )


class _Chunks:
    def __init__(self) -> None:
        self.form: bytes | None = None
        self.data: tuple[int, int] | None = None
        self.info: dict[str, str] = {}
        self.guano: dict[str, str] = {}
        self.damaged = False
        self.cut_short = False


def _walk(file: BinaryIO, size_bytes: int) -> _Chunks:
    """Every chunk, by seeking. A chunk of odd length has a byte of padding, which some writers forget. A recorder that
    lost power leaves a data size of 0 or all ones: the samples then go to the end."""
    found = _Chunks()
    place = 12
    for _ in range(_MAX_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            break
        name, length = head[:4], int.from_bytes(head[4:], "little")
        start = place + 8
        if name == b"data" and found.data is None:
            rest = size_bytes - start
            if length == 0xFFFFFFFF or (length == 0 and rest > 0 and not _is_chunk(file, start)):
                length, found.cut_short = rest, True
            found.data = (start, length)
            found.cut_short |= length > rest
        elif name == b"fmt " and found.form is None:
            found.form = file.read(min(length, 64))
        elif name in (b"LIST", b"guan") and start + length <= size_bytes:
            body = file.read(min(length, _MAX_TEXT_BYTES))
            if name == b"guan":
                found.guano.update(_guano(body))
            elif body[:4] == b"INFO":
                found.info.update(_info(body))
        elif not name.isascii() or not name.decode("ascii").isprintable():
            found.damaged = True
            break
        if start + length > size_bytes:
            found.damaged |= name != b"data"
            break
        place = start + length
        if length & 1 and (place + 8 > size_bytes or not _is_chunk(file, place)):
            place += 1
    return found


def _is_chunk(file: BinaryIO, place: int) -> bool:
    """Whether what stands there could be the head of a chunk."""
    file.seek(place)
    name = file.read(4)
    return name in (b"LIST", b"data", b"guan", b"fmt ", b"bext", b"id3 ", b"fact", b"cue ", b"JUNK")


def _info(body: bytes) -> dict[str, str]:
    told: dict[str, str] = {}
    place = 4
    while place + 8 <= len(body):
        name, length = body[place : place + 4], int.from_bytes(body[place + 4 : place + 8], "little")
        text = body[place + 8 : place + 8 + length].split(b"\0", 1)[0].decode("utf-8", errors="replace")
        told.setdefault(name.decode("ascii", errors="replace"), text[:2000])
        place += 8 + length + (length & 1)
    return told


def _guano(body: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in body.decode("utf-8", errors="replace").splitlines()[:200])
    return {key.strip(): clean(value.encode()) for key, colon, value in lines if colon}


def _format(raw: bytes) -> _Format | None:
    if len(raw) < 16:
        return None
    code, channels = int.from_bytes(raw[:2], "little"), int.from_bytes(raw[2:4], "little")
    rate, frame = int.from_bytes(raw[4:8], "little"), int.from_bytes(raw[12:14], "little")
    bits = int.from_bytes(raw[14:16], "little")
    if code == _EXTENSIBLE and len(raw) >= 26:
        code = int.from_bytes(raw[24:26], "little")
    if not (1 <= channels <= 32 and 100 <= rate <= 2_000_000 and 1 <= frame <= 256):
        return None
    return _Format(code, channels, rate, frame, bits)


def _level(file: BinaryIO, form: _Format, start: int, frames: int) -> tuple[float | None, float | None]:
    """RMS and peak in dB of full scale over all channels, of at most 32 blocks spread over the clip."""
    width = form.frame_bytes // form.channels
    if width * form.channels != form.frame_bytes or width not in (1, 2, 3, 4) or form.code not in (_PCM, _FLOAT):
        return None, None
    if form.code == _FLOAT and width != 4:
        return None, None
    blocks = min(_MOST_BLOCKS, math.ceil(frames / _BLOCK_FRAMES))
    step = frames / blocks
    total, count, peak, full = 0.0, 0, 0.0, 1.0
    for number in range(blocks):
        file.seek(start + int(number * step) * form.frame_bytes)
        raw = file.read(min(_BLOCK_FRAMES, frames - int(number * step)) * form.frame_bytes)
        samples, full = _samples(raw[: len(raw) - len(raw) % form.frame_bytes], width, form.code)
        if not samples:
            continue
        total += float(sum(map(mul, samples, samples)))
        count += len(samples)
        peak = max(peak, float(max(samples)), -float(min(samples)))
    if not count or not math.isfinite(total) or total <= 0:
        return None, None
    return round(20 * math.log10(math.sqrt(total / count) / full), 1), round(20 * math.log10(peak / full), 1)


def _samples(raw: bytes, width: int, code: int) -> tuple[array[int] | array[float], float]:
    """Little-endian samples as numbers, and what full scale is. 24 bits become the upper of 32."""
    if width == 1:  # unsigned
        return array("b", raw.translate(_SIGNED)), 128.0
    if code == _FLOAT:
        values: array[int] | array[float] = array("f", raw)
        full = 1.0
    elif width == 2:
        values, full = array("h", raw), 32_768.0
    else:
        if width == 3:
            wide = bytearray(len(raw) // 3 * 4)
            wide[1::4], wide[2::4], wide[3::4] = raw[0::3], raw[1::3], raw[2::3]
            raw = bytes(wide)
        values, full = array("i", raw), 2_147_483_648.0
    if sys.byteorder == "big":
        values.byteswap()
    return values, full
