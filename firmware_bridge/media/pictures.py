"""Is it a picture, and a thumbnail of it. The one module that imports Pillow, and only when a picture comes.

What a file is, its first bytes say, not its name. Nothing is decoded before its header has told a size that can be
borne. The thumbnail is made of pixels alone: no EXIF, no position, no profile goes with it.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import structs

from firmware_bridge.media.jpeg import EOI, SOI, is_whole, read_segments
from firmware_bridge.readings import THUMBNAIL_BYTES, Rejected

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS: Final = 64_000_000
"""Of a baseline JPEG, which is decoded at an eighth of its size."""
MAX_PIXELS_WHOLE: Final = 24_000_000
"""Of a progressive JPEG, a PNG or a WebP, which must be held in memory whole."""
MAX_PIXELS_SCANNED: Final = 2_400_000_000
"""Of a JPEG that comes in several scans, each of which goes through all of it: a hundred of the largest, where cameras
write ten. Half a megabyte can hold thousands, and keep a machine busy for many minutes."""

_SIDES: Final = (320, 240, 160, 96)
_QUALITIES: Final = (80, 65, 50, 38, 28)
_LAST_BYTES: Final = 256
_LAST_ROWS: Final = 2  # at an eighth of the size: one row of blocks
_MAGIC: Final = (
    (0, SOI + b"\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
)
_OTHERS: Final = (
    (0, b"GIF8"),
    (0, b"BM"),
    (0, b"II*\0"),
    (0, b"MM\0*"),
    (4, b"ftyp"),  # HEIC, MP4, MOV
    (8, b"AVI "),
)


class _TooManyPixelsError(Exception):
    pass


class Picture(msgspec.Struct, frozen=True):
    """A picture that can be decoded. faults: reasons for what it lacks (no_thumbnail, no_pillow,
    no_end_marker)."""

    media_type: str
    width: int = 0
    height: int = 0
    thumbnail: bytes = b""
    faults: tuple[str, ...] = ()


def sniff(head: bytes) -> str | None:
    """The media type by the first bytes: image/jpeg, image/png, image/webp or None."""
    return next((kind for at, magic, kind in _MAGIC if head[at : at + len(magic)] == magic), None)


def read_pixels(content: bytes, orientation: int = 1) -> Picture | Rejected:
    """The picture, whole, with a thumbnail of at most THUMBNAIL_BYTES turned upright. orientation: as EXIF has it.

    Reasons: not_a_picture, unsupported_picture, too_many_pixels (those of a JPEG in several scans
    count with each), truncated, bad_picture. Never raises; without Pillow the picture is taken as it is.
    """
    kind = sniff(content)
    if kind is None:
        known = any(content[at : at + len(magic)] == magic for at, magic in _OTHERS)
        return Rejected("unsupported_picture" if known else "not_a_picture", 1, f"begins with {content[:12].hex()}")
    most = MAX_PIXELS
    if kind == "image/jpeg":
        segments = read_segments(content)
        claimed, whole = segments.pixels, segments.progressive or segments.scans > 1
        if claimed * segments.scans > MAX_PIXELS_SCANNED:
            return Rejected("too_many_pixels", 1, f"{segments.scans} scans of {claimed} pixels")
    else:
        claimed, whole = _claimed(kind, content), True
    if whole:
        most = MAX_PIXELS_WHOLE
    if claimed > most:
        return Rejected("too_many_pixels", 1, f"{claimed} pixels are more than {most}")
    try:
        from PIL import Image
    except ImportError:
        return Picture(kind, faults=("no_pillow",))
    try:
        if kind == "image/jpeg" and not is_whole(content):
            if not _reaches_the_end(content):
                return Rejected("truncated", 1, f"{len(content)} bytes end within the picture")
            found = _decode(_open(content + EOI, kind), kind, most, orientation)
            return structs.replace(found, faults=(*found.faults, "no_end_marker"))
        return _decode(_open(content, kind), kind, most, orientation)
    except (_TooManyPixelsError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        return Rejected("too_many_pixels", 1, str(error))
    except (OSError, EOFError) as error:
        cut = "truncated" in str(error) or (kind == "image/jpeg" and not is_whole(content))
        return Rejected("truncated" if cut else "bad_picture", 1, str(error))
    except (ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, struct.error) as error:  # Pillow's own
        return Rejected("bad_picture", 1, f"{type(error).__name__}: {error}")


def _open(content: bytes, kind: str) -> Image.Image:
    from PIL import Image

    return Image.open(io.BytesIO(content), formats=[kind.removeprefix("image/")])


def _reaches_the_end(content: bytes) -> bool:
    """Whether the data of a JPEG without an end marker go on to its last rows. A decoder fills up what is missing with
    one colour, so the row down to which the last bytes make a difference tells how far they reach."""
    from PIL import ImageChops

    shown = []
    for end in (len(content), len(content) - min(_LAST_BYTES, len(content) // 16)):
        image = _open(content[:end] + EOI, "image/jpeg")
        image.draft(image.mode, (image.width // 8, image.height // 8))
        shown.append(image.convert("L"))
    changed = ImageChops.difference(*shown).getbbox()
    return changed is None or changed[3] >= shown[0].height - _LAST_ROWS


def _claimed(kind: str, content: bytes) -> int:
    """Pixels that the header claims: PNG (IHDR) or WebP (VP8X, VP8L, VP8)."""
    if kind == "image/png":
        return int.from_bytes(content[16:20], "big") * int.from_bytes(content[20:24], "big")
    form, body = content[12:16], content[20:40]
    if len(body) < 10:
        return 0
    if form == b"VP8X":
        return (1 + int.from_bytes(body[4:7], "little")) * (1 + int.from_bytes(body[7:10], "little"))
    if form == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (1 + (bits & 0x3FFF)) * (1 + (bits >> 14 & 0x3FFF))
    return (int.from_bytes(body[6:8], "little") & 0x3FFF) * (int.from_bytes(body[8:10], "little") & 0x3FFF)


def _decode(image: Image.Image, kind: str, most: int, orientation: int) -> Picture:
    width, height = image.size
    if not 0 < width * height <= most:
        raise _TooManyPixelsError(f"{width} x {height} pixels are more than {most}")
    image.draft("RGB" if image.mode != "L" else "L", (_SIDES[0] * 2, _SIDES[0] * 2))
    image.load()
    thumbnail = _thumbnail(_upright(_eight_bits(image), orientation))
    return Picture(kind, width, height, thumbnail, () if thumbnail else ("no_thumbnail",))


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey or RGB of eight bits a channel, what is transparent on white."""
    if image.mode.startswith("I"):  # 16 bits of grey; plain conversion would cut, not scale
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("L", "RGB"):
        return image
    if image.mode in ("1", "CMYK", "YCbCr", "F") or not image.has_transparency_data:
        return image.convert("L" if image.mode in ("1", "F") else "RGB")
    clear = image.convert("RGBA")
    paper = clear.copy()
    paper.paste((255, 255, 255, 255), (0, 0, *clear.size))
    paper.alpha_composite(clear)
    return paper.convert("RGB")


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    """EXIF orientation (2 to 8) undone, on as few pixels as a thumbnail needs."""
    from PIL import Image

    image.thumbnail((_SIDES[0] * 2, _SIDES[0] * 2), Image.Resampling.BOX)
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)
    return image if turn is None else image.transpose(turn)


def _thumbnail(image: Image.Image) -> bytes:
    """The largest and best JPEG that fits; empty when none does."""
    from PIL import Image

    for side in _SIDES:
        small = image.copy()
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        small.info.clear()  # comment and colour profile would be written too
        for quality in _QUALITIES:
            buffer = io.BytesIO()
            small.save(buffer, "JPEG", quality=quality, optimize=True)
            if buffer.tell() <= THUMBNAIL_BYTES:
                return buffer.getvalue()
    return b""
