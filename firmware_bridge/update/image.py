"""A firmware image: a program for one model of sensor, signed by its maker. Big-endian.

    file        manifest 92 | signature 64 | program, 1 to 16,776,960 bytes
    manifest    "VGF1" 4 | model 16 | version 4 | size 4 | SHA-512 of the program 64
    model       1 to 16 ASCII characters, padded with zeros
    version     major 1 | minor 1 | patch 2: compares as a number
    signature   Ed25519 (RFC 8032) of the manifest, by the maker's key

The manifest goes first, so that a device refuses what is not for it, or not its maker's, before it takes a single
block; its digest is checked over what is in the flash before the program may run.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from firmware_bridge.framing.downlinks import (
    MANIFEST_BYTES,
    MAX_BLOCK_BYTES,
    MAX_BLOCKS,
    MODEL_BYTES,
    SIGNATURE_BYTES,
)
from firmware_bridge.update.errors import UpdateError

MAX_PROGRAM_BYTES: Final = MAX_BLOCKS * MAX_BLOCK_BYTES

_MAGIC: Final = b"VGF1"
_MANIFEST: Final = struct.Struct(f">4s{MODEL_BYTES}sII64s")
_HEAD_BYTES: Final = MANIFEST_BYTES + SIGNATURE_BYTES


class FirmwareImage(msgspec.Struct, frozen=True):
    """A program and who may run it. signature: the maker's, of `manifest`."""

    model: str
    version: int
    program: bytes
    manifest: bytes
    signature: bytes

    @property
    def model_bytes(self) -> bytes:
        """The model as a device tells it."""
        return _padded(self.model)


def sign_image(program: bytes, model: str, version: str, maker: Ed25519PrivateKey) -> FirmwareImage:
    """An image of a program. version: such as "1.4.2". Raises UpdateError bad_image."""
    if not 1 <= len(program) <= MAX_PROGRAM_BYTES:
        raise UpdateError("bad_image", f"a program of {len(program)} bytes (1 to {MAX_PROGRAM_BYTES})")
    number = parse_version(version)
    manifest = _MANIFEST.pack(_MAGIC, _padded(model), number, len(program), hashlib.sha512(program).digest())
    return FirmwareImage(model, number, program, manifest, maker.sign(manifest))


def encode_image(image: FirmwareImage) -> bytes:
    """The image as a file."""
    return image.manifest + image.signature + image.program


def decode_image(raw: bytes) -> FirmwareImage:
    """The image in a file, whole; whose signature it bears is not yet known. Raises UpdateError bad_image."""
    if len(raw) <= _HEAD_BYTES or not raw.startswith(_MAGIC):
        raise UpdateError("bad_image", "it is not a Vigía firmware image (it does not begin with VGF1 and a manifest)")
    manifest, signature, program = raw[:MANIFEST_BYTES], raw[MANIFEST_BYTES:_HEAD_BYTES], raw[_HEAD_BYTES:]
    _, model, version, size, digest = _MANIFEST.unpack(manifest)
    if len(program) != size or size > MAX_PROGRAM_BYTES:
        raise UpdateError("bad_image", f"its manifest tells of {size} bytes, it has {len(program)}: fetch it again")
    if hashlib.sha512(program).digest() != digest:
        raise UpdateError("bad_image", "its program is not the one in its manifest: it is damaged, fetch it again")
    try:
        name = model.rstrip(b"\0").decode("ascii")
        if _padded(name) != model:
            raise UpdateError("bad_image", "its model has a zero inside")
    except UnicodeDecodeError:
        raise UpdateError("bad_image", "its model is not a name") from None
    return FirmwareImage(name, version, program, manifest, signature)


def load_image(path: Path) -> FirmwareImage:
    """The image in a file, see `decode_image`. Raises UpdateError bad_image."""
    try:
        with path.open("rb") as file:
            raw = file.read(_HEAD_BYTES + MAX_PROGRAM_BYTES + 1)
    except OSError as error:
        raise UpdateError("bad_image", f"{path} cannot be read: {error.strerror}") from error
    try:
        return decode_image(raw)
    except UpdateError as error:
        raise UpdateError(error.reason, f"{path}: {error.detail}") from None


def check_signature(image: FirmwareImage, maker: bytes) -> None:
    """Nothing, when the maker of this public key (32 bytes) signed the image. Raises UpdateError bad_signature.

    The device checks it in any case; to do it here spares the attempt.
    """
    try:
        Ed25519PublicKey.from_public_bytes(maker).verify(image.signature, image.manifest)
    except InvalidSignature:
        raise UpdateError("bad_signature", "the image is not signed by the maker whose key was given") from None
    except ValueError:
        raise UpdateError("bad_signature", f"a maker's key is 32 bytes, this has {len(maker)}") from None


def parse_version(text: str) -> int:
    """ "1.4.2" as a number that compares. Raises UpdateError bad_image."""
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 5 for part in parts):
        raise UpdateError("bad_image", f"{text!r} is not a version such as 1.4.2")
    major, minor, patch = map(int, parts)
    if major > 255 or minor > 255 or patch > 65_535 or not major + minor + patch:
        raise UpdateError("bad_image", f"version {text} is not in 0.0.1 to 255.255.65535")
    return major << 24 | minor << 16 | patch


def version_words(version: int) -> str:
    """A version as people write it."""
    return f"{version >> 24}.{version >> 16 & 255}.{version & 65_535}"


def _padded(model: str) -> bytes:
    raw = model.encode("ascii", errors="replace")
    if not 1 <= len(raw) <= MODEL_BYTES or not model.isascii() or not model.isprintable():
        raise UpdateError("bad_image", f"{model!r} is not a model: 1 to {MODEL_BYTES} ASCII characters")
    return raw.ljust(MODEL_BYTES, b"\0")
