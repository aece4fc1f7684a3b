"""Which files of a folder are taken, when, and that none is taken twice, whatever is done to it."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.drivers.camera_folder import Settings, open_source
from tests.firmware_bridge.drivers.camera_shots import LOCAL, TAKEN, settings, shot
from tests.firmware_bridge.drivers.posts import Post
from tests.firmware_bridge.media.pictures_made import hyperfire_2, jpeg, text, tiff, undefined
from tests.support.waiting import wait_until


def put(directory: Path, name: str, content: bytes) -> Path:
    path = directory / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@contextmanager
def running(told: Settings, post: Post) -> Iterator[Any]:
    source = open_source(told, post.outbox.replay())
    stop = threading.Event()
    thread = threading.Thread(target=source.run, args=(post.deliver, stop))
    thread.start()
    try:
        yield source
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


def test_a_picture_without_metadata_has_the_age_of_its_file(tmp_path: Path) -> None:
    post = Post(tmp_path)
    path = put(tmp_path, "IMG_0042.JPG", jpeg())
    then = dt.datetime.now(dt.UTC).timestamp() - 7200
    os.utime(path, (then, then))
    with running(settings(tmp_path, recorders=[]), post):
        wait_until("one detection", lambda: post.delivered() == 1)
    (reading,) = post.deliveries[0].readings
    assert (reading.sensor, reading.label, reading.values()) == ("camaras", "unknown", {"picture_number": 42})
    assert reading.age_ms == pytest.approx(7_200_000, abs=30_000)
    assert [rejected.reason for rejected in post.deliveries[0].rejected] == ["time_from_file"]
    post.outbox.close()


@pytest.mark.slow
def test_a_card_of_bursts_end_to_end_into_the_outbox(tmp_path: Path) -> None:
    """Three bursts, one broken file, one text file, one copy under another name; twice through, with restarts."""
    post = Post(tmp_path)
    for event in (1, 2, 3):
        for number in (1, 2, 3):
            if (event, number) != (3, 2):  # one is missing: the burst is closed when it has waited
                put(tmp_path, f"DCIM/100RECNX/RCNX{event}{number}.JPG", shot(number, event=event))
    whole = shot(1, 1, event=9)
    broken = put(tmp_path, "DCIM/broken.JPG", whole[: len(whole) // 2])
    put(tmp_path, "DCIM/README.txt", b"not a picture")
    put(tmp_path, "DCIM/lying.jpg", b"MZ this is a program")
    put(tmp_path, "DCIM/copy of one.JPG", shot(1, event=1))
    told = settings(tmp_path)
    with running(told, post):
        wait_until("three detections", lambda: post.delivered() == 3)
        wait_until("the broken one", lambda: (tmp_path / "aside" / broken.name).exists())
        post.outbox.commit()
    by_event = {int(r.values()["picture_number"]): r for r in post.readings()}
    assert sorted(by_event) == [1, 2, 3]
    assert {r.sensor for r in by_event.values()} == {"camara-quebrada"}
    attached = [one for d in post.deliveries for group in d.attachments.values() for one in group]
    assert Counter(one.number for one in attached) == {1: 3, 2: 2, 3: 3}
    for one in attached:
        kept = post.media.find(one.sha256)
        assert kept is not None
        assert kept.read_bytes() == Path(one.path).read_bytes()
    reasons = post.reasons()
    assert reasons.pop("known_file") == 1
    assert reasons == {"truncated": 1, "not_a_picture": 1, "other_suffix": 1}
    assert not broken.exists()
    before = post.outbox.tallies()
    with running(told, post):  # nothing is taken twice, whatever it is called now
        shutil.move(tmp_path / "in/DCIM/100RECNX/RCNX11.JPG", tmp_path / "in/renamed.jpg")
        wait_until("the renamed one", lambda: post.reasons()["known_file"] == 2)
        put(tmp_path, "DCIM/new.JPG", whole)
        wait_until("the new one", lambda: post.delivered() == 4)
    assert post.outbox.tallies()["camaras", "truncated"] == before["camaras", "truncated"]
    post.outbox.close()


@pytest.mark.slow
def test_what_the_outbox_had_not_committed_is_taken_in_again(tmp_path: Path) -> None:
    """The gateway dies between delivery and commit: the detection comes once more, and only that one."""
    post = Post(tmp_path)
    put(tmp_path, "a.jpg", shot(1, 1, event=1))
    with running(settings(tmp_path), post):
        wait_until("a", lambda: post.delivered() == 1)
        post.outbox.commit()
        put(tmp_path, "b.jpg", shot(1, 1, event=2))
        wait_until("b", lambda: post.delivered() == 2)
    copied = tmp_path / "after the crash"
    copied.mkdir()
    for path in tmp_path.glob("outbox.db*"):  # as the disk has it without a clean end
        if path.suffix != ".ballast":
            shutil.copy(path, copied / path.name)
    post.outbox.close()
    after = Post(copied)
    assert [r.values()["picture_number"] for r in after.readings()] == [1]
    with running(settings(tmp_path), after):
        wait_until("b again", lambda: after.delivered() == 1)
        after.outbox.commit()
    assert [r.values()["picture_number"] for r in after.readings()] == [1, 2]
    after.outbox.close()


def test_a_file_that_grows_is_waited_for(tmp_path: Path) -> None:
    post = Post(tmp_path)
    content = shot(1, 1)
    path = put(tmp_path, "a.jpg", content[:1000])
    with running(settings(tmp_path, incomplete_s=60), post) as source:
        for end in range(1500, len(content), 500):
            path.write_bytes(content[:end])
            wait_until("a look", lambda: "0 files done" in source.state)
        assert post.delivered() == 0
        path.write_bytes(content)
        wait_until("the picture", lambda: post.delivered() == 1)
    assert not post.reasons()
    post.outbox.close()


def test_a_file_without_its_end_is_taken_late_and_counted(tmp_path: Path) -> None:
    post = Post(tmp_path)
    put(tmp_path, "a.jpg", shot(1, 1)[:-2])
    with running(settings(tmp_path), post):
        wait_until("the picture", lambda: post.delivered() == 1)
    assert post.reasons() == {"no_end_marker": 1}
    post.outbox.close()


@pytest.mark.slow
def test_an_upload_that_stalls_longer_than_is_waited_for_is_taken_when_it_ends(tmp_path: Path) -> None:
    """It is counted as truncated, and neither moved nor forgotten: the writer's open file is still the one watched."""
    post = Post(tmp_path)
    content = shot(1, 1)
    path = put(tmp_path, "a.jpg", b"")
    with (
        running(settings(tmp_path, aside_after_s=1.5), post),
        path.open("r+b") as upload,
    ):
        upload.write(content[: len(content) // 3])
        upload.flush()
        wait_until("the first third", lambda: post.reasons()["truncated"] == 1)
        upload.write(content[len(content) // 3 : len(content) * 2 // 3])
        upload.flush()
        wait_until("the second third", lambda: post.reasons()["truncated"] == 2)
        upload.write(content[len(content) * 2 // 3 :])
        upload.flush()
        wait_until("the picture", lambda: post.delivered() == 1)
        put(tmp_path, "b.jpg", shot(1, 1, event=8)[: len(content) // 2])
        wait_until("aside", lambda: (tmp_path / "aside" / "b.jpg").exists())  # by then the thirds' turn is past too
    assert path.read_bytes() == content
    assert [one.name for one in (tmp_path / "aside").iterdir()] == ["b.jpg"]
    post.outbox.close()


@pytest.mark.slow
def test_a_broken_file_is_put_aside_after_a_restart_too(tmp_path: Path) -> None:
    post = Post(tmp_path)
    content = shot(1, 1)
    put(tmp_path, "a.jpg", content[: len(content) // 2])
    put(tmp_path, "c.jpg", shot(1, 1, event=8))
    put(tmp_path, "copy of c.jpg", shot(1, 1, event=8))
    with running(settings(tmp_path, aside_after_s=60), post):
        wait_until("its reason", lambda: post.reasons() == {"truncated": 1, "known_file": 1})
        wait_until("the whole one", lambda: post.delivered() == 1)
        post.outbox.commit()
    assert not (tmp_path / "aside").exists()
    with running(settings(tmp_path), post):
        wait_until("aside", lambda: (tmp_path / "aside" / "a.jpg").exists())
    assert [one.name for one in (tmp_path / "aside").iterdir()] == ["a.jpg"]
    assert post.reasons() == {"truncated": 1, "known_file": 1}
    post.outbox.close()


@pytest.mark.slow
def test_a_copy_that_is_cut_short_is_no_second_detection(tmp_path: Path) -> None:
    """Nor is the whole one after the short one, nor either after a restart; a broken one does not bar the whole one."""
    post = Post(tmp_path)
    first, second, third = (shot(1, 1, event=event) for event in (1, 2, 3))
    with running(settings(tmp_path), post):
        put(tmp_path, "1.jpg", first)
        put(tmp_path, "2 short.jpg", second[:-2])
        wait_until("both", lambda: post.delivered() == 2)
        put(tmp_path, "1 short.jpg", first[:-2])
        put(tmp_path, "2.jpg", second)
        wait_until("two copies", lambda: post.reasons()["known_file"] == 2)
        put(tmp_path, "3 broken.jpg", third[: len(third) // 2])
        wait_until("the broken one", lambda: post.reasons()["truncated"] == 1)
        put(tmp_path, "3.jpg", third)
        wait_until("the third", lambda: post.delivered() == 3)
        post.outbox.commit()
    with running(settings(tmp_path), post):
        put(tmp_path, "3 short.jpg", third[:-2])
        put(tmp_path, "4.jpg", shot(1, 1, event=4))
        put(tmp_path, "3 again.jpg", third + b"more")
        wait_until("the fourth", lambda: post.delivered() == 4)
        wait_until("two copies more", lambda: post.reasons()["known_file"] == 4)
    told = [reading.values()["picture_number"] for delivery in post.deliveries for reading in delivery.readings]
    assert sorted(told) == [1, 2, 3, 4]
    post.outbox.close()


def test_pictures_of_one_burst_and_of_a_clock_that_began_anew_are_not_copies(tmp_path: Path) -> None:
    """The same serial number, event, number and time, but another temperature: the battery was changed."""
    post = Post(tmp_path)
    put(tmp_path, "1.jpg", shot(1, 2, seed=1))
    put(tmp_path, "2.jpg", shot(2, 2, seed=2))
    put(tmp_path, "3.jpg", shot(1, 2, seed=3, celsius=11))
    with running(settings(tmp_path), post):
        wait_until("both", lambda: post.delivered() == 2)
    attached = [len(group) for delivery in post.deliveries for group in delivery.attachments.values()]
    assert sorted(attached) == [1, 2]
    assert not post.reasons()
    post.outbox.close()


def test_huge_files_are_not_read(tmp_path: Path) -> None:
    post = Post(tmp_path)
    path = put(tmp_path, "huge.jpg", b"")
    os.truncate(path, 40 * 1024 * 1024)
    with running(settings(tmp_path), post):
        wait_until("a reason", lambda: post.reasons() == {"too_large": 1})
        wait_until("aside", lambda: (tmp_path / "aside" / "huge.jpg").exists())
    post.outbox.close()


def test_a_missing_card_is_waited_for(tmp_path: Path) -> None:
    post = Post(tmp_path)
    with running(settings(tmp_path), post) as source:
        wait_until("its state", lambda: "is the card in?" in source.state)
        put(tmp_path, "a.jpg", shot(1, 1))
        wait_until("the picture", lambda: post.delivered() == 1)
    post.outbox.close()


@pytest.mark.expects_warnings
def test_nothing_is_taken_that_cannot_be_remembered(tmp_path: Path) -> None:
    post = Post(tmp_path)
    (tmp_path / "file").write_text("")
    put(tmp_path, "a.jpg", shot(1, 1))
    with running(settings(tmp_path, state_path=tmp_path / "file" / "taken.db"), post) as source:
        wait_until("its state", lambda: "give the gateway the right to write it" in source.state)
        assert post.delivered() == 0
        (tmp_path / "file").unlink()
        wait_until("the picture", lambda: post.delivered() == 1)
    post.outbox.close()


def test_pictures_of_one_moment_are_one_detection_though_nothing_numbers_them(tmp_path: Path) -> None:
    """EXIF alone: three within seconds, one a minute later."""
    post = Post(tmp_path)
    for place, later_s in enumerate((0, 2, 5, 65)):
        moment = (TAKEN + dt.timedelta(hours=-5, seconds=later_s)).strftime("%Y:%m:%d %H:%M:%S")
        put(tmp_path, f"IMG_000{place}.JPG", jpeg(tiff({}, {0x9003: text(moment)}), seed=place))
    with running(settings(tmp_path), post):
        wait_until("two detections", lambda: post.delivered() == 2)
    groups = [group for d in post.deliveries for group in d.attachments.values()]
    assert sorted(len(group) for group in groups) == [1, 3]
    post.outbox.close()


def test_files_that_lie_too_deep_are_counted_once(tmp_path: Path) -> None:
    post = Post(tmp_path)
    put(tmp_path, "1/deep.jpg", shot(1, 1))
    with running(settings(tmp_path, max_depth=0), post):
        wait_until("the count", lambda: post.reasons() == {"too_deep": 1})
        put(tmp_path, "a.jpg", shot(2, 1))
        wait_until("the picture", lambda: post.delivered() == 1)
    assert post.reasons() == {"too_deep": 1}
    post.outbox.close()


def test_cameras_are_told_apart_by_directory_too(tmp_path: Path) -> None:
    post = Post(tmp_path)
    for seed, directory in enumerate(("norte", "sur")):
        note = hyperfire_2(time=LOCAL, serial=f"H2RXEM0604361{seed}")
        block = tiff({0x010F: text("BUSHNELL")}, {0x927C: undefined(note)})
        put(tmp_path, f"{directory}/IMG_0001.JPG", jpeg(block, seed=seed))
    recorders = [{"directory": "norte", "name": "camara-norte"}, {"directory": "sur", "name": "camara-sur"}]
    with running(settings(tmp_path, recorders=recorders), post):
        wait_until("both", lambda: post.delivered() == 2)
    assert {r.sensor for d in post.deliveries for r in d.readings} == {"camara-norte", "camara-sur"}
    post.outbox.close()
