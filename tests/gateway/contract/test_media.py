"""What a post and headquarters say of pictures: nothing is read out of a message that was not put in."""

from __future__ import annotations

import random
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.readings import THUMBNAIL_BYTES
from gateway.contract import media, topics
from gateway.contract.media import (
    MAX_ANNOUNCEMENT_BYTES,
    MAX_ANSWER_BYTES,
    MAX_CHUNK_BYTES,
    MAX_QUESTIONS,
    Announcement,
    Answer,
    Chunk,
    Status,
    decode_answers,
    decode_media,
    encode_announcement,
    encode_answers,
    encode_chunk,
    encode_question,
    fitted_notes,
)
from gateway.contract.ranges import RangeSet, encode_varint
from gateway.contract.topics import ContractError

SHA = "ab" * 32
JPEG = b"\xff\xd8\xff\xe0"
PICTURE = Announcement(
    SHA, 3_000_000, "image/jpeg", "camara-1", "person", 1_748_779_200_000, 2, 64, 2, 3, (("make", "RECONYX"),), JPEG
)
# Synthetic; a change here is a change of the contract.
GOLDEN_ANNOUNCEMENT = (
    "0101" + SHA + "9bce002dc6c0aa696d6167652f6a706567a863616d6172612d31a6706572736f6ecf000001972b5cee000240020391"
    "92a46d616b65a75245434f4e5958c404ffd8ffe0"
)
GOLDEN_CHUNK = "0102" + SHA + "c08db701" + "8040" + "8c74d9cd" + "00010203"
GOLDEN_ANSWERS = "0104" + "00" * 32 + "00" + "11" * 32 + "0102018040038001" + "22" * 32 + "02"
GOLDEN_ANSWERS += "33" * 32 + "03" + "05" + b"quota".hex() + "d804"
ANSWERS = {
    "00" * 32: Answer(Status.UNKNOWN),
    "11" * 32: Answer(Status.HELD, RangeSet([(1, 8193), (8196, 8324)])),
    "22" * 32: Answer(Status.COMPLETE),
    "33" * 32: Answer(Status.REFUSED, reason="quota", retry_after_s=600),
}

hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=32)
announcements = st.builds(
    Announcement,
    hashes,
    st.integers(1, 2**40),
    st.sampled_from(["image/jpeg", "audio/wav", "image/vnd.x-y+z"]),
    names,
    names,
    st.integers(0, 2**43 - 1),
    st.integers(1, 255),
    st.integers(0, 2**32),
    st.integers(1, 65_535),
    st.integers(1, 65_535),
    st.lists(st.tuples(names, names), max_size=24).map(tuple),
    st.binary(max_size=300).map(lambda raw: JPEG + raw if raw else b""),
)
held = st.sets(st.integers(1, 2**40) | st.integers(1, 300), max_size=40).map(RangeSet.of)
answers = st.one_of(
    st.just(Answer(Status.UNKNOWN)),
    st.just(Answer(Status.COMPLETE)),
    held.map(lambda ranges: Answer(Status.HELD, ranges)),
    st.builds(
        lambda reason, retry: Answer(Status.REFUSED, reason=reason, retry_after_s=retry),
        st.from_regex(r"[a-z_0-9]{1,32}", fullmatch=True),
        st.integers(0, 2**32 - 1),
    ),
)


def outcome(message: bytes) -> str:
    try:
        decode_media(message)
    except ContractError as refusal:
        return refusal.reason
    return "taken"


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    content = draw(st.binary(min_size=1, max_size=200))
    offset = draw(st.integers(0, 2**39))
    return Chunk(draw(hashes), offset + len(content) + draw(st.integers(0, 2**20)), offset, content)


@given(announcements, chunks(), st.lists(hashes, min_size=1, max_size=MAX_QUESTIONS))
def test_what_goes_up_comes_out(announcement: Announcement, chunk: Chunk, asked: list[str]) -> None:
    assert decode_media(encode_announcement(announcement)) == announcement
    assert decode_media(encode_chunk(chunk)) == chunk
    assert len(encode_chunk(chunk)) <= len(chunk.content) + media.CHUNK_OVERHEAD_BYTES
    assert decode_media(encode_question(asked)) == media.Question(tuple(asked))


@given(st.dictionaries(hashes, answers, max_size=300))
@settings(max_examples=30)
def test_what_goes_down_comes_out(told: dict[str, Answer]) -> None:
    heard: dict[str, Answer] = {}
    for message in encode_answers(told):
        assert len(message) <= MAX_ANSWER_BYTES
        heard |= decode_answers(message)
    assert heard == told


def test_the_wire_format_does_not_change() -> None:
    assert encode_announcement(PICTURE).hex() == GOLDEN_ANNOUNCEMENT
    assert decode_media(bytes.fromhex(GOLDEN_ANNOUNCEMENT)) == PICTURE
    chunk = Chunk(SHA, 3_000_000, 8192, bytes(range(4)))
    assert encode_chunk(chunk).hex() == GOLDEN_CHUNK
    assert decode_media(bytes.fromhex(GOLDEN_CHUNK)) == chunk
    assert [message.hex() for message in encode_answers(ANSWERS)] == [GOLDEN_ANSWERS]
    assert decode_answers(bytes.fromhex(GOLDEN_ANSWERS)) == ANSWERS


def test_fields_that_a_later_version_adds_are_passed_over() -> None:
    message = encode_announcement(PICTURE)
    fields = msgspec.msgpack.decode(message[34:])
    assert decode_media(message[:34] + msgspec.msgpack.encode([*fields, "new", 7])) == PICTURE


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x01\x01", b"\x01\x02", b"\x01\x03", b"\x01"]))
def test_random_bytes_are_refused_or_understood(raw: bytes, begin: bytes) -> None:
    outcome(begin + raw)
    with suppress(ContractError):
        decode_answers(b"\x01" + raw)


@given(st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_flipped_bits_never_raise_anything_else(rng: random.Random) -> None:
    for message in map(bytes.fromhex, (GOLDEN_ANNOUNCEMENT, GOLDEN_CHUNK, GOLDEN_ANSWERS)):
        spoilt = bytearray(message)
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        outcome(bytes(spoilt))
        with suppress(ContractError):
            decode_answers(bytes(spoilt))


def test_a_chunk_with_any_bit_flipped_is_refused() -> None:
    message = encode_chunk(Chunk(SHA, 100, 10, b"picture"))
    for bit in range(len(message) * 8):
        spoilt = bytearray(message)
        spoilt[bit // 8] ^= 1 << bit % 8
        assert outcome(bytes(spoilt)) != "taken", bit
    for length in range(len(message)):
        assert outcome(message[:length]) != "taken"


def test_refusals_have_reasons() -> None:
    head, sha = b"\x01\x01" + bytes(32), bytes(32)

    def announced(**changed: object) -> bytes:
        fields = {name: getattr(PICTURE, name) for name in PICTURE.__struct_fields__[1:]} | changed
        return head + msgspec.msgpack.encode(list(fields.values()))

    assert outcome(announced()) == "taken"
    bad = {"size_bytes": 0, "media_type": "image/jpeg\n", "sensor": "", "label": "a\0b", "time_ms": -1, "quality": 0}
    bad |= {"number": 0, "of": 2**16, "notes": (("a", "b" * 201),), "thumbnail": JPEG + bytes(THUMBNAIL_BYTES)}
    for name, value in bad.items():
        assert outcome(announced(**{name: value})) == "bad_announcement", name
    assert outcome(announced(media_type="text")) == "bad_announcement"
    assert outcome(announced(sensor="ñ" * 17)) == "bad_announcement"
    assert outcome(announced(notes=(("a", "b"),) * 25)) == "bad_announcement"
    assert outcome(announced(thumbnail=b"GIF89a")) == "bad_thumbnail"
    assert outcome(b"\x01\x01" + bytes(MAX_ANNOUNCEMENT_BYTES)) == "too_large"
    assert outcome(b"\x01\x01" + bytes(32)) == "truncated"
    assert outcome(b"\x02\x01" + bytes(40)) == "unknown_version"
    assert outcome(b"\x01\x09" + bytes(40)) == "unknown_version"
    assert outcome(b"") == "unknown_version"
    assert outcome(b"\x01\x02" + sha + encode_varint(10) + encode_varint(7) + bytes(8)) == "bad_chunk"
    assert outcome(b"\x01\x02" + sha + encode_varint(10) + encode_varint(7) + bytes(4)) == "bad_chunk"
    assert outcome(b"\x01\x02" + sha + encode_varint(2**30) + b"\0" + bytes(MAX_CHUNK_BYTES + 5)) == "too_large"
    assert outcome(b"\x01\x03" + encode_varint(65) + bytes(65 * 32)) == "bad_count"
    assert outcome(b"\x01\x03\x02" + bytes(33)) == "bad_count"
    with pytest.raises(ContractError, match="bad_count"):
        decode_answers(b"\x01\x00")
    with pytest.raises(ContractError, match="bad_status"):
        decode_answers(b"\x01\x01" + sha + b"\x07")
    with pytest.raises(ContractError, match="bad_reason"):
        decode_answers(b"\x01\x01" + sha + b"\x03\x04a b!\x00")
    with pytest.raises(ContractError, match="truncated"):
        decode_answers(b"\x01\x01" + sha)
    with pytest.raises(ContractError, match="too_large"):
        decode_answers(b"\x01" * (MAX_ANSWER_BYTES + 1))


def test_what_cannot_be_said_is_not_sent() -> None:
    for bad in (
        lambda: encode_question([]),
        lambda: encode_question([SHA] * 65),
        lambda: encode_question(["../" * 20]),
    ):
        with pytest.raises(ValueError, match=r"files|hex"):
            bad()
    with pytest.raises(ValueError, match="do not lie"):
        encode_chunk(Chunk(SHA, 3, 0, b"four"))
    with pytest.raises(ValueError, match="refused with"):
        encode_answers({SHA: Answer(Status.REFUSED, reason="Not a reason")})
    with pytest.raises(ValueError, match="bad_announcement"):
        encode_announcement(msgspec.structs.replace(PICTURE, sensor=""))


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=400)), max_size=40))
def test_any_notes_can_be_made_to_fit(notes: list[tuple[str, str]]) -> None:
    fitted = fitted_notes(notes)
    announcement = msgspec.structs.replace(PICTURE, notes=fitted, thumbnail=JPEG + bytes(THUMBNAIL_BYTES - 4))
    assert len(encode_announcement(announcement)) <= MAX_ANNOUNCEMENT_BYTES


def test_topics() -> None:
    assert topics.media("puesto-a") == "vigia/1/puesto-a/media"
    assert topics.ALL_MEDIA == "vigia/1/+/up/media"
