"""The row body of a batch: for the few entries that must go at once, such as a lone alert. Each entry:

    kind 1 | sensor: length, UTF-8 | label | time_ms | quality 1 | uncertainty_ms | count | count times: code 1, steps
    | note: length, UTF-8, only where the kind has the bit 0x80

time_ms and uncertainty_ms are varints of at most 49 bits, steps zigzag varints of at most 63. label is 0 for none, 1 to
32 and as many bytes of UTF-8, or 0x80 + the code of a word of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from firmware_bridge.readings import (
    KINDS,
    LABEL_BY_CODE,
    LABELS,
    MAX_NAME_BYTES,
    MAX_NOTE_BYTES,
    QUANTITY_BY_CODE,
    Kind,
    Reading,
    is_name,
)
from gateway.contract.entries import Entry, Group
from gateway.contract.ranges import MAX_WIDE_VARINT_BYTES, decode_varint, encode_varint
from gateway.contract.topics import ContractError

MAX_STEPS: Final = 2**62
"""Every number in a body is nearer to zero than this."""
MAX_TIME_MS: Final = 2**43 - 1
_MAX_QUALITY: Final = 255
_NOTED: Final = 0x80


def encode_rows(entries: Sequence[Entry]) -> bytes:
    """The body of a few entries. Raises ContractError for what `decode_rows` would refuse."""
    out = bytearray()
    for entry in entries:
        reading = entry.reading
        check_reading(reading)
        check_time(
            entry.time_ms, entry.time_ms, entry.quality, entry.quality, entry.uncertainty_ms, entry.uncertainty_ms
        )
        out.append(reading.kind | (_NOTED if reading.note else 0))
        out += _text(reading.sensor)
        word = LABELS.get(reading.label)
        out += bytes((0x80 | word.code,)) if word and word.code < 0x80 else _text(reading.label)
        out += encode_varint(entry.time_ms)
        out.append(entry.quality)
        out += encode_varint(entry.uncertainty_ms)
        out += encode_varint(len(reading.codes))
        for code, steps in zip(reading.codes, reading.steps, strict=True):
            out.append(code)
            out += encode_varint(steps << 1 if steps >= 0 else ~(steps << 1))
        if reading.note:
            out += _text(reading.note)
    return bytes(out)


def decode_rows(body: bytes, sequences: list[int]) -> list[Group]:
    """One group an entry. Raises ContractError or IndexError for what does not hold together."""
    groups = []
    at = 0
    for sequence in sequences:
        kind, noted = body[at] & ~_NOTED, body[at] & _NOTED
        if kind not in KINDS:
            raise ContractError("unknown_kind", f"kind {kind}")
        sensor, at = _read_text(body, at + 1)
        if not sensor:
            raise ContractError("bad_body", "an entry without a sensor")
        if body[at] & 0x80:
            word = LABEL_BY_CODE.get(body[at] & 0x7F)
            if word is None:
                raise ContractError("unknown_label", f"label code {body[at] & 0x7F}")
            label, at = word.name, at + 1
        else:
            label, at = _read_text(body, at)
        time_ms, at = decode_varint(body, at)
        quality = body[at]
        uncertainty_ms, at = decode_varint(body, at + 1)
        count, at = decode_varint(body, at)
        codes, columns = [], []
        for _ in range(min(count, 256)):
            codes.append(body[at])
            coded, at = decode_varint(body, at + 1, MAX_WIDE_VARINT_BYTES)
            columns.append([coded >> 1 if not coded & 1 else ~(coded >> 1)])
        check_codes(tuple(codes), count)
        notes = {}
        if noted:
            length, at = decode_varint(body, at)
            notes[0] = checked_note(body[at : at + length], length)
            at += length
        check_time(time_ms, time_ms, quality, quality, uncertainty_ms, uncertainty_ms)
        groups.append(
            Group(
                kind=Kind(kind),
                codes=tuple(codes),
                sequences=[sequence],
                times_ms=[time_ms],
                qualities=[quality],
                uncertainties_ms=[uncertainty_ms],
                sensors=[sensor],
                labels=[label],
                columns=columns,
                notes=notes,
            )
        )
    if at != len(body):
        raise ContractError("bad_body", f"{len(body) - at} bytes are left over")
    return groups


def check_codes(codes: tuple[int, ...], count: int) -> None:
    """As many codes as told, all known, ascending. Raises ContractError."""
    if not 1 <= len(codes) == count or any(code not in QUANTITY_BY_CODE for code in codes):
        raise ContractError("unknown_quantity", f"{count} quantities, codes {codes}")
    if any(a >= b for a, b in pairwise(codes)):
        raise ContractError("bad_body", "quantity codes are not ascending")


def check_time(  # bounds of a column, or of one entry twice
    first_ms: int, last_ms: int, best_quality: int, worst_quality: int, least_ms: int, most_ms: int
) -> None:
    """Times within 1970 to 2248, qualities within 1 to 255, uncertainties as far as times. Raises ContractError."""
    if not 0 <= first_ms <= last_ms <= MAX_TIME_MS or not 0 <= least_ms <= most_ms <= MAX_TIME_MS:
        raise ContractError("bad_time", "a time before 1970 or after the year 2248, or as uncertain")
    if not 1 <= best_quality <= worst_quality <= _MAX_QUALITY:
        raise ContractError("bad_body", "a time without a quality")


def check_reading(reading: Reading) -> None:
    """A reading that has a place in a batch. Raises ContractError."""
    if reading.kind not in KINDS:
        raise ContractError("unknown_kind", f"kind {reading.kind}")
    check_codes(reading.codes, len(reading.steps))
    if not -MAX_STEPS < min(reading.steps) <= max(reading.steps) < MAX_STEPS:
        raise ContractError("bad_steps", "a value of more than 62 bits")
    for name in (reading.sensor, reading.label) if reading.label else (reading.sensor,):
        raw = name.encode(errors="surrogatepass")
        checked_name(raw, len(raw))
    if reading.note:
        raw = reading.note.encode(errors="surrogatepass")
        checked_note(raw, len(raw))


def _text(text: str) -> bytes:
    raw = text.encode()
    return encode_varint(len(raw)) + raw


def _read_text(body: bytes, at: int) -> tuple[str, int]:
    length, at = decode_varint(body, at)
    return checked_name(body[at : at + length], length) if length else "", at + length


def checked_name(raw: bytes, length: int) -> str:
    """A name as long as told, see `is_name`. Raises ContractError(bad_body)."""
    text = _checked_text(raw, length, MAX_NAME_BYTES, "name")
    if not is_name(text):
        raise ContractError("bad_body", "a name that ends in a backslash")
    return text


def checked_note(raw: bytes, length: int) -> str:
    """A note as long as told, printable UTF-8, 1 to 400 bytes. Raises ContractError(bad_body)."""
    return _checked_text(raw, length, MAX_NOTE_BYTES, "note")


def _checked_text(raw: bytes, length: int, most: int, what: str) -> str:
    if not 1 <= length <= most or len(raw) != length:
        raise ContractError("bad_body", f"a {what} of {length} bytes (1 to {most})")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise ContractError("bad_body", f"a {what} that is not UTF-8") from error
    if not text.isprintable():
        raise ContractError("bad_body", f"a {what} with characters that do not print")
    return text
