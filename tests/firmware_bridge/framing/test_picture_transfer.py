"""Whatever the line does to the messages, a picture arrives whole or not at all, and the talk never sticks."""

from __future__ import annotations

import hashlib
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.picture_transfer import (
    TRIES,
    WINDOW_BYTES,
    Chunk,
    Done,
    Offer,
    Receiver,
    Request,
    Status,
    decode,
    encode,
)
from firmware_bridge.readings import Rejected
from firmware_bridge.simulator.serial_camera import SerialCamera


class MemoryShelf:
    """A shelf that outlives its receiver, as a disk does."""

    def __init__(self) -> None:
        self.partial: dict[bytes, bytes] = {}
        self.whole: dict[bytes, bytes] = {}
        self.full = False

    def has(self, sha256: bytes) -> bool:
        return sha256 in self.whole

    def length(self, sha256: bytes) -> int:
        return len(self.partial.get(sha256, b""))

    def append(self, sha256: bytes, data: bytes) -> None:
        if self.full:
            raise OSError("no space left on device")
        self.partial[sha256] = self.partial.get(sha256, b"") + data

    def drop(self, sha256: bytes) -> None:
        self.partial.pop(sha256, None)

    def finish(self, offer: Offer) -> bool:
        content = self.partial.pop(offer.sha256)
        if hashlib.sha256(content).digest() != offer.sha256:
            return False
        self.whole[offer.sha256] = content
        return True


class Line:
    """Both ends in lock step, with a clock of its own; damage takes or alters frames as the test likes."""

    def __init__(self, camera: SerialCamera, shelf: MemoryShelf, chance: Random, loss: float = 0.0) -> None:
        self.camera, self.shelf, self.chance, self.loss = camera, shelf, chance, loss
        self.reasons: Counter[str] = Counter()
        self.clock_s = 0.0
        self.bytes = 0
        self.restart()

    def restart(self) -> None:
        """The gateway starts anew; the shelf stays."""
        self.receiver = Receiver(self.shelf, 1_000_000, lambda reason, detail: self.reasons.update([reason]))
        self.deframer = cobs_frames.Deframer()

    def damaged(self, frame: bytes) -> bytes:
        if self.chance.random() >= self.loss:
            return frame
        cut = bytearray(frame)
        if self.chance.random() < 0.5:
            del cut[self.chance.randrange(len(cut)) :]
        else:
            cut[self.chance.randrange(len(cut))] ^= 1 << self.chance.randrange(8)
        return bytes(cut)

    def step(self) -> None:
        self.clock_s += 0.05
        for frame in self.camera.take_output(self.clock_s):
            self.bytes += len(frame)
            for content in self.deframer.feed(self.damaged(frame)):
                message = content if isinstance(content, Rejected) else decode(content)
                if isinstance(message, Rejected):
                    self.reasons[message.reason] += 1
                else:
                    self.receiver.feed(message, self.clock_s)
        self.receiver.tick(self.clock_s)
        for output in self.receiver.take_output():
            back = cobs_frames.Deframer().feed(self.damaged(cobs_frames.encode(output)))
            for content in back:
                if isinstance(content, bytes):
                    self.camera.feed(content, self.clock_s)

    def run(self, most_steps: int = 20_000) -> None:
        for _ in range(most_steps):
            if self.camera.is_done:
                return
            self.step()
        raise AssertionError(f"not done: {self.receiver.words}, {self.reasons}")


def pictures(*sizes: int) -> list[tuple[bytes, int | None]]:
    return [(Random(size).randbytes(size), None) for size in sizes]


def test_golden_messages() -> None:
    """Synthetic; the layout of the driver's header."""
    sha256 = bytes(range(32))
    assert encode(Offer(1, 2, sha256, 3, 1)).hex() == "c0010000000100000002" + sha256.hex() + "0000000301"
    assert encode(Offer(1, 2, sha256, None, 1))[-5:].hex() == "ffffffff01"
    assert encode(Request(1, 448, 7168)).hex() == "c100000001000001c000001c00"
    assert encode(Chunk(1, 0, b"ab")).hex() == "c2000000010000000061629aa73950"
    assert encode(Done(1, sha256, Status.STORED)).hex() == "c300000001000102030405060700"


def test_pictures_arrive_one_after_the_other() -> None:
    sent = pictures(1, 448, 449, WINDOW_BYTES, WINDOW_BYTES + 1, 100_000)
    shelf = MemoryShelf()
    line = Line(SerialCamera(sent), shelf, Random(1))
    line.run()
    assert sorted(shelf.whole.values()) == sorted(content for content, _ in sent)
    assert line.camera.stored == list(range(6))
    assert not line.reasons
    assert line.bytes < 1.1 * sum(len(content) for content, _ in sent) + 1000


@pytest.mark.parametrize("seed", range(8))
def test_a_line_that_loses_and_alters_frames_in_both_directions(seed: int) -> None:
    sent = pictures(5_000, 20_000, 300)
    line = Line(SerialCamera(sent), MemoryShelf(), Random(seed), loss=0.1)
    line.run()
    assert sorted(line.shelf.whole.values()) == sorted(content for content, _ in sent)
    assert not line.shelf.partial
    assert line.reasons.keys() & {"bad_crc", "bad_cobs", "too_short", "bad_chunk_crc", "chunk_gap"}


@pytest.mark.parametrize("seed", range(4))
def test_either_side_dies_and_the_transfer_goes_on_where_it_was(seed: int) -> None:
    sent = pictures(60_000)
    chance = Random(seed)
    line = Line(SerialCamera(sent), MemoryShelf(), chance)
    for _ in range(6):
        for _ in range(chance.randrange(1, 15)):
            line.step()
        if chance.random() < 0.5:
            line.restart()
        else:
            line.camera = SerialCamera(sent, first_id=chance.randrange(1000))
    line.run()
    assert list(line.shelf.whole.values()) == [sent[0][0]]
    assert line.bytes < 2.5 * 60_000, "what was there was not sent again"


def test_a_picture_that_is_there_already_is_not_sent() -> None:
    sent = pictures(50_000)
    shelf = MemoryShelf()
    Line(SerialCamera(sent), shelf, Random(1)).run()
    again = Line(SerialCamera(sent), shelf, Random(1))
    again.run()
    assert again.bytes < 100


def test_a_partial_file_that_rotted_is_sent_anew() -> None:
    sent = pictures(20_000)
    shelf = MemoryShelf()
    shelf.partial[hashlib.sha256(sent[0][0]).digest()] = b"rotten" * 100
    line = Line(SerialCamera(sent), shelf, Random(1))
    line.run()
    assert list(shelf.whole.values()) == [sent[0][0]]
    assert line.reasons == {"bad_sha256": 1}
    shelf.whole.clear()
    shelf.partial[hashlib.sha256(sent[0][0]).digest()] = bytes(30_000)  # longer than the picture
    Line(SerialCamera(sent), shelf, Random(1)).run()
    assert list(shelf.whole.values()) == [sent[0][0]]


def test_what_is_refused_is_said_and_the_next_one_comes() -> None:
    sent = pictures(2_000_000, 0, 500)
    line = Line(SerialCamera(sent), MemoryShelf(), Random(1))
    line.run()
    assert (line.camera.refused, line.camera.stored) == ([0, 1], [2])
    assert line.reasons == {"too_large": 2}


def test_a_full_disk_is_said_and_waited_for() -> None:
    line = Line(SerialCamera(pictures(5_000)), MemoryShelf(), Random(1))
    line.shelf.full = True
    for _ in range(100):
        line.step()
    assert line.reasons["unwritable"]
    assert not line.camera.is_done
    line.shelf.full = False
    line.run()


def test_a_camera_that_falls_silent_is_given_up_until_its_next_offer() -> None:
    reasons: list[str] = []
    receiver = Receiver(MemoryShelf(), 1000, lambda reason, detail: reasons.append(reason))
    offer = Offer(1, 500, bytes(32), None, 1)
    receiver.feed(offer, 0.0)
    asked = 0
    for second in range(100):
        asked += len(receiver.take_output())
        receiver.tick(float(second))
    assert (asked, reasons, receiver.words) == (1 + TRIES, ["stalled"], "")
    receiver.feed(offer, 200.0)
    assert len(receiver.take_output()) == 1


def test_chunks_that_were_not_asked_for() -> None:
    reasons: list[str] = []
    receiver = Receiver(MemoryShelf(), 100_000, lambda reason, detail: reasons.append(reason))
    receiver.feed(Chunk(1, 0, b"x"), 0.0)
    receiver.feed(Offer(1, 50_000, bytes(32), None, 1), 0.0)
    receiver.feed(Chunk(2, 0, b"x"), 0.0)
    receiver.feed(Chunk(1, 5, b"x"), 0.0)
    receiver.feed(Chunk(1, 0, b"xy"), 0.0)
    receiver.feed(Chunk(1, 0, b"xy"), 0.0)
    receiver.feed(Request(1, 0, 1), 0.0)
    assert reasons == ["unasked_chunk", "unasked_chunk", "chunk_gap", "repeated_chunk", "bad_message"]


@given(st.binary(max_size=500))
def test_random_messages_never_raise(content: bytes) -> None:
    receiver = Receiver(MemoryShelf(), 10_000, lambda reason, detail: None)
    camera = SerialCamera(pictures(1000))
    for first in (content, b"\xc0\x01" + content, b"\xc1" + content, b"\xc2" + content, b"\xc3" + content):
        message = decode(first)
        if not isinstance(message, Rejected):
            receiver.feed(message, 0.0)
        camera.feed(first, 0.0)
    receiver.tick(100.0)
    camera.take_output(100.0)
