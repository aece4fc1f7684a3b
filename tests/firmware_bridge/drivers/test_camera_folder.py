"""What a picture tells becomes a detection; what is doubtful in it is counted."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from firmware_bridge.drivers.camera_folder import PictureDecoder, Settings
from firmware_bridge.readings import THUMBNAIL_BYTES, Kind
from tests.firmware_bridge.drivers.camera_shots import LOCAL, TAKEN, settings, shot
from tests.firmware_bridge.drivers.pages import as_shown, page, settings_on
from tests.firmware_bridge.media.pictures_made import hyperfire, jpeg, rationals, tiff, undefined
from tests.support.golden import Golden

ACCEPTED = Golden("synthetic, with the maker note of an HC500", settings(Path("/none")), (shot(4, 5),))
REJECTED = Golden("the same, cut short", ACCEPTED.settings, (ACCEPTED.chunks[0][:900],))


def test_an_accepted_picture() -> None:
    """Synthetic, with the maker note of the public reference picture of an HC500."""
    delivery = PictureDecoder(settings(Path("/none"))).feed(shot(4, 5))
    assert delivery is not None
    (reading,) = delivery.readings
    assert (reading.kind, reading.sensor, reading.label) == (Kind.CAMERA_DETECTION, "camara-quebrada", "tapir")
    assert reading.values() == {"picture_number": 7, "temperature_celsius": -5, "battery_volts": 8.55}
    assert reading.age_ms == pytest.approx(3 * 86_400_000, abs=1_800_000)
    (attachment,) = delivery.attachments[0]
    assert (attachment.media_type, attachment.number, attachment.of) == ("image/jpeg", 4, 5)
    assert 0 < len(attachment.thumbnail) <= THUMBNAIL_BYTES
    assert dict(attachment.notes)["taken"] == TAKEN.isoformat()
    assert dict(attachment.notes)["trigger"] == "motion"
    assert not delivery.rejected


def test_the_page_has_valid_settings_and_a_true_line() -> None:
    told = Settings.model_validate(settings_on("camera_folder"))
    delivery = PictureDecoder(told).feed(shot(4, 5))
    assert delivery is not None
    assert as_shown(delivery.readings[0]) in page("camera_folder")


def test_a_rejected_picture() -> None:
    delivery = PictureDecoder(settings(Path("/none"))).feed(shot(1)[:900])
    assert delivery is not None
    assert not delivery.readings
    assert [rejected.reason for rejected in delivery.rejected] == ["truncated"]


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({"time": (2013, 1, 1, 0, 0, 0)}, {"old_time"}),
        ({"time": (2000, 1, 1, 0, 0, 0)}, {"implausible_time"}),
        ({"time": (2099, 1, 1, 0, 0, 0)}, {"implausible_time"}),
        ({"serial": "SOMEONE ELSE"}, {"unknown_recorder"}),
        ({"celsius": 900}, {"out_of_range"}),
        ({"time": (2015, 2, 30, 0, 0, 0)}, {"bad_maker_note", "time_from_file"}),
    ],
)
def test_what_is_doubtful_is_counted_and_the_rest_kept(change: dict[str, Any], reasons: set[str]) -> None:
    note = {"time": LOCAL} | change
    block = tiff({}, {0x927C: undefined(hyperfire(**note))})
    delivery = PictureDecoder(settings(Path("/none"))).feed(jpeg(block))
    assert delivery is not None
    assert len(delivery.readings) == 1
    assert {rejected.reason for rejected in delivery.rejected} == reasons


def test_an_old_card_keeps_its_time() -> None:
    """The date of the public reference picture of an HC500: its detection is not of today."""
    block = tiff({}, {0x927C: undefined(hyperfire())})
    delivery = PictureDecoder(settings(Path("/none"))).feed(jpeg(block))
    assert delivery is not None
    then = dt.datetime.now(dt.UTC) - dt.timedelta(milliseconds=delivery.readings[0].age_ms)
    assert abs(then - dt.datetime(2015, 5, 7, 13, 8, 31, tzinfo=dt.UTC)) < dt.timedelta(seconds=30)


def test_a_clock_error_and_a_moon_that_contradicts_it() -> None:
    recorders = [{"serial": "H500DE01120343", "name": "c", "clock_error_s": -86_400.0}]
    delivery = PictureDecoder(settings(Path("/none"), recorders=recorders)).feed(shot(1))
    assert delivery is not None
    assert delivery.readings[0].age_ms == pytest.approx(2 * 86_400_000, abs=1_800_000)
    year_ago = TAKEN - dt.timedelta(days=200)
    block = tiff({}, {0x927C: undefined(hyperfire(time=year_ago.timetuple()[:6], moon=0))})
    other = tiff({}, {0x927C: undefined(hyperfire(time=year_ago.timetuple()[:6], moon=4))})
    told = settings(Path("/none"), moon_tolerance_days=1.5)
    counts = Counter(
        rejected.reason
        for one in (block, other)
        if (delivery := PictureDecoder(told).feed(jpeg(one))) is not None
        for rejected in delivery.rejected
    )
    assert counts["moon_contradicts_date"] in (1, 2), "it cannot have been new and full"


def test_a_picture_without_a_number_is_not_told_to_be_number_0() -> None:
    """0 is told only where a detection would be without any value, which no reading may be."""
    anonymous = tiff({}, {0x9400: rationals((-12, 1), signed=True)})
    for content, values in ((jpeg(anonymous), {"temperature_celsius": -12}), (jpeg(), {"picture_number": 0})):
        delivery = PictureDecoder(settings(Path("/none"))).feed(content)
        assert delivery is not None
        assert delivery.readings[0].values() == values


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"zone": "America/Nowhere"}, "is no time zone"),
        ({"label": "Not A Label"}, "a label of your own"),
        ({"aside_directory": "/x/in", "directory": "/x/in"}, "name another"),
        ({"recorders": [{"name": "a"}]}, "needs serial or directory"),
        ({"recorders": [{"name": n, "serial": "1"} for n in "ab"]}, "two recorders have the serial 1"),
        ({"sensor": ""}, "1 to 32 printable bytes"),
    ],
)
def test_settings_that_cannot_be_are_explained(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(tmp_path, **wrong)
