"""An image is what its maker signed, or it is refused in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing.downlinks import MANIFEST_BYTES, SIGNATURE_BYTES
from firmware_bridge.update.errors import UpdateError
from firmware_bridge.update.image import (
    check_signature,
    decode_image,
    encode_image,
    load_image,
    parse_version,
    sign_image,
    version_words,
)

MAKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MAKER_KEY = MAKER.public_key().public_bytes_raw()
IMAGE = sign_image(b"program", "vigia-acoustic", "1.4.2", MAKER)


@given(st.binary(min_size=1, max_size=400), st.text("abc-12", min_size=1, max_size=16))
def test_an_image_comes_back(program: bytes, model: str) -> None:
    image = sign_image(program, model, "2.0.13", MAKER)
    assert decode_image(encode_image(image)) == image
    check_signature(image, MAKER_KEY)


def test_the_manifest_is_laid_out_as_devices_expect() -> None:
    """SHA-512 of "abc": FIPS 180-4's own example."""
    manifest = sign_image(b"abc", "m", "1.2.3", MAKER).manifest
    digest = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    assert manifest.hex().startswith("56474631" + "6d" + "00" * 15 + "01020003" + "00000003" + digest)
    assert (len(manifest), len(IMAGE.signature)) == (MANIFEST_BYTES, SIGNATURE_BYTES)


@given(st.integers(0, len(encode_image(IMAGE)) * 8 - 1))
def test_one_flipped_bit_is_noticed(bit: int) -> None:
    raw = bytearray(encode_image(IMAGE))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(UpdateError):
        check_signature(decode_image(bytes(raw)), MAKER_KEY)


@given(st.binary(max_size=300))
def test_random_bytes_are_no_image(raw: bytes) -> None:
    for trial in (raw, b"VGF1" + raw):
        with pytest.raises(UpdateError) as told:
            decode_image(trial)
        assert told.value.reason == "bad_image"


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "readme.txt"
    path.write_text("hello")
    with pytest.raises(UpdateError, match=r"readme\.txt: it is not a Vigía firmware image"):
        load_image(path)
    with pytest.raises(UpdateError, match=r"nothing cannot be read: No such file"):
        load_image(tmp_path / "nothing")
    path.write_bytes(encode_image(IMAGE)[:-1])
    with pytest.raises(UpdateError, match="7 bytes, it has 6"):
        load_image(path)


def test_versions_compare() -> None:
    assert parse_version("1.4.2") == 0x01040002
    assert parse_version("1.10.0") > parse_version("1.9.65535")
    assert version_words(parse_version("12.34.567")) == "12.34.567"
    for wrong in ("1.4", "1.4.2.1", "v1.4.2", "1.4.x", "256.0.0", "0.256.0", "0.0.65536", "0.0.0", "1.-4.2", ""):
        with pytest.raises(UpdateError, match=r"version|255"):
            parse_version(wrong)


def test_what_cannot_be_an_image_is_refused() -> None:
    for program, model in ((b"", "m"), (b"x", ""), (b"x", "m" * 17), (b"x", "ñ"), (b"x", "a\0b")):
        with pytest.raises(UpdateError) as told:
            sign_image(program, model, "1.0.0", MAKER)
        assert told.value.reason == "bad_image"
    with pytest.raises(UpdateError, match="32 bytes, this has 3"):
        check_signature(IMAGE, b"abc")
