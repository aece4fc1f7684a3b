"""Our own frames as a payload: decrypted, counted once, their replay state handed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_bridge.framing.device_frames import new_cipher, seal
from firmware_bridge.framing.device_keys import KeyedDevice
from firmware_bridge.framing.frame_bodies import encode_body
from firmware_bridge.payloads.payload import Decoded, ReplayingDecoder
from firmware_bridge.payloads.vigia import VigiaPayloadDecoder
from firmware_bridge.readings import Kind, Rejected, make_reading

KEY = "00112233445566778899aabbccddeeff"
READING = make_reading(
    Kind.ACOUSTIC_DETECTION,
    "x",
    {"confidence_ratio": 0.9, "sound_level_decibels": 60.5, "battery_volts": 3.98},
    label="chainsaw",
    age_s=3,
)


def frame(counter: int, device: int = 0xA1B2C3) -> bytes:
    return seal(new_cipher(bytes.fromhex(KEY)), device, counter, encode_body(READING))


def test_a_frame_is_accepted_once() -> None:
    decoder = VigiaPayloadDecoder(KeyedDevice.model_validate({"id": "00a1b2c3", "key": KEY}), {})
    assert isinstance(decoder, ReplayingDecoder)
    (item,) = decoder.decode(frame(7), 1)
    assert isinstance(item, Decoded)
    assert (item.kind, item.label, item.age_s) == (Kind.ACOUSTIC_DETECTION, "chainsaw", 3)
    assert item.values == READING.values()
    assert [absence.quantity for absence in item.absent] == ["duration_seconds"]
    assert decoder.take_replay() == {"00a1b2c3": (7, 0)}
    assert decoder.take_replay() == {}
    (again,) = decoder.decode(frame(7), 1)
    assert isinstance(again, Rejected)
    assert again.reason == "duplicate"
    assert decoder.take_replay() == {}


def test_the_stored_state_and_other_devices_hold() -> None:
    decoder = VigiaPayloadDecoder(KeyedDevice.model_validate({"id": "00a1b2c3", "key": KEY}), {"00a1b2c3": (7, 0)})
    told = [*decoder.decode(frame(7), 1), *decoder.decode(frame(8, device=5), 1), *decoder.decode(b"", None)]
    assert [item.reason for item in told if isinstance(item, Rejected)] == ["duplicate", "unknown_device", "too_short"]


@pytest.mark.expects_warnings
def test_without_its_key_file(tmp_path: Path) -> None:
    settings = KeyedDevice.model_validate({"id": "00a1b2c3", "key_file": str(tmp_path / "none")})
    (item,) = VigiaPayloadDecoder(settings, {}).decode(frame(1), 1)
    assert isinstance(item, Rejected)
    assert item.reason == "no_key"
