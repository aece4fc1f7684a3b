"""What the C library makes is, byte for byte, what the Python codec makes; nothing that comes over a line hurts it."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.cobs_frames import Deframer
from firmware_bridge.framing.device_frames import Direction, new_cipher, seal, unseal
from firmware_bridge.framing.downlinks import (
    Answer,
    Command,
    Result,
    code_of,
    decode_answer,
    decode_command,
    encode_answer,
    encode_command,
)
from firmware_bridge.framing.frame_bodies import decode_body, encode_body
from firmware_bridge.readings import KINDS, LABELS, QUANTITIES, Kind, Label, Reading, ReadingError, Rejected
from tests.firmware_bridge.framing.test_downlinks import COMMANDS
from tests.support.device_host import DEVICE as DEVICE_FOLDER
from tests.support.device_host import Library, make

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
CIPHER = new_cipher(KEY)
DEVICE = 0x00A1B2C3
COUNTER = st.integers(1, 2**32 - 1)
CODE = {name: quantity.code for name, quantity in QUANTITIES.items()}


@pytest.fixture(scope="module")
def library(vigia_host: Path) -> Iterator[Library]:
    with Library(vigia_host) as library:
        yield library


def steps(name: str) -> st.SearchStrategy[int | None]:
    """Any steps that the catalogue has for a quantity, often near what a frame can tell."""
    quantity = QUANTITIES[name]
    low, high = round(quantity.minimum * quantity.per_unit), round(quantity.maximum * quantity.per_unit)
    return st.one_of(
        st.none(), st.integers(low, high), st.integers(low, min(high, low + 1300)), st.sampled_from([low, high])
    )


def reading(kind: Kind, age_s: int, told: dict[str, int | None], label: str = "") -> Reading:
    there = sorted((CODE[name], value) for name, value in told.items() if value is not None)
    return Reading(int(kind), "rio-arriba", label, tuple(c for c, _ in there), tuple(s for _, s in there), age_s * 1000)


def encoded(told: Reading) -> str:
    try:
        return encode_body(told).hex()
    except ReadingError:
        return "refused"


AGE = st.one_of(st.integers(0, 65_535), st.sampled_from([65_534, 65_535]))
LABEL = st.sampled_from(list(LABELS.values()))


@given(AGE, steps("battery_volts"), LABEL, steps("confidence_ratio"), steps("sound_level_decibels"), st.data())
def test_an_acoustic_detection_is_the_same(
    library: Library,
    age_s: int,
    battery: int | None,
    label: Label,
    confidence: int | None,
    level: int | None,
    data: st.DataObject,
) -> None:
    duration = data.draw(steps("duration_seconds"))
    told = {"battery_volts": battery, "confidence_ratio": confidence, "sound_level_decibels": level}
    expected = encoded(reading(Kind.ACOUSTIC_DETECTION, age_s, told | {"duration_seconds": duration}, label.name))
    assert library.ask("acoustic", age_s, battery, label.code, confidence, level, duration) == expected


@given(AGE, steps("battery_volts"), LABEL, steps("confidence_ratio"), steps("individuals_count"), st.data())
def test_a_camera_detection_is_the_same(
    library: Library,
    age_s: int,
    battery: int | None,
    label: Label,
    confidence: int | None,
    individuals: int | None,
    data: st.DataObject,
) -> None:
    picture = data.draw(st.one_of(st.none(), st.integers(0, 70_000)))
    told = {"battery_volts": battery, "confidence_ratio": confidence, "individuals_count": individuals}
    expected = encoded(reading(Kind.CAMERA_DETECTION, age_s, told | {"picture_number": picture}, label.name))
    assert library.ask("camera", age_s, battery, label.code, confidence, individuals, picture) == expected


@given(AGE, steps("battery_volts"), steps("latitude_degrees"), steps("longitude_degrees"), steps("altitude_metres"))
def test_a_position_is_the_same(
    library: Library, age_s: int, battery: int | None, latitude: int | None, longitude: int | None, altitude: int | None
) -> None:
    told = {
        "battery_volts": battery,
        "latitude_degrees": latitude,
        "longitude_degrees": longitude,
        "altitude_metres": altitude,
    }
    assert library.ask("position", age_s, battery, latitude, longitude, altitude) == encoded(
        reading(Kind.POSITION, age_s, told)
    )


TOLD = sorted(n for n, q in QUANTITIES.items() if 16 < q.code < 48 and n not in ("rssi_dbm", "snr_decibels"))


@given(st.sampled_from([Kind.ENVIRONMENT, Kind.DEVICE_STATUS]), AGE, steps("battery_volts"), st.data())
def test_values_are_the_same(
    library: Library, kind: Kind, age_s: int, battery: int | None, data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from(TOLD), unique=True, max_size=18))
    told = {name: data.draw(steps(name)) for name in names}
    pairs = sorted((CODE[name], value) for name, value in told.items() if value is not None)
    expected = encoded(reading(kind, age_s, told | {"battery_volts": battery}))
    assert library.ask("values", age_s, battery, int(kind), *(n for pair in pairs for n in pair)) == expected


def test_values_that_no_frame_can_tell_are_refused(library: Library) -> None:
    for words in (
        (3, 33, 1, 32, 1),  # not ascending
        (3, 33, 1, 33, 1),  # twice
        (3, 19, 1),  # what the receiver measures
        (3, 48, 1),
        (3, 16, 1),  # told in its own byte already
        (3, 32, 2**34),
        (3, 32, -(2**34) - 1),
        (1, 32, 1),  # a detection
        (3, *(n for code in range(20, 38) for n in (code, 1))),
    ):
        assert library.ask("values", 0, 398, *words) == "refused"
    assert library.ask("values", 0, 398, 3, 32, 2**34 - 1) == "030000c720feffffff7f"
    assert library.ask("values", 0, None, 3) == "refused"


@given(st.binary(min_size=1, max_size=100), COUNTER, st.integers(0, 2**32 - 1))
def test_a_sealed_frame_is_the_same(library: Library, body: bytes, counter: int, device: int) -> None:
    frame = bytes.fromhex(library.ask("seal", KEY, device, counter, body))
    assert frame == seal(CIPHER, device, counter, body)
    assert unseal(frame, {device: CIPHER}) == (device, counter, body)


def test_the_golden_frame_is_the_same(library: Library) -> None:
    body = bytes.fromhex(library.ask("acoustic", 3, 398, 1, 900, 605, 32))
    assert body.hex() == "010003c701b4790020"
    frame = bytes.fromhex(library.ask("seal", KEY, DEVICE, 1, body))
    assert frame.hex() == "1000a1b2c30000000110d6ad77f9ac5f5035d85d273a8410"
    line = "050161151004a1b2c30101130110d6ad77f9ac5f5035d85d273a8410998600"
    assert library.ask("radio", -97, 21, frame) == line
    assert isinstance(decode_body(body, "rio-arriba", []), Reading)


def test_what_cannot_be_sealed_is_refused(library: Library) -> None:
    for counter, body in ((0, b"x"), (1, b""), (1, bytes(101))):
        assert library.ask("seal", KEY, DEVICE, counter, body) == "refused"
    for frame in (b"", bytes(116)):
        assert library.ask("wired", frame) == "refused"


@given(st.binary(min_size=1, max_size=115), st.integers(-200, 0), st.integers(-127, 127))
def test_a_line_is_the_same(library: Library, frame: bytes, rssi_dbm: int, snr: int) -> None:
    assert library.ask("wired", frame) == cobs_frames.encode(b"\0" + frame).hex()
    envelope = bytes((1, -rssi_dbm, snr & 255))
    assert library.ask("radio", rssi_dbm, snr, frame) == cobs_frames.encode(envelope + frame).hex()


def test_what_a_receiver_does_not_know_is_absent(library: Library) -> None:
    absent = cobs_frames.encode(b"\x01\xff\x80" + b"frame").hex()
    for rssi_dbm in (1, -201, 1000, -1000):
        assert library.ask("radio", rssi_dbm, -128, b"frame") == absent


@given(
    st.lists(
        st.one_of(
            st.binary(min_size=1, max_size=300).map(cobs_frames.encode),
            st.binary(max_size=700),
            st.binary(min_size=253, max_size=256).map(lambda b: cobs_frames.encode(b.replace(b"\0", b"\1"))),
        ),
        max_size=8,
    )
)
def test_the_receiver_finds_the_same_frames(library: Library, parts: list[bytes]) -> None:
    stream = b"".join(parts)
    contents, reasons = [], Counter[str]()
    for item in Deframer().feed(stream + b"\0"):
        if isinstance(item, Rejected):
            reasons[item.reason] += item.count
        else:
            contents.append(item.hex())
    found, _, rejected = library.ask("feed", 512, stream + b"\0").partition("| ")
    assert found.split() == contents
    order = ("bad_cobs", "bad_crc", "too_short", "overlong_bytes")
    assert [int(n) for n in rejected.split()] == [reasons[reason] for reason in order]


@given(st.binary(max_size=600), st.integers(1, 40))
def test_a_receiver_holds_no_more_than_its_buffer(library: Library, stream: bytes, size: int) -> None:
    library.ask("feed", size, stream)


@given(COMMANDS, COUNTER)
def test_a_command_is_understood(library: Library, command: Command, counter: int) -> None:
    body = encode_command(command)
    frame = seal(CIPHER, DEVICE, counter, body, Direction.DOWNLINK)
    told = library.ask("hear", KEY, DEVICE, 0, frame).split()
    assert told[:3] == [str(counter), str(int(code_of(command))), "0"]
    assert told[5] == body[1:].hex() + "."
    numbers = {
        name: str(int(getattr(command, name))) for name in ("seconds", "delay_s", "number") if hasattr(command, name)
    }
    assert told[4] == next(iter(numbers.values()), "0")
    assert told[6] == encode_answer(Answer(counter, body[0], Result.DONE)).hex()


@given(st.binary(min_size=1, max_size=259), COUNTER)
def test_both_judge_any_body_alike(library: Library, body: bytes, counter: int) -> None:
    frame = seal(CIPHER, DEVICE, counter, body, Direction.DOWNLINK)
    told = library.ask("hear", KEY, DEVICE, counter - 1, frame).split()
    judged = decode_command(body)
    expected = Result[judged.reason.upper()] if isinstance(judged, Rejected) else Result.DONE
    assert int(told[2]) == expected
    answer = decode_answer(bytes.fromhex(told[6]))
    assert answer == Answer(counter, body[0], expected)


@given(st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_counter_is_accepted_once(library: Library, counter: int, highest: int) -> None:
    frame = seal(CIPHER, DEVICE, counter, b"\x01", Direction.DOWNLINK)
    told = library.ask("hear", KEY, DEVICE, highest, frame).split()
    if counter > highest:
        assert told[2] == "0"
    else:
        answer = decode_answer(bytes.fromhex(told[6]))
        assert answer == Answer(counter, 1, Result.BEHIND, highest.to_bytes(4, "big"))


@given(st.binary(max_size=320))
def test_random_bytes_are_nothing(library: Library, frame: bytes) -> None:
    assert library.ask("hear", KEY, DEVICE, 0, frame) == "nothing"
    assert library.ask("hear", KEY, DEVICE, 0, b"\x11" + DEVICE.to_bytes(4, "big") + frame) == "nothing"
    library.ask("feed", 300, frame)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 10_000))
def test_one_flipped_bit_is_noticed(library: Library, body: bytes, bit: int) -> None:
    frame = bytearray(seal(CIPHER, DEVICE, 1, body, Direction.DOWNLINK))
    bit %= len(frame) * 8
    frame[bit // 8] ^= 1 << bit % 8
    assert library.ask("hear", KEY, DEVICE, 0, bytes(frame)) == "nothing"
    assert library.ask("hear", KEY, DEVICE, 0, bytes(frame[:-1])) == "nothing"


def test_an_uplink_is_not_a_command(library: Library) -> None:
    assert library.ask("hear", KEY, DEVICE, 0, seal(CIPHER, DEVICE, 1, b"\x01")) == "nothing"


@given(st.builds(Answer, st.integers(0, 2**32 - 1), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=93)))
def test_an_answer_is_the_same(library: Library, answer: Answer) -> None:
    made = bytes.fromhex(library.ask("answer", answer.counter, answer.code, answer.result, answer.detail))
    if answer.result != Result.BEHIND:  # its detail is the device's own
        assert made == encode_answer(answer)
    assert decode_answer(made) is not None


def test_aes_is_aes(library: Library) -> None:
    """FIPS 197, appendices B and C.1."""
    for key, plain, cipher in (
        ("2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32"),
        ("000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"),
    ):
        assert library.ask("aes", key, plain) == cipher


def test_the_crc_is_ccitt_false(library: Library) -> None:
    assert library.ask("crc", b"123456789") == "29b1"  # catalogue of parametrised CRC algorithms: CRC-16/IBM-3740


@given(st.binary(max_size=300))
def test_sha_512_is_sha_512(library: Library, data: bytes) -> None:
    assert library.ask("sha512", data) == hashlib.sha512(data).hexdigest()


def test_ed25519_knows_the_vectors_of_its_specification(library: Library) -> None:
    """RFC 8032, section 7.1, tests 1 and 2."""
    for key, message, signature in (
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            ".",
            (
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            (
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
        ),
    ):
        assert library.ask("verify", key, signature, message) == "good"
        assert library.ask("verify", key, signature, "73") == "bad"


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=120), st.integers(0, 96 * 8 - 1))
def test_ed25519_agrees_with_the_library_that_signs(library: Library, secret: bytes, message: bytes, bit: int) -> None:
    maker = Ed25519PrivateKey.from_private_bytes(secret)
    key, signature = maker.public_key().public_bytes_raw(), maker.sign(message)
    assert library.ask("verify", key, signature, message) == "good"
    altered = bytearray(key + signature)
    altered[bit // 8] ^= 1 << bit % 8
    assert library.ask("verify", bytes(altered[:32]), bytes(altered[32:]), message) == "bad"
    order = 2**252 + 27742317777372353535851937790883648493
    other = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    assert library.ask("verify", key, signature[:32] + other, message) == "bad"


def test_it_stays_small(tmp_path: Path) -> None:
    """On a Cortex-M0+ it is about half of this (see the guide): it must fit into 4 kB there."""
    total = make("size", f"BUILD={tmp_path}").splitlines()[-1].split()[0]
    assert int(total) < 6144


def test_every_kind_of_sensor_reading_was_tried() -> None:
    ours = {Kind.ACOUSTIC_DETECTION, Kind.CAMERA_DETECTION, Kind.ENVIRONMENT, Kind.DEVICE_STATUS, Kind.POSITION}
    assert {kind for kind in KINDS if kind < 16} == ours


def test_the_code_of_the_guide_compiles(tmp_path: Path) -> None:
    guide = (DEVICE_FOLDER / "README.md").read_text()
    source = tmp_path / "guide.c"
    source.write_text("".join(re.findall(r"```c\n(.*?)```", guide, flags=re.DOTALL)))
    flags = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-I", str(DEVICE_FOLDER))
    done = subprocess.run(["cc", *flags, source], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert "vigia_seal" in source.read_text()
