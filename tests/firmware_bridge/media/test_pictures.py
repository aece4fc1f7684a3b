"""What is a picture is told by its bytes; what cannot be borne is refused before it is decoded; thumbnails fit and tell
nothing but pixels."""

from __future__ import annotations

import io
import struct
import zlib
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from firmware_bridge.media.exif import read_picture
from firmware_bridge.media.pictures import MAX_PIXELS, Picture, read_pixels, sniff
from firmware_bridge.readings import THUMBNAIL_BYTES, Rejected
from tests.firmware_bridge.media.pictures_made import jpeg, painted, rationals, text, tiff


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def picture(content: bytes, orientation: int = 1) -> Picture:
    found = read_pixels(content, orientation)
    assert isinstance(found, Picture), found
    return found


def reason(content: bytes) -> str:
    found = read_pixels(content)
    assert isinstance(found, Rejected), found
    return found.reason


def thumbnail(content: bytes, orientation: int = 1) -> Image.Image:
    found = picture(content, orientation)
    assert found.faults == ()
    assert 0 < len(found.thumbnail) <= THUMBNAIL_BYTES
    small = Image.open(io.BytesIO(found.thumbnail))
    small.load()
    return small


@pytest.mark.parametrize(
    "content",
    [
        jpeg(image=painted((2048, 1536))),
        jpeg(image=painted((2048, 1536)), progressive=True),
        jpeg(image=painted((640, 480), "L")),
        jpeg(image=painted((640, 480), "CMYK")),
        saved(painted((640, 480)), "PNG"),
        saved(painted((640, 480), "P"), "PNG"),
        saved(painted((640, 480), "RGBA"), "PNG"),
        saved(painted((640, 480), "1"), "PNG"),
        saved(painted((640, 480)), "WEBP"),
        jpeg(image=Image.frombytes("RGB", (1600, 1200), Random(7).randbytes(1600 * 1200 * 3))),
    ],
    ids=["baseline", "progressive", "grey", "cmyk", "png", "palette", "alpha", "bits", "webp", "noise"],
)
def test_thumbnails_fit(content: bytes) -> None:
    small = thumbnail(content)
    assert max(small.size) in (320, 240, 160, 96)
    assert small.format == "JPEG"


def test_sixteen_bits_are_scaled_not_cut() -> None:
    grey = Image.new("I;16", (64, 64), 0x8000)
    assert abs(thumbnail(saved(grey, "PNG")).convert("L").getpixel((32, 32)) - 128) <= 2


def test_a_small_picture_is_not_blown_up() -> None:
    assert thumbnail(jpeg(image=painted((100, 60)))).size == (100, 60)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(orientation: int) -> None:
    """A red corner comes to lie top left, as the photographer saw it (EXIF 2.32, 4.6.4 A)."""
    upright = Image.new("RGB", (64, 32), "white")
    upright.paste((255, 0, 0), (0, 0, 16, 16))
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright if orientation == 1 else upright.transpose(turns[orientation])
    small = thumbnail(jpeg(image=stored, quality=95), orientation)
    assert small.size == (64, 32)
    red, green, _ = small.getpixel((6, 6))
    assert red > 200 > green


def test_nothing_but_pixels_goes_along() -> None:
    block = tiff(
        {0x010F: text("RECONYX")}, {}, {1: text("S"), 2: rationals((3, 1)), 3: text("W"), 4: rationals((72, 1))}
    )
    image = painted((640, 480))
    content = jpeg(block, image=image, comment=b"a secret place", icc_profile=b"profile of a screen" * 10)
    assert read_picture(content).latitude_degrees == -3
    found = picture(content).thumbnail
    assert read_picture(found) == type(read_picture(b""))()
    for secret in (b"RECONYX", b"secret", b"profile", b"Exif", b"ICC_PROFILE"):
        assert secret not in found


def test_lying_names_do_not_matter_but_other_content_does() -> None:
    assert sniff(jpeg()) == "image/jpeg"
    assert reason(b"this is text") == "not_a_picture"
    assert reason(b"") == "not_a_picture"
    assert reason(saved(painted((32, 32)), "GIF")) == "unsupported_picture"
    assert reason(saved(painted((32, 32)), "TIFF")) == "unsupported_picture"
    assert reason(b"\0\0\0\x18ftypheic" + bytes(100)) == "unsupported_picture"
    assert reason(b"RIFF\0\0\0\0AVI LIST" + bytes(100)) == "unsupported_picture"


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_decompression_bombs_are_refused_before_decoding() -> None:
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000_000)))
    assert reason(bomb + chunk(b"IEND", b"")) == "too_many_pixels"
    lying = bytearray(jpeg())
    frame = lying.index(b"\xff\xc0") + 5
    lying[frame : frame + 4] = struct.pack(">HH", 60_000, 60_000)
    assert reason(bytes(lying)) == "too_many_pixels"
    twice = jpeg()
    second = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 60_000, 60_000) + b"\x01\x01\x11\x00"
    assert reason(twice[:2] + second + twice[2:]) == "too_many_pixels"
    huge = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + (16_000).to_bytes(3, "little") * 2 + bytes(20)
    assert reason(huge) == "too_many_pixels"
    progressive = bytearray(jpeg(progressive=True))
    frame = progressive.index(b"\xff\xc2") + 5
    progressive[frame : frame + 4] = struct.pack(">HH", 6_000, 6_000)  # within MAX_PIXELS, were it baseline
    assert MAX_PIXELS > 6_000 * 6_000
    assert reason(bytes(progressive)) == "too_many_pixels"


@pytest.mark.parametrize("progressive", [True, False])
def test_a_picture_is_not_gone_through_thousands_of_times(progressive: bool) -> None:
    content = bytearray(jpeg(image=painted((64, 64)), progressive=progressive))
    begin = content.index(b"\xff\xda")
    if not progressive:  # its scans could be of one colour each
        content[begin + 2 : begin + 14] = bytes.fromhex("0008 01 0100 003f00")
    frame = content.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    content[frame : frame + 4] = struct.pack(">HH", 4_000, 5_000)
    scan = bytes(content[begin:-2])
    assert reason(bytes(content[:begin]) + scan * 5_000 + b"\xff\xd9") == "too_many_pixels"


def test_what_follows_a_plain_picture_is_none_of_its_scans() -> None:
    content = jpeg()
    assert isinstance(read_pixels(content + b"\xff\xda" * 100_000 + content[-2:]), Picture)


def test_truncated_pictures() -> None:
    content = jpeg(image=painted((640, 480)))
    assert reason(content[: len(content) // 2]) == "truncated"
    assert reason(content[: len(content) - len(content) // 5]) == "truncated"
    assert reason(content[:100]) in ("truncated", "bad_picture")
    assert picture(content[:-2]).faults == ("no_end_marker",)
    assert picture(content + bytes(2000)).faults == ()
    flat = saved(painted((640, 480)), "PNG")
    assert reason(flat[: len(flat) // 2]) in ("truncated", "bad_picture")


CONTENT = {"jpeg": jpeg(), "png": saved(painted((60, 40)), "PNG"), "webp": saved(painted((60, 40)), "WEBP")}


@pytest.mark.filterwarnings("ignore")  # what Pillow says of damage that we count
@settings(max_examples=150)
@given(st.sampled_from(sorted(CONTENT)), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6))
def test_damage_never_raises(kind: str, changes: list[tuple[float, int]]) -> None:
    damaged = bytearray(CONTENT[kind])
    for share, value in changes:
        damaged[int(share * len(damaged))] = value
    found = read_pixels(bytes(damaged))
    assert isinstance(found, Rejected) or len(found.thumbnail) <= THUMBNAIL_BYTES
    read_pixels(bytes(damaged[: len(damaged) * 2 // 3]))
