"""Who brings firmware to a sensor is found by the sensor's name, or it is said why nobody does."""

from __future__ import annotations

import tomllib

import pytest

from firmware_bridge.readings import DownlinkError
from firmware_bridge.sources import DRIVERS, FirmwareCarrier, Source, open_source
from gateway.speakers import Speakers


def source(driver: str) -> Source:
    told = tomllib.loads(DRIVERS[driver].SAMPLE) | {"name": driver.replace("_", "-")}
    told.pop("password_file", None)
    return open_source(DRIVERS[driver].Settings.model_validate(told), {})


def known(driver: str) -> str:
    return str(tomllib.loads(DRIVERS[driver].SAMPLE)["devices"][0]["name"])


@pytest.mark.parametrize(
    ("driver", "reason"),
    [
        ("vigia_sensor", "bad_image: it is not a Vigía firmware image"),
        ("seeed_lora_e5", "too_slow: .* bring it over a cable"),
        ("chirpstack_v4", "cannot_update: source chirpstack-v4 brings no firmware to .*: use a cable"),
    ],
)
def test_the_source_that_knows_the_sensor_is_asked(driver: str, reason: str) -> None:
    speakers = Speakers()
    one = source(driver)
    speakers.joined(source("nmea_gps"))  # it knows nobody
    speakers.joined(one)
    with pytest.raises(DownlinkError, match=reason):
        speakers.update(known(driver), b"no image")
    speakers.left(one)
    with pytest.raises(DownlinkError, match="unknown_speaker: no source runs that knows a sensor "):
        speakers.update(known(driver), b"no image")


def test_what_is_published_tells_who_carries() -> None:
    assert isinstance(source("vigia_sensor"), FirmwareCarrier)
    assert not isinstance(source("chirpstack_v4"), FirmwareCarrier)
