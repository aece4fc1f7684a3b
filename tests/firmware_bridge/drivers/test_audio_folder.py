"""Clips dropped into a directory become acoustic detections, with what the recorder wrote into them."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from firmware_bridge.drivers.audio_folder import ClipDecoder, Settings, open_source
from firmware_bridge.readings import Kind
from tests.firmware_bridge.drivers.pages import as_shown, page, settings_on
from tests.firmware_bridge.drivers.posts import Post
from tests.firmware_bridge.media.clips_made import clip, samples
from tests.support.golden import Golden
from tests.support.waiting import wait_until

BEGAN = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(hours=30)
THERE = BEGAN - dt.timedelta(hours=5)
COMMENT = (
    f"Recorded at {THERE:%H:%M:%S %d/%m/%Y} (UTC-5) by AudioMoth 24E144085F2569BF at medium gain while battery was 4.1V"
    " and temperature was 26.3C."
)


def settings(place: Path, **extra: Any) -> Settings:
    return Settings.model_validate(
        {
            "driver": "audio_folder",
            "name": "grabadoras",
            "directory": place / "in",
            "state_path": place / "taken.db",
            "aside_directory": place / "aside",
            "zone": "America/Lima",
            "poll_s": 0.02,
            "settle_s": 0.05,
            "incomplete_s": 0.3,
            "aside_after_s": 0.1,
        }
        | extra
    )


@contextmanager
def running(told: Settings, post: Post) -> Iterator[None]:
    source = open_source(told, post.outbox.replay())
    stop = threading.Event()
    thread = threading.Thread(target=source.run, args=(post.deliver, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


def put(place: Path, name: str, content: bytes) -> Path:
    path = place / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


ACCEPTED = Golden(
    "synthetic, with the comment of AudioMoth-Firmware-Basic 1.6 to 1.11",
    settings(Path("/none")),
    (clip(COMMENT, data=samples(1.0)),),
)
REJECTED = Golden("synthetic: of a form that is not read", ACCEPTED.settings, (b"RF64" + clip()[4:],))


def test_an_accepted_clip() -> None:
    """Synthetic, with the comment that AudioMoth-Firmware-Basic 1.6 to 1.11 writes."""
    recorders = [{"serial": "24E144085F2569BF", "name": "grabadora-quebrada", "label": "chainsaw"}]
    told = settings(Path("/none"), recorders=recorders, full_scale_decibels=100)
    delivery = ClipDecoder(told).feed(clip(COMMENT, data=samples(2.0, amplitude=0.5)))
    assert delivery is not None
    (reading,) = delivery.readings
    assert (reading.kind, reading.sensor, reading.label) == (Kind.ACOUSTIC_DETECTION, "grabadora-quebrada", "chainsaw")
    assert reading.values() == {
        "duration_seconds": 2.0,
        "sound_level_decibels": 91.0,
        "battery_volts": 4.1,
        "device_temperature_celsius": 26.3,
    }
    assert reading.age_ms == pytest.approx(30 * 3_600_000, abs=3_600_000)
    (attachment,) = delivery.attachments[0]
    notes = dict(attachment.notes)
    assert attachment.media_type == "audio/wav"
    assert (notes["device"], notes["gain"]) == ("AudioMoth 24E144085F2569BF", "medium")
    assert notes["taken"] == BEGAN.isoformat()
    assert not delivery.rejected


def test_the_page_has_valid_settings_and_a_true_line() -> None:
    told = Settings.model_validate(settings_on("audio_folder"))
    delivery = ClipDecoder(told).feed(clip(COMMENT, data=samples(2.0)))
    assert delivery is not None
    assert as_shown(delivery.readings[0]) in page("audio_folder")


def test_a_rejected_clip() -> None:
    delivery = ClipDecoder(settings(Path("/none"))).feed(b"RF64" + clip()[4:])
    assert delivery is not None
    assert not delivery.readings
    assert [rejected.reason for rejected in delivery.rejected] == ["rf64"]


@pytest.mark.slow
def test_end_to_end_into_the_outbox(tmp_path: Path) -> None:
    """The time by comment, by name in the zone of the settings, by the file; the label by the file's name."""
    post = Post(tmp_path, "grabadoras")
    put(tmp_path, "A/20200101_000000.WAV", clip(COMMENT))
    put(tmp_path, f"B/{THERE:%Y%m%d_%H%M%S}_CHAINSAW.wav", clip(data=samples(1.0, amplitude=0.2)))
    old = put(tmp_path, "C/clip.wav", clip(data=samples(4.0, amplitude=0.3)))
    ended = dt.datetime.now(dt.UTC).timestamp() - 600
    os.utime(old, (ended, ended))
    put(tmp_path, "CONFIG.TXT", b"Device ID : 24E144085F2569BF")
    put(tmp_path, "broken.wav", b"RIFF\x04\0\0\0WAVE")
    pattern = r"_(?P<label>[A-Za-z]+)\."
    recorders = [{"directory": letter, "name": f"grabadora-{letter}"} for letter in "ABC"]
    with running(settings(tmp_path, name_pattern=pattern, recorders=recorders), post):
        wait_until("three clips", lambda: post.delivered() == 3)
        wait_until("the broken one", lambda: (tmp_path / "aside" / "broken.wav").exists())
    found = {r.sensor: r for d in post.deliveries for r in d.readings}
    assert {name: r.label for name, r in found.items()} == {
        "grabadora-A": "unknown",
        "grabadora-B": "chainsaw",
        "grabadora-C": "unknown",
    }
    hours = {name: r.age_ms / 3_600_000 for name, r in found.items()}
    assert hours.pop("grabadora-C") == pytest.approx(604 / 3600, abs=0.02)
    assert hours == pytest.approx({"grabadora-A": 30, "grabadora-B": 30}, abs=0.5)  # since this file was imported
    assert post.reasons() == {"no_format": 1, "other_suffix": 1, "time_from_file": 1}
    attached = [one for d in post.deliveries for group in d.attachments.values() for one in group]
    assert all(post.media.find(one.sha256) for one in attached)
    post.outbox.close()


@pytest.mark.parametrize(
    ("word", "label", "reasons"), [("Motosierra", "chainsaw", {}), ("guacamayo", "guacamayo", {"free_label": 1})]
)
def test_a_label_in_a_name_warns_or_is_counted(tmp_path: Path, word: str, label: str, reasons: dict[str, int]) -> None:
    """A title is its label; a word of the recorder's own is kept, and told."""
    post = Post(tmp_path, "grabadoras")
    put(tmp_path, f"a_{word}.wav", clip(COMMENT))
    with running(settings(tmp_path, name_pattern=r"_(?P<label>[A-Za-z]+)\."), post):
        wait_until("the clip", lambda: post.delivered() == 1)
    assert post.deliveries[0].readings[0].label == label
    assert post.reasons() == reasons
    post.outbox.close()


def test_a_clip_that_is_still_recorded_is_waited_for(tmp_path: Path) -> None:
    post = Post(tmp_path, "grabadoras")
    content = clip(COMMENT, data=samples(3.0))
    path = put(tmp_path, "a.wav", content[: len(content) // 2])
    with running(settings(tmp_path, incomplete_s=60), post):
        with pytest.raises(AssertionError):
            wait_until("half a clip", lambda: post.delivered() > 0, timeout_s=0.5)
        path.write_bytes(content)
        wait_until("the clip", lambda: post.delivered() == 1)
    assert post.deliveries[0].readings[0].values()["duration_seconds"] == 3.0
    post.outbox.close()


def test_a_clip_that_was_cut_short_is_taken_late_and_counted(tmp_path: Path) -> None:
    post = Post(tmp_path, "grabadoras")
    content = clip(COMMENT, data=samples(3.0))
    put(tmp_path, "a.wav", content[: len(content) - len(samples(1.0))])
    with running(settings(tmp_path), post):
        wait_until("the clip", lambda: post.delivered() == 1)
    assert post.deliveries[0].readings[0].values()["duration_seconds"] == 2.0
    assert post.reasons() == {"wav_cut_short": 1}
    post.outbox.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name_pattern": "("}, "no regular expression"),
        ({"name_pattern": "(x)"}, "needs a group"),
        ({"full_scale_decibels": 500}, "less than or equal to 194"),
    ],
)
def test_settings_that_cannot_be_are_explained(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(tmp_path, **wrong)
