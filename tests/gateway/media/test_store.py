"""What is kept is what was attached, is bounded, and survives whatever dies."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from firmware_bridge.delivery import Delivery
from firmware_bridge.readings import Attachment, Kind, make_reading
from gateway.clock.clock import Clock
from gateway.intake import Intake, Lanes
from gateway.media.store import MediaCard, MediaStore
from gateway.outbox.outbox import Outbox
from gateway.settings import LaneSettings

READING = make_reading(Kind.CAMERA_DETECTION, "camara-1", {"picture_number": 7}, label="tapir")


def attached(path: Path, content: bytes, *, thumbnail: bytes = b"", media_type: str = "image/jpeg") -> Attachment:
    path.write_bytes(content)
    notes = (("make", "RECONYX"),)
    digest = hashlib.sha256(content).hexdigest()
    return Attachment(digest, media_type, len(content), str(path), thumbnail, 2, 3, notes)


def opened(path: Path, max_bytes: int = 1_000_000) -> MediaStore:
    store = MediaStore(path, max_bytes=max_bytes)
    store.open()
    return store


def test_a_file_is_kept_with_its_thumbnail_and_card(tmp_path: Path) -> None:
    store = opened(tmp_path / "media")
    assert not (tmp_path / "media").exists(), "nothing is made before it is needed"
    picture = attached(tmp_path / "a.jpg", b"picture" * 1000, thumbnail=b"small")
    assert store.keep(picture, READING) == Counter()
    kept = store.find(picture.sha256)
    assert kept is not None
    assert kept.read_bytes() == b"picture" * 1000
    assert kept.with_name(picture.sha256 + ".thumb.jpg").read_bytes() == b"small"
    card = msgspec.json.decode(kept.with_name(picture.sha256 + ".json").read_bytes(), type=MediaCard)
    assert (card.sensor, card.label, card.number, card.of, card.notes) == (
        "camara-1",
        "tapir",
        2,
        3,
        {"make": "RECONYX"},
    )
    again = opened(tmp_path / "media")
    assert again.state() == store.state()
    assert again.find(picture.sha256) == kept
    assert again.keep(picture, READING) == Counter()
    assert again.state().files == 1


def test_what_is_not_as_its_hash_says_is_not_kept(tmp_path: Path) -> None:
    store = opened(tmp_path / "media")
    right = attached(tmp_path / "a.jpg", b"right")
    (tmp_path / "a.jpg").write_bytes(b"wrong")
    assert store.keep(right, READING) == Counter({"altered": 1})
    (tmp_path / "a.jpg").write_bytes(b"right and more")
    assert store.keep(right, READING) == Counter({"altered": 1})
    (tmp_path / "a.jpg").unlink()
    assert store.keep(right, READING) == Counter({"unreadable": 1})
    (tmp_path / "a.jpg").mkdir()
    assert store.keep(right, READING) == Counter({"unreadable": 1})
    for name in ("", "../../etc/passwd", "A" * 64, "0" * 63):
        assert store.keep(msgspec.structs.replace(right, sha256=name), READING) == Counter({"bad_sha256": 1})
    assert store.state().files == 0
    assert not [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


def test_the_oldest_go_when_room_is_short(tmp_path: Path) -> None:
    store = opened(tmp_path / "media", 10_000)
    pictures = [attached(tmp_path / f"{n}.jpg", bytes([n]) * 2_000, thumbnail=b"t") for n in range(8)]
    counts = sum((store.keep(picture, READING) for picture in pictures), Counter())
    left = [store.find(picture.sha256) is not None for picture in pictures]
    gone = counts["evicted_undelivered"]
    assert left == [False] * gone + [True] * (8 - gone)
    assert 2 <= gone <= 5
    assert store.state().bytes <= 10_000
    on_disk = sum(path.stat().st_size for path in (tmp_path / "media").glob("??/*"))
    assert on_disk == store.state().bytes
    huge = attached(tmp_path / "huge.jpg", b"x" * 10_001)
    assert store.keep(huge, READING) == Counter({"too_large": 1})


def test_what_was_left_unfinished_goes(tmp_path: Path) -> None:
    store = opened(tmp_path / "media")
    picture = attached(tmp_path / "a.jpg", b"picture")
    store.keep(picture, READING)
    folder = tmp_path / "media" / "ab"
    folder.mkdir(exist_ok=True)
    orphan = "ab" + "0" * 62
    for name in (orphan + ".part", orphan + ".json", orphan + ".thumb.jpg"):
        (folder / name).write_bytes(b"left over")
    assert opened(tmp_path / "media").state().files == 1
    assert not list(folder.glob(orphan + "*"))


@pytest.mark.expects_warnings
def test_a_directory_that_cannot_be_used_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "media").write_text("a file where the directory should be")
    store = opened(tmp_path / "media")
    picture = attached(tmp_path / "a.jpg", b"picture")
    assert store.keep(picture, READING) == Counter({"unwritable": 1})
    assert store.keep(picture, READING) == Counter({"unwritable": 1})
    assert store.state().trouble
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) <= 2


def test_several_threads_keep_at_once(tmp_path: Path) -> None:
    store = opened(tmp_path / "media")
    pictures = [attached(tmp_path / f"{n}.jpg", bytes([n]) * 5_000) for n in range(20)]
    threads = [threading.Thread(target=lambda: [store.keep(p, READING) for p in pictures]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.state().files == 20
    assert opened(tmp_path / "media").state() == store.state()


def test_the_intake_keeps_before_it_accepts(tmp_path: Path) -> None:
    clock = Clock("system")
    outbox = Outbox(tmp_path / "outbox.db", max_bytes=2**24, memory_bytes=2**20, clock=clock)
    outbox.open()
    store = opened(tmp_path / "media")
    good, gone = attached(tmp_path / "a.jpg", b"picture"), attached(tmp_path / "b.jpg", b"other")
    (tmp_path / "b.jpg").unlink()
    delivery = Delivery("camaras", [READING], [], {}, {0: [good, gone]})
    Intake(outbox, Lanes(LaneSettings()), clock, lambda alerts: None, store).deliver(delivery)
    assert store.find(good.sha256)
    assert outbox.tallies() == {("accepted", "detection"): 1, ("media", "unreadable"): 1}
    Intake(outbox, Lanes(LaneSettings()), clock, lambda alerts: None).deliver(delivery)
    assert outbox.tallies()["media", "not_kept"] == 2
    outbox.close()
