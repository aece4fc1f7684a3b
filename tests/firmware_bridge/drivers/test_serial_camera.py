"""A camera on a real tty: its pictures become detections, whichever side dies on the way."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.drivers.serial_camera import MessageDecoder, Settings, open_source
from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.picture_transfer import Chunk, Offer, encode
from firmware_bridge.simulator.serial_camera import SerialCamera, serve
from tests.firmware_bridge.drivers.pages import as_shown, page, settings_on
from tests.firmware_bridge.drivers.posts import Post
from tests.firmware_bridge.media.pictures_made import hyperfire_2, jpeg, painted, tiff, undefined
from tests.support.golden import Golden
from tests.support.serial_lines import TtyPair
from tests.support.waiting import wait_until


def settings(place: Path, **extra: Any) -> Settings:
    return Settings.model_validate(
        {
            "driver": "serial_camera",
            "name": "camaras",
            "port": str(place / "port"),
            "spool_directory": place / "spool",
            "burst_s": 0.2,
            "label": "boat",
        }
        | extra
    )


@contextmanager
def camera_on(line: TtyPair, camera: SerialCamera) -> Iterator[None]:
    stop = threading.Event()

    def speak() -> None:
        with suppress(OSError):  # the line was cut
            serve(camera, line.master, stop)

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


@contextmanager
def gateway_on(told: Settings, post: Post) -> Iterator[Any]:
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


def picture(number: int) -> bytes:
    block = tiff({}, {0x927C: undefined(hyperfire_2(sequence=(1, 1), event=number))})
    return jpeg(block, image=painted((640, 480), seed=number), quality=90)


ANSWERS_THAT_FILL_IT = 1150
"""More than a tty holds of them, by little."""
ACCEPTED = Golden(
    "synthetic: a chunk as the driver's header lays it out",
    settings(Path("/none")),
    (cobs_frames.encode(encode(Chunk(1, 448, b"data"))),),
    stands_alone=False,
)
REJECTED = Golden(
    "synthetic: with the CRC-32 of another",
    ACCEPTED.settings,
    (cobs_frames.encode(encode(Chunk(1, 448, b"data"))[:-1] + b"\0"),),
)


def test_an_accepted_and_a_rejected_frame() -> None:
    """Synthetic: a chunk as the header lays it out; and one whose CRC-32 is another's."""
    decoder = MessageDecoder(settings(Path("/none")))
    content = encode(Chunk(1, 448, b"data"))
    assert decoder.feed(cobs_frames.encode(content)) is None
    delivery = decoder.feed(cobs_frames.encode(content[:-1] + b"\0") + cobs_frames.encode(b"\xc9nothing"))
    assert delivery is not None
    assert {r.reason: r.count for r in delivery.rejected} == {"bad_chunk_crc": 1, "bad_message": 1}


@pytest.mark.slow
def test_end_to_end_over_a_tty_into_the_outbox(tmp_path: Path) -> None:
    post = Post(tmp_path, "camara-puerto")
    line = TtyPair(tmp_path / "port")
    sent = [(picture(number), 60 * number) for number in (1, 2, 3)]
    camera = SerialCamera([*sent, (b"this is no picture", None)])
    here = {"port": str(tmp_path / "port"), "spool_directory": tmp_path / "spool", "burst_s": 0.2}
    with camera_on(line, camera), gateway_on(Settings.model_validate(settings_on("serial_camera") | here), post):
        wait_until("all is sent", lambda: camera.is_done)
        wait_until("three detections", lambda: post.delivered() == 3)
        wait_until("one aside", lambda: post.reasons()["not_a_picture"] == 1)
    assert camera.stored == [0, 1, 2, 3]
    attached = [one for d in post.deliveries for group in d.attachments.values() for one in group]
    kept = [post.media.find(one.sha256) for one in attached]
    assert sorted(path.read_bytes() for path in kept if path is not None) == sorted(content for content, _ in sent)
    readings = [reading for delivery in post.deliveries for reading in delivery.readings]
    assert {reading.label for reading in readings} == {"boat"}
    assert as_shown(readings[0]) in page("serial_camera")
    assert len(list((tmp_path / "spool/aside").iterdir())) == 1
    line.unplug()
    post.outbox.close()


@pytest.mark.slow
def test_a_camera_that_never_reads_keeps_the_gateway_from_nothing(tmp_path: Path) -> None:
    post = Post(tmp_path)
    line = TtyPair(tmp_path / "port")
    offers = b"".join(
        cobs_frames.encode(encode(Offer(number, 2**31, bytes(32), None, 1))) for number in range(ANSWERS_THAT_FILL_IT)
    )
    with gateway_on(settings(tmp_path), post):
        line.say(offers)
        wait_until("all are counted", lambda: post.reasons()["too_large"] == ANSWERS_THAT_FILL_IT)
    line.unplug()
    post.outbox.close()


@pytest.mark.slow
@pytest.mark.expects_warnings
def test_either_side_dies_in_the_middle_and_it_goes_on_where_it_was(tmp_path: Path) -> None:
    post = Post(tmp_path)
    told = settings(tmp_path)
    content = picture(1) + bytes(400_000)  # what follows the end marker is sent too
    partial = tmp_path / "spool" / "partial"

    def length() -> int:
        return sum(path.stat().st_size for path in partial.iterdir()) if partial.exists() else 0

    reached = 0
    for victim in ("gateway", "camera", "line"):
        line = TtyPair(tmp_path / "port")
        with gateway_on(told, post), camera_on(line, SerialCamera([(content, 60)])):
            wait_until("some more", lambda: length() > reached + 20_000)  # noqa: B023 - used at once
            if victim == "line":
                line.unplug()
        assert length() > reached
        reached = length()
        if victim != "line":
            line.unplug()
    line = TtyPair(tmp_path / "port")
    camera = SerialCamera([(content, 60)])
    with gateway_on(told, post), camera_on(line, camera):
        wait_until("the detection", lambda: post.delivered() == 1)
        wait_until("all is sent", lambda: camera.is_done)
        post.outbox.commit()
    again = SerialCamera([(content, 60)])  # a camera that forgot that it had sent it
    shutil.rmtree(tmp_path / "spool" / "in")
    with gateway_on(told, post), camera_on(line, again):
        wait_until("it is told", lambda: again.is_done)
    assert post.delivered() == 1
    assert Counter(again.stored) == {0: 1}
    line.unplug()
    post.outbox.close()


@pytest.mark.expects_warnings
def test_a_spool_that_cannot_be_made_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    post = Post(tmp_path)
    line = TtyPair(tmp_path / "port")
    camera = SerialCamera([(picture(1), None)])
    with gateway_on(settings(tmp_path, spool_directory=tmp_path / "file" / "spool"), post), camera_on(line, camera):
        wait_until("it is counted", lambda: post.reasons()["unwritable"] > 0)
    assert "cannot be made" in caplog.text
    assert not camera.is_done
    line.unplug()
    post.outbox.close()
