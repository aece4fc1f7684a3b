"""Pictures as cameras write them, made by the tests: Pillow paints, the metadata are assembled byte by byte.

Layouts of maker notes: facts of ExifTool's Reconyx tags and of metadata-extractor's Reconyx directories.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from random import Random

from PIL import Image

Entry = tuple[int, bytes]
"""TIFF type and raw value."""


def text(value: str, room: int = 0) -> Entry:
    """ASCII, NUL-terminated, NUL-padded to room bytes."""
    return 2, (value.encode() + b"\0").ljust(room, b"\0")


def undefined(raw: bytes) -> Entry:
    return 7, raw


def short(value: int, order: str = "<") -> Entry:
    return 3, struct.pack(order + "H", value)


def rationals(*values: tuple[int, int], order: str = "<", signed: bool = False) -> Entry:
    return 10 if signed else 5, b"".join(struct.pack(order + ("ii" if signed else "II"), *value) for value in values)


_WIDTH = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8}


def tiff(
    image: Mapping[int, Entry],
    exif: Mapping[int, Entry] | None = None,
    gps: Mapping[int, Entry] | None = None,
    order: str = "<",
) -> bytes:
    """A TIFF block with up to three directories."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    parts = [dict(image)]
    starts = [8]
    for tag, directory in ((0x8769, exif), (0x8825, gps)):
        if directory is not None:
            parts[0][tag] = (4, b"\0\0\0\0")
            parts.append(dict(directory))
    for part in parts[:-1]:
        starts.append(starts[-1] + _length(part))
    later = iter(starts[1:])
    for tag in (0x8769, 0x8825):
        if tag in parts[0]:
            parts[0][tag] = (4, struct.pack(order + "I", next(later)))
    return head + b"".join(_directory(part, start, order) for part, start in zip(parts, starts, strict=True))


def _length(part: Mapping[int, Entry]) -> int:
    return 6 + 12 * len(part) + sum(len(raw) for _, raw in part.values() if len(raw) > 4)


def _directory(part: Mapping[int, Entry], start: int, order: str) -> bytes:
    place = start + 6 + 12 * len(part)
    entries, values = struct.pack(order + "H", len(part)), b""
    for tag, (kind, raw) in sorted(part.items()):
        entries += struct.pack(order + "HHI", tag, kind, len(raw) // _WIDTH[kind])
        if len(raw) <= 4:
            entries += raw.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "I", place + len(values))
            values += raw
    return entries + b"\0\0\0\0" + values


def painted(size: tuple[int, int] = (640, 480), mode: str = "RGB", seed: int = 1) -> Image.Image:
    """A scene with edges and texture, different for each seed."""
    chance = Random(seed)
    rough = (size[0] // 4, size[1] // 4)
    image = Image.frombytes("L", rough, chance.randbytes(rough[0] * rough[1])).resize(size).convert("RGB")
    for _ in range(12):
        left, top = chance.randrange(size[0]), chance.randrange(size[1])
        colour = tuple(chance.randrange(256) for _ in range(3))
        image.paste(colour, (left, top, left + size[0] // 5, top + size[1] // 5))
    return image.convert(mode)


def jpeg(block: bytes | None = None, *, image: Image.Image | None = None, seed: int = 1, **options: object) -> bytes:
    """A JPEG with an EXIF block right after its beginning, as cameras have it."""
    buffer = io.BytesIO()
    (image or painted((160, 120), seed=seed)).save(buffer, "JPEG", **{"quality": 80, **options})
    content = buffer.getvalue()
    if block is None:
        return content
    body = b"Exif\0\0" + block
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:]


def hyperfire(
    *,
    trigger: bytes = b"M",
    sequence: tuple[int, int] = (4, 5),
    event: int = 7,
    time: tuple[int, int, int, int, int, int] = (2015, 5, 7, 8, 8, 31),
    moon: int = 5,
    celsius: int = -5,
    serial: str = "H500DE01120343",
    infrared: int = 0,
    millivolts: int = 8550,
    label: bytes = b"CCPF DS02",
    order: str = "<",
    time_order: str = "",
) -> bytes:
    """The maker note of a HyperFire (HC500, PC900, ...): 0xF101 first. time: year, month, day, hour, minute, second."""
    year, month, day, hour, minute, second = time
    note = struct.pack(order + "HHHHHH", 0xF101, 3, 3, 0, 0x2011, 0x0110) + trigger.ljust(2, b"\0")
    note += struct.pack(order + "HHHH", *sequence, event >> 16, event & 0xFFFF)
    note += struct.pack((time_order or order) + "HHHHHH", second, minute, hour, month, day, year)
    note += struct.pack(order + "HHhh", 0, moon, round(celsius * 9 / 5 + 32), celsius)
    # 0x22 is unused: the moon is at 0x24
    note += serial.encode("utf-16-le").ljust(30, b"\0")
    note += struct.pack(order + "HHHHHHH", 142, 238, 64, 144, infrared, 100, millivolts) + label.ljust(22, b"\0")
    return note + bytes(64)


def hyperfire_2(
    *,
    sequence: tuple[int, int] = (1, 10),
    event: int = 4,
    time: tuple[int, int, int, int, int, int] = (2021, 4, 11, 20, 43, 9),
    moon: int = 0,
    serial: str = "H2RXEM06043616",
) -> bytes:
    """The maker note of a HyperFire 2: "RECONYXH2" first; day of the week from 1."""
    year, month, day, hour, minute, second = time
    note = bytearray(b"RECONYXH2\0".ljust(0xA0, b"\0"))
    note[0x34:0x36] = b"M\0"
    struct.pack_into("<HHHH", note, 0x36, *sequence, event >> 16, event & 0xFFFF)
    struct.pack_into("<HHHHHHHHhh", note, 0x3E, second, minute, hour, month, day, year, 1, moon, 35, 2)
    struct.pack_into("<HHHHH", note, 0x52, 128, 0, 32, 0, 1)
    struct.pack_into("<HHH", note, 0x60, 90, 7814, 9521)
    note[0x68:0x70] = b"MICA 318"
    note[0x7E : 0x7E + 28] = serial.encode("utf-16-le")
    return bytes(note)


def ultrafire(time: tuple[int, int, int, int, int, int] = (2017, 3, 2, 1, 0, 59)) -> bytes:
    """The maker note of an UltraFire: single bytes, no room between."""
    year, month, day, hour, minute, second = time
    note = bytearray(b"RECONYXUF\0".ljust(0x80, b"\0"))
    note[0x34:0x37] = b"T\x02\x03"
    struct.pack_into("<I", note, 0x37, 70_000)
    note[0x3B:0x42] = bytes((second, minute, hour, day, month, year & 0xFF, year >> 8))
    struct.pack_into("<BBhhBH", note, 0x42, 4, 1, 70, 21, 1, 11_900)
    note[0x4B : 0x4B + 14] = b"UXR6EK01000042"
    note[0x5A : 0x5A + 9] = b"NORTH END"
    return bytes(note)


def hyperfire_4k(time: tuple[int, int, int, int, int, int] = (2025, 9, 7, 18, 30, 1)) -> bytes:
    """The maker note of a HyperFire 4K."""
    year, month, day, hour, minute, second = time
    note = bytearray(b"RECONYXHF4K\0".ljust(0xA0, b"\0"))
    note[0x28:0x2B] = b"E\x01\x05"
    struct.pack_into("<I", note, 0x2B, 123)
    struct.pack_into("<BBBBBH", note, 0x2F, second, minute, hour, day, month, year)
    struct.pack_into("<BBhh", note, 0x36, 1, 4, 86, 30)
    struct.pack_into("<BIHH", note, 0x44, 0, 1000, 100, 12_000)
    note[0x51:0x55] = b"CERO"
    note[0x84:0x90] = b"HF4K00000001"
    return bytes(note)
