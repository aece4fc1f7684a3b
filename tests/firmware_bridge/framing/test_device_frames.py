"""What a device sealed is what is told; everything else is a reason."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing.device_frames import MAX_FRAME_BYTES, new_cipher, seal, unseal
from firmware_bridge.readings import Rejected

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
CIPHER = new_cipher(KEY)
DEVICE = 0x00A1B2C3
KNOWN = {DEVICE: CIPHER}
BODY = bytes.fromhex("010003c701b4790020")
GOLDEN = bytes.fromhex("1000a1b2c30000000110d6ad77f9ac5f5035d85d273a8410")


def reason(frame: bytes) -> str:
    told = unseal(frame, KNOWN)
    assert isinstance(told, Rejected), told
    return told.reason


def test_the_library_is_aes_ccm() -> None:
    """RFC 3610, section 8, packet vector 1: the algorithm itself, with its own 13-byte nonce and 8-byte tag."""
    key = bytes(range(0xC0, 0xD0))
    nonce = bytes.fromhex("00000003020100a0a1a2a3a4a5")
    packet = bytes(range(0x1F))
    sealed = AESCCM(key, tag_length=8).encrypt(nonce, packet[8:], packet[:8])
    assert sealed.hex() == "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0"


def test_nonce_and_associated_data_are_the_header() -> None:
    """Put together here by hand, apart from the code."""
    header = b"\x10" + b"\x00\xa1\xb2\xc3" + b"\x00\x00\x00\x01"
    by_hand = header + AESCCM(KEY, tag_length=6).encrypt(header + b"\0\0\0\0", BODY, header)
    assert seal(CIPHER, DEVICE, 1, BODY) == by_hand


def test_golden_frame() -> None:
    """Synthetic, made by this code once and never changed since: firmware in the field depends on it."""
    assert seal(CIPHER, DEVICE, 1, BODY) == GOLDEN
    assert len(GOLDEN) == 24
    assert unseal(GOLDEN, KNOWN) == (DEVICE, 1, BODY)


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1), st.binary(min_size=1, max_size=100))
def test_what_was_sealed_comes_back(device: int, counter: int, body: bytes) -> None:
    assert unseal(seal(CIPHER, device, counter, body), {device: CIPHER}) == (device, counter, body)


@given(st.integers(0, 24 * 8 - 1))
def test_one_flipped_bit_is_noticed(bit: int) -> None:
    altered = bytearray(GOLDEN)
    altered[bit // 8] ^= 1 << bit % 8
    assert reason(bytes(altered)) in ("bad_version", "bad_direction", "unknown_device", "bad_tag")


@given(st.integers(0, 23))
def test_a_frame_cut_short_is_noticed(length: int) -> None:
    assert reason(GOLDEN[:length]) in ("too_short", "bad_tag")


@given(st.binary(max_size=200))
def test_random_bytes_are_a_reason(frame: bytes) -> None:
    reason(frame)
    reason(GOLDEN[:5] + frame)


def test_every_rejection_has_its_reason() -> None:
    assert reason(b"\x20" + GOLDEN[1:]) == "bad_version"
    assert reason(b"\x11" + GOLDEN[1:]) == "bad_direction"
    assert reason(GOLDEN[:1] + b"\x01" + GOLDEN[2:]) == "unknown_device"
    assert reason(GOLDEN + bytes(MAX_FRAME_BYTES)) == "too_long"
    other = seal(new_cipher(bytes(16)), DEVICE, 1, BODY)
    assert reason(other) == "bad_tag"


def test_what_cannot_be_sealed_is_refused() -> None:
    for counter, body in ((0, BODY), (2**32, BODY), (1, b""), (1, bytes(101))):
        with pytest.raises(ValueError, match=r"counter|body"):
            seal(CIPHER, DEVICE, counter, body)
    with pytest.raises(ValueError, match="key of 15"):
        new_cipher(bytes(15))
