"""PUBLISHED. Pictures and clips on the wire, version 1 (varints LEB128, see `gateway.contract.ranges`).

Up, on vigia/1/<station>/up/media, QoS 1; every message begins: version 1 | what 1

    announcement 1 | sha256 32 | MessagePack array     what a file is, with its thumbnail
    chunk        2 | sha256 32 | size | offset | crc32 4 | bytes
    question     3 | count | each: sha256 32           what does headquarters hold of these?

Down, on vigia/1/<station>/media, QoS 1: what headquarters holds. Only this lets a post count a file as delivered.

    version 1 | count | each: sha256 32 | status 1 | status HELD: byte ranges | REFUSED: length 1, reason, retry_after_s

A chunk's crc32 is over all of the message but itself. Bytes are numbered from 1 in byte ranges, so that a `RangeSet`
holds them: offset 0, length 3 is the range 1 to 3. An answer states the whole truth of its instant about a file; it
takes the place of what was said before.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Annotated, Final, NamedTuple, TypeAlias

import msgspec

from firmware_bridge.readings import MAX_NAME_BYTES, THUMBNAIL_BYTES
from gateway.contract.ranges import RangeSet, decode_varint, encode_varint
from gateway.contract.rows import MAX_TIME_MS
from gateway.contract.topics import ContractError

VERSION: Final = 1
MAX_FILE_BYTES: Final = 2**40
MAX_CHUNK_BYTES: Final = 128 * 1024
MAX_ANNOUNCEMENT_BYTES: Final = 16 * 1024
MAX_QUESTIONS: Final = 64
MAX_ANSWERS: Final = 256
MAX_ANSWER_BYTES: Final = 64 * 1024
MAX_FILE_RANGES: Final = 512
"""Headquarters keeps no file in more pieces than this."""
MAX_NOTES: Final = 24
MAX_NOTE_NAME_BYTES: Final = 32
MAX_NOTE_BYTES: Final = 200
MAX_REASON_BYTES: Final = 32
MAX_RETRY_S: Final = 2**32 - 1
CHUNK_OVERHEAD_BYTES: Final = 2 + 32 + 6 + 6 + 4

SUFFIXES: Final[Mapping[str, str]] = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "audio/wav": ".wav",
}
"""Endings of file names by media type."""
OTHER_SUFFIX: Final = ".bin"

_SHA256_BYTES: Final = 32
_HEAD_BYTES: Final = 2
_CRC_BYTES: Final = 4


class _What(IntEnum):
    ANNOUNCEMENT = 1
    CHUNK = 2
    QUESTION = 3


class Status(IntEnum):
    """What headquarters says of a file."""

    UNKNOWN = 0  # never announced, or forgotten: announce it
    HELD = 1  # announced; the ranges that it has so far
    COMPLETE = 2  # whole, verified and stored
    REFUSED = 3


_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_BYTES)]
_Notes = Annotated[tuple[tuple[str, str], ...], msgspec.Meta(max_length=MAX_NOTES)]


class _Body(msgspec.Struct, frozen=True, array_like=True):
    """An announcement after its hash. Within a version fields are added at the end, with defaults."""

    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=MAX_FILE_BYTES)]
    media_type: Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[a-z]+/[a-z0-9.+-]+\Z")]
    sensor: _Name
    label: Annotated[str, msgspec.Meta(max_length=MAX_NAME_BYTES)]
    time_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_TIME_MS)]
    quality: Annotated[int, msgspec.Meta(ge=1, le=255)]
    uncertainty_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_TIME_MS)]
    number: Annotated[int, msgspec.Meta(ge=1, le=65_535)]
    of: Annotated[int, msgspec.Meta(ge=1, le=65_535)]
    notes: _Notes = ()
    thumbnail: Annotated[bytes, msgspec.Meta(max_length=THUMBNAIL_BYTES)] = b""


class Announcement(msgspec.Struct, frozen=True):
    """A file that a post keeps. sha256: 64 hex digits. sensor, label: of the detection that it came with. time_ms,
    quality, uncertainty_ms: when that was, as in `gateway.contract.entries.Entry`. number, of: picture n of m of its
    event. notes: at most 24 of 32 and 200 bytes. thumbnail: JPEG or WebP of at most 8,000 bytes, or empty."""

    sha256: str
    size_bytes: int
    media_type: str
    sensor: str
    label: str
    time_ms: int
    quality: int
    uncertainty_ms: int
    number: int = 1
    of: int = 1
    notes: tuple[tuple[str, str], ...] = ()
    thumbnail: bytes = b""


class Chunk(NamedTuple):
    """Bytes of a file, from an offset. size_bytes: of the whole file."""

    sha256: str
    size_bytes: int
    offset: int
    content: bytes


class Question(NamedTuple):
    """What does headquarters hold of these files?"""

    sha256s: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True):
    """What headquarters says of one file. held: byte ranges numbered from 1, with HELD. reason: a counter name, and
    retry_after_s: seconds, 0 for never, with REFUSED."""

    status: Status
    held: RangeSet = msgspec.field(default_factory=RangeSet)
    reason: str = ""
    retry_after_s: int = 0


MediaMessage: TypeAlias = Announcement | Chunk | Question


def suffix_of(media_type: str) -> str:
    """The ending of a file's name, .bin for a type that is not listed."""
    return SUFFIXES.get(media_type, OTHER_SUFFIX)


def is_sha256(text: str) -> bool:
    """Whether it is 64 lower-case hex digits: safe as a file's name."""
    return len(text) == 2 * _SHA256_BYTES and set(text) <= set("0123456789abcdef")


def is_thumbnail(content: bytes) -> bool:
    """Whether it begins as a JPEG (ITU T.81, SOI) or a WebP (RFC 9649) and is small enough to be announced."""
    is_webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return len(content) <= THUMBNAIL_BYTES and (content[:3] == b"\xff\xd8\xff" or is_webp)


def fitted_notes(notes: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """As many of some notes, and as much of each, as an announcement takes."""
    made: list[tuple[str, str]] = []
    for name, text in notes:
        short, words = _fitted(name, MAX_NOTE_NAME_BYTES), _fitted(text, MAX_NOTE_BYTES)
        if short and words and len(made) < MAX_NOTES:
            made.append((short, words))
    return tuple(made)


def encode_announcement(announcement: Announcement) -> bytes:
    """One message. Raises ValueError for what `decode_media` would refuse."""
    body = _Body(*(getattr(announcement, name) for name in _Body.__struct_fields__))
    message = _head(_What.ANNOUNCEMENT) + _raw(announcement.sha256) + msgspec.msgpack.encode(body)
    decode_media(message)
    return message


def encode_chunk(chunk: Chunk) -> bytes:
    """One message. Raises ValueError for what `decode_media` would refuse."""
    _check_chunk(chunk)
    head = _head(_What.CHUNK) + _raw(chunk.sha256) + encode_varint(chunk.size_bytes) + encode_varint(chunk.offset)
    crc = zlib.crc32(chunk.content, zlib.crc32(head))
    return head + crc.to_bytes(_CRC_BYTES, "big") + chunk.content


def encode_question(sha256s: Sequence[str]) -> bytes:
    """One message about 1 to 64 files. Raises ValueError."""
    if not 1 <= len(sha256s) <= MAX_QUESTIONS:
        raise ValueError(f"a question about {len(sha256s)} files (1 to {MAX_QUESTIONS})")
    return _head(_What.QUESTION) + encode_varint(len(sha256s)) + b"".join(map(_raw, sha256s))


def decode_media(message: bytes) -> MediaMessage:
    """What a post says of its files. Raises ContractError: unknown_version, truncated, too_large, bad_announcement,
    bad_thumbnail, bad_crc, bad_chunk, bad_count or bad_varint."""
    if message[:1] != bytes((VERSION,)) or message[1:2] not in {bytes((what,)) for what in _What}:
        raise ContractError("unknown_version", f"media message {message[:2].hex()}, this is version {VERSION:02x}")
    if message[1] == _What.QUESTION:
        count, at = decode_varint(message, _HEAD_BYTES)
        if not 1 <= count <= MAX_QUESTIONS or len(message) != at + count * _SHA256_BYTES:
            raise ContractError("bad_count", f"{count} files in {len(message)} bytes (1 to {MAX_QUESTIONS})")
        return Question(tuple(message[i : i + 32].hex() for i in range(at, len(message), _SHA256_BYTES)))
    body_at = _HEAD_BYTES + _SHA256_BYTES
    if len(message) <= body_at:
        raise ContractError("truncated", f"{len(message)} bytes are less than a head")
    sha256 = message[_HEAD_BYTES:body_at].hex()
    if message[1] == _What.ANNOUNCEMENT:
        return _decode_announcement(sha256, message, body_at)
    return _decode_chunk(sha256, message, body_at)


def encode_answers(answers: Mapping[str, Answer]) -> list[bytes]:
    """As many messages as it takes to say all of it; none for nothing. Raises ValueError for a reason or ranges that
    `decode_answers` would refuse."""
    messages: list[bytes] = []
    parts: list[bytes] = []
    for sha256, answer in answers.items():
        part = _raw(sha256) + _answer(answer)
        if parts and (len(parts) == MAX_ANSWERS or sum(map(len, parts)) + len(part) > MAX_ANSWER_BYTES - 8):
            messages.append(_joined(parts))
            parts = []
        parts.append(part)
    return [*messages, _joined(parts)] if parts else messages


def decode_answers(message: bytes) -> dict[str, Answer]:
    """By sha256. Raises ContractError: too_large, unknown_version, bad_count, bad_status, bad_reason, bad_ranges,
    truncated, bad_varint or bad_body."""
    if len(message) > MAX_ANSWER_BYTES:
        raise ContractError("too_large", f"answers of {len(message)} bytes (at most {MAX_ANSWER_BYTES})")
    if message[:1] != bytes((VERSION,)):
        raise ContractError("unknown_version", f"answers of version {message[:1].hex()}, this is {VERSION:02x}")
    count, at = decode_varint(message, 1)
    if not 1 <= count <= MAX_ANSWERS:
        raise ContractError("bad_count", f"{count} answers (1 to {MAX_ANSWERS})")
    answers: dict[str, Answer] = {}
    for _ in range(count):
        raw = message[at : at + _SHA256_BYTES]
        at += _SHA256_BYTES
        if at >= len(message):
            raise ContractError("truncated", "an answer is cut off")
        answers[raw.hex()], at = _decode_answer(message, at)
    if at != len(message):
        raise ContractError("bad_body", f"{len(message) - at} bytes are left over")
    return answers


def _head(what: _What) -> bytes:
    return bytes((VERSION, what))


def _raw(sha256: str) -> bytes:
    if not is_sha256(sha256):
        raise ValueError(f"{sha256[:80]!r} is not a SHA-256 in hex")
    return bytes.fromhex(sha256)


def _fitted(text: str, most_bytes: int) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    return plain.encode(errors="replace")[:most_bytes].decode(errors="ignore")


def _decode_announcement(sha256: str, message: bytes, at: int) -> Announcement:
    if len(message) > MAX_ANNOUNCEMENT_BYTES:
        raise ContractError("too_large", f"an announcement of {len(message)} bytes (at most {MAX_ANNOUNCEMENT_BYTES})")
    try:
        body = msgspec.msgpack.decode(message[at:], type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError("bad_announcement", str(error)) from error
    for text, most in [
        (body.sensor, MAX_NAME_BYTES),
        (body.label, MAX_NAME_BYTES),
        *((name, MAX_NOTE_NAME_BYTES) for name, _ in body.notes),
        *((words, MAX_NOTE_BYTES) for _, words in body.notes),
    ]:
        if not text.isprintable() or len(text.encode(errors="surrogatepass")) > most:
            raise ContractError("bad_announcement", f"{text[:40]!r} does not print or is longer than {most} bytes")
    if body.thumbnail and not is_thumbnail(body.thumbnail):
        raise ContractError("bad_thumbnail", "a thumbnail that is neither JPEG nor WebP")
    return Announcement(sha256, *(getattr(body, name) for name in _Body.__struct_fields__))


def _decode_chunk(sha256: str, message: bytes, at: int) -> Chunk:
    size, at = decode_varint(message, at)
    offset, at = decode_varint(message, at)
    content = message[at + _CRC_BYTES :]
    chunk = Chunk(sha256, size, offset, content)
    _check_chunk(chunk)
    if zlib.crc32(content, zlib.crc32(message[:at])) != int.from_bytes(message[at : at + _CRC_BYTES], "big"):
        raise ContractError("bad_crc", f"a chunk of {len(content)} bytes was altered on the way")
    return chunk


def _check_chunk(chunk: Chunk) -> None:
    size, offset, length = chunk.size_bytes, chunk.offset, len(chunk.content)
    if length > MAX_CHUNK_BYTES:
        raise ContractError("too_large", f"a chunk of {length} bytes (at most {MAX_CHUNK_BYTES})")
    if length < 1 or offset < 0 or not offset + length <= size <= MAX_FILE_BYTES:
        raise ContractError("bad_chunk", f"{length} bytes at {offset} do not lie in a file of {size}")


def _answer(answer: Answer) -> bytes:
    out = bytes((answer.status,))
    if answer.status is Status.HELD:
        if answer.held.count_ranges() > MAX_FILE_RANGES:
            raise ValueError(f"{answer.held.count_ranges()} ranges of one file (at most {MAX_FILE_RANGES})")
        return out + answer.held.encode()
    if answer.status is Status.REFUSED:
        reason = answer.reason.encode()
        if not _is_reason(answer.reason) or not 0 <= answer.retry_after_s <= MAX_RETRY_S:
            raise ValueError(f"refused with {answer.reason[:80]!r}, again in {answer.retry_after_s} s")
        return out + bytes((len(reason),)) + reason + encode_varint(answer.retry_after_s)
    return out


def _decode_answer(message: bytes, at: int) -> tuple[Answer, int]:
    coded, at = message[at], at + 1
    if coded not in {int(status) for status in Status}:
        raise ContractError("bad_status", f"status {coded} of a file")
    status = Status(coded)
    if status is Status.HELD:
        held, at = RangeSet.decode(message, at, limit=MAX_FILE_RANGES)
        return Answer(status, held), at
    if status is not Status.REFUSED:
        return Answer(status), at
    length = message[at] if at < len(message) else 0
    reason = message[at + 1 : at + 1 + length].decode("ascii", errors="replace")
    if len(reason) != length or not _is_reason(reason):
        raise ContractError("bad_reason", f"refused with {reason[:80]!r}")
    retry_after_s, at = decode_varint(message, at + 1 + length)
    if retry_after_s > MAX_RETRY_S:
        raise ContractError("bad_reason", f"again in {retry_after_s} s")
    return Answer(status, reason=reason, retry_after_s=retry_after_s), at


def _is_reason(reason: str) -> bool:
    return 1 <= len(reason) <= MAX_REASON_BYTES and all(c == "_" or c.isdigit() or "a" <= c <= "z" for c in reason)


def _joined(parts: Sequence[bytes]) -> bytes:
    return bytes((VERSION,)) + encode_varint(len(parts)) + b"".join(parts)
