"""Frames are found however the stream is cut, and what is no frame has a reason."""

from __future__ import annotations

from binascii import crc_hqx
from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing.cobs_frames import MAX_FRAME_BYTES, Deframer, encode
from firmware_bridge.readings import Rejected


def feed(chunks: Iterable[bytes]) -> tuple[list[bytes], Counter[str]]:
    deframer = Deframer()
    contents: list[bytes] = []
    reasons: Counter[str] = Counter()
    for chunk in chunks:
        for item in deframer.feed(chunk):
            if isinstance(item, Rejected):
                reasons[item.reason] += item.count
            else:
                contents.append(item)
    return contents, reasons


def test_the_crc_is_ccitt_false() -> None:
    assert crc_hqx(b"123456789", 0xFFFF) == 0x29B1  # catalogue of parametrised CRC algorithms: CRC-16/IBM-3740


def test_golden_frame() -> None:
    """Synthetic: worked out by hand from the two specifications."""
    assert (
        encode(b"\x00123456789")
        == bytes.fromhex("01 0c 31 32 33 34 35 36 37 38 39")
        + crc_hqx(b"\x00123456789", 0xFFFF).to_bytes(2, "big")
        + b"\x00"
    )


@given(st.binary(min_size=1, max_size=500))
def test_content_comes_back(content: bytes) -> None:
    assert feed([b"\0" + encode(content)]) == ([content], Counter())


@pytest.mark.parametrize(
    ("stream", "reasons"),
    [
        (b"\0\0\0", {}),
        (b"\x05ab\0", {"bad_cobs": 1}),
        (b"\x03ab\0", {"too_short": 1}),
        (b"\x05abcd\0", {"bad_crc": 1}),
        (b"a" * 513 + b"\0", {"overlong_bytes": 513}),
        (b"a" * 2000, {"overlong_bytes": 2000}),
        (b"a" * 512, {}),
        (b"a" * 512 + b"\0", {"bad_cobs": 1}),
    ],
)
def test_every_rejection_has_its_reason(stream: bytes, reasons: dict[str, int]) -> None:
    assert feed([stream]) == ([], Counter(reasons))


def test_a_frame_after_any_trouble_is_found() -> None:
    good = encode(b"good")
    for trouble in (b"a" * 5000, b"\x09abc", encode(b"half")[:4], bytes(range(1, 200))):
        contents, reasons = feed([trouble + b"\0" + good])
        assert contents == [b"good"]
        assert sum(reasons.values())


@given(
    st.lists(st.one_of(st.binary(min_size=1, max_size=40).map(encode), st.binary(max_size=700)), max_size=12),
    st.integers(0, 2**32),
)
def test_it_does_not_matter_how_the_stream_is_cut(parts: list[bytes], seed: int) -> None:
    stream = b"".join(parts)
    chance = Random(seed)
    cuts = sorted(chance.randrange(len(stream) + 1) for _ in range(9))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = feed([stream])
    assert feed(bytes((byte,)) for byte in stream) == whole
    assert feed(pieces) == whole


def test_no_more_is_held_than_a_frame() -> None:
    deframer = Deframer()
    for _ in range(1000):
        deframer.feed(b"x" * 4096)
    assert len(deframer._rest) <= MAX_FRAME_BYTES


@pytest.mark.parametrize("content", [b"", bytes(511)])
def test_content_that_makes_no_frame_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="do not make a frame"):
        encode(content)
