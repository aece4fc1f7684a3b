"""What goes first, what waits until it is asked for, and what happens while headquarters is silent."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.readings import Attachment, Kind, make_reading
from gateway.clock.boots import EARLIEST_MS, Boots
from gateway.clock.clock import GPS_WORDS, Clock
from gateway.clock.machine import LinuxTime
from gateway.clock.moments import FrozenTime, Moment
from gateway.contract import topics
from gateway.contract.entries import TimeQuality
from gateway.contract.media import Announcement, Answer, Chunk, Question, Status, encode_answers
from gateway.contract.ranges import RangeSet
from gateway.media.index import FileState
from gateway.media.sender import WINDOW_BYTES, MediaSender
from gateway.media.settings import MediaSettings
from gateway.media.store import MediaStore
from tests.gateway.media.headquarters import LINE_BYTES, STATION, Headquarters, exchange
from tests.support.waiting import wait_until

THUMBNAIL = b"\xff\xd8\xff" + bytes(3000)


class Undisciplined(LinuxTime):
    """A machine whose clock nobody set, and stands still."""

    def read(self) -> tuple[int, int]:
        return 50_000, 1_000

    def ntp_error_ms(self) -> int | None:
        return None


class Post:
    """A store and its sender. Each made anew is a restart."""

    def __init__(
        self, path: Path, *, clock: Clock | None = None, timeout_s: float = 60.0, settle_s: float = 0.0, **settings: Any
    ) -> None:
        self.clock = clock = clock or Clock("system")
        self.boots = Boots((), clock.boot_id())
        self.path = path
        self.counted: Counter[str] = Counter()
        self.store = MediaStore(path / "media", max_bytes=50_000_000, dear_labels={"person"}, boot=clock.boot_id())
        self.store.open()
        self.sender = MediaSender(
            STATION,
            self.store,
            MediaSettings(**settings),
            clock,
            alert_labels=["person", "chainsaw"],
            settle_s=settle_s,
            answer_timeout_s=timeout_s,
            count=lambda reason: self.counted.update([reason]),
            freeze=self.freeze,
        )
        self.sender.begin()
        self.sender.link_is(True)

    def freeze(self, boot_ms: int, wall_ms: int, boot: str) -> FrozenTime:
        self.boots.note(self.clock.now())
        return self.boots.freeze(boot_ms, wall_ms, boot)

    def keep(self, label: str, number: int, size: int = 20_000, moment: Moment | None = None) -> str:
        """A picture comes; its hash."""
        content = f"{label} {number} ".encode() * size
        content = content[:size]
        path = self.path / "card.jpg"
        path.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        reading = make_reading(Kind.CAMERA_DETECTION, "camara-1", {"picture_number": number}, label=label)
        attachment = Attachment(sha256, "image/jpeg", size, str(path), THUMBNAIL)
        assert not self.store.keep(attachment, reading, moment or Moment(5, 1_750_000_000_000, TimeQuality.NTP, 8))
        return sha256

    def state(self, sha256: str) -> FileState:
        file = self.store.file(sha256)
        assert file is not None
        return file.state


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def test_thumbnails_that_warn_go_first_then_what_is_asked_for_then_the_rest(post: Post) -> None:
    headquarters = Headquarters()
    asked = post.keep("tapir", 1)
    exchange(post.sender, headquarters)
    assert post.store.want(asked) == ""
    person, bird = post.keep("person", 2), post.keep("bird", 3)
    chainsaw = post.keep("chainsaw", 4)
    headquarters.heard.clear()
    exchange(post.sender, headquarters)
    order: list[tuple[str, str]] = []
    for message in headquarters.heard:
        for sha256 in message.sha256s if isinstance(message, Question) else (message.sha256,):
            said = (type(message).__name__, sha256)
            if said not in order:
                order.append(said)
    assert order == [
        ("Announcement", chainsaw),  # the newest warning
        ("Announcement", person),
        ("Question", asked),
        ("Chunk", asked),
        ("Announcement", bird),
        ("Chunk", person),
    ]
    assert headquarters.content[asked] == post.store.find(asked).read_bytes()  # type: ignore[union-attr]  # it is there
    states = [post.state(sha256) for sha256 in (asked, person, bird, chainsaw)]
    assert states == [FileState.DELIVERED, FileState.DELIVERED, FileState.ANNOUNCED, FileState.ANNOUNCED]


def test_an_announcement_says_all_that_is_known(post: Post) -> None:
    headquarters = Headquarters()
    sha256 = post.keep("tapir", 7, 1234)
    exchange(post.sender, headquarters)
    assert headquarters.heard == [
        Announcement(
            sha256, 1234, "image/jpeg", "camara-1", "tapir", 1_750_000_000_000, 2, 8, 1, 1, (), thumbnail=THUMBNAIL
        )
    ]


def test_it_goes_on_where_it_was_after_a_restart(post: Post) -> None:
    headquarters = Headquarters()
    sha256, tapir = post.keep("person", 1, 100_000), post.keep("tapir", 2)
    exchange(post.sender, headquarters, most=6)
    held = len(headquarters.held[sha256])
    assert 0 < held < 100_000
    headquarters.heard.clear()
    again = Post(post.path)
    exchange(again.sender, headquarters)
    assert isinstance(headquarters.heard[0], Question)
    assert not [message for message in headquarters.heard if isinstance(message, Announcement)]
    resent = sum(len(message.content) for message in headquarters.heard if isinstance(message, Chunk))
    assert resent == 100_000 - held
    assert again.state(sha256) is FileState.DELIVERED
    assert tapir not in {m.sha256 for m in headquarters.heard if isinstance(m, Chunk)}
    headquarters.heard.clear()
    assert exchange(Post(post.path).sender, headquarters) == 0, "what is settled needs no word after a restart"


def test_a_headquarters_that_forgot_everything_is_told_again(post: Post) -> None:
    sha256 = post.keep("person", 1, 50_000)
    exchange(post.sender, Headquarters(), most=3)
    forgetful = Headquarters()
    again = Post(post.path)
    exchange(again.sender, forgetful)
    assert forgetful.announced() == [sha256]
    assert again.state(sha256) is FileState.DELIVERED


def test_what_the_link_lost_is_sent_again_and_nothing_else(post: Post) -> None:
    headquarters = Headquarters()
    sha256 = post.keep("person", 1, 60_000)
    exchange(post.sender, headquarters, most=2)
    lost = [post.sender.next_message(LINE_BYTES) for _ in range(2)]
    for message in lost:
        assert message is not None
        post.sender.returned(message.cookie)
    post.sender.link_is(False)
    assert post.state(sha256) is FileState.ANNOUNCED
    post.sender.link_is(True)
    exchange(post.sender, headquarters)
    chunks = [message for message in headquarters.heard if isinstance(message, Chunk)]
    assert sum(len(chunk.content) for chunk in chunks) == 60_000
    assert post.state(sha256) is FileState.DELIVERED


def test_no_more_is_under_way_than_the_window(post: Post) -> None:
    headquarters = Headquarters()
    sha256 = post.keep("person", 1, 400_000)
    exchange(post.sender, headquarters, most=1)
    sent = 0
    while (message := post.sender.next_message(LINE_BYTES)) is not None:
        post.sender.acknowledged(message.cookie)
        sent += len(message.payload)
    assert WINDOW_BYTES <= sent <= WINDOW_BYTES + 2 * 8300
    for answer in encode_answers({sha256: Answer(Status.HELD, RangeSet([(1, 100_000)]))}):
        post.sender.received(topics.media(STATION), answer)
    message = post.sender.next_message(LINE_BYTES)
    assert message is not None


def test_a_silent_headquarters_costs_questions_more_and_more_seldom(tmp_path: Path) -> None:
    post = Post(tmp_path, timeout_s=0.05)
    sha256 = post.keep("person", 1, 100_000)
    sent: list[int] = []

    def say(holds: Callable[[], bool]) -> None:
        def step() -> bool:
            message = post.sender.next_message(LINE_BYTES)
            if message is not None:
                sent.append(len(message.payload))
                post.sender.acknowledged(message.cookie)
            return holds()

        wait_until("it says so much", step, every_s=0.005)

    say(lambda: len(sent) == 5)
    assert sent[0] > 3000  # the announcement, and then:
    assert set(sent[1:]) == {35}
    headquarters = Headquarters()
    wait_until(
        "it is all there",
        lambda: exchange(post.sender, headquarters) >= 0 and post.state(sha256) is FileState.DELIVERED,
        every_s=0.01,
    )


def test_where_nobody_listens_nothing_large_is_sent_twice(tmp_path: Path) -> None:
    post = Post(tmp_path, timeout_s=0.05)
    post.keep("person", 1, 100_000)
    sizes: list[int] = []

    def refused() -> bool:
        message = post.sender.next_message(LINE_BYTES)
        if message is not None:
            sizes.append(len(message.payload))
            post.sender.returned(message.cookie)
        return len(sizes) == 4

    wait_until("it tried four times", refused, every_s=0.005)
    assert sizes[0] > 3000
    assert sizes[1:] == [35, 35, 35]


def test_little_is_sent_when_little_may_be(post: Post) -> None:
    headquarters = Headquarters()
    post.keep("person", 1, 5000)
    assert post.sender.next_message(1000) is None, "a thumbnail does not fit"
    exchange(post.sender, headquarters, most=1)
    message = post.sender.next_message(1000)
    assert message is not None
    assert 500 < len(message.payload) <= 1000
    assert post.sender.next_message(100) is None


@pytest.mark.expects_warnings
def test_what_headquarters_refuses_is_not_sent_until_somebody_asks(post: Post) -> None:
    headquarters = Headquarters()
    sha256 = post.keep("person", 1)
    headquarters.refusals[sha256] = Answer(Status.REFUSED, reason="too_large")
    exchange(post.sender, headquarters)
    assert post.state(sha256) is FileState.REFUSED
    assert post.counted == {"refused_too_large": 1}
    assert exchange(Post(post.path).sender, headquarters) == 0
    headquarters.refusals.clear()
    assert post.store.want(sha256) == ""
    exchange(post.sender, headquarters)
    assert post.state(sha256) is FileState.DELIVERED


def test_what_is_refused_for_a_while_comes_again_after_it(tmp_path: Path) -> None:
    post = Post(tmp_path, timeout_s=0.05)
    headquarters = Headquarters()
    sha256 = post.keep("person", 1)
    headquarters.refusals[sha256] = Answer(Status.REFUSED, reason="quota", retry_after_s=1)
    exchange(post.sender, headquarters)
    assert post.state(sha256) is FileState.KEPT
    headquarters.refusals.clear()

    def delivered() -> bool:
        exchange(post.sender, headquarters)
        return post.state(sha256) is FileState.DELIVERED

    wait_until("it is there", delivered)


@pytest.mark.expects_warnings
def test_a_file_that_the_card_spoilt_is_given_up(post: Post) -> None:
    headquarters = Headquarters()
    sha256 = post.keep("person", 1)
    path = post.store.find(sha256)
    assert path is not None
    path.write_bytes(b"x" * 20_000)
    headquarters.refusals[sha256] = Answer(Status.REFUSED, reason="hash_mismatch")
    exchange(post.sender, headquarters)
    assert post.counted == {"refused_altered": 1}


def test_what_was_evicted_meanwhile_is_not_spoken_of(post: Post) -> None:
    headquarters = Headquarters()
    sha256 = post.keep("person", 1)
    exchange(post.sender, headquarters, most=1)
    path = post.store.find(sha256)
    assert path is not None
    path.unlink()
    exchange(post.sender, headquarters)
    assert [type(message) for message in headquarters.heard] == [Announcement]
    assert post.store.want(sha256) == "not_kept"
    assert post.store.want("x") == "bad_sha256"


def test_an_unknown_time_waits_a_moment_for_the_clock_unless_it_warns(tmp_path: Path) -> None:
    clock = Clock("ntp", Undisciplined())
    post = Post(tmp_path, clock=clock, settle_s=3600.0)
    untrusted = clock.now()
    assert not untrusted.is_trusted
    person, tapir = post.keep("person", 1, moment=untrusted), post.keep("tapir", 2, moment=untrusted)
    headquarters = Headquarters()
    exchange(post.sender, headquarters)
    assert headquarters.announced() == [person]
    for _ in range(GPS_WORDS):
        clock.hear_gps(1_750_000_000_000)
    wait_until(
        "the other goes too",
        lambda: exchange(post.sender, headquarters) >= 0 and tapir in headquarters.announced(),
    )
    times = {m.sha256: (m.quality, m.time_ms) for m in headquarters.heard if isinstance(m, Announcement)}
    assert times == {
        person: (int(TimeQuality.UNTRUSTED), EARLIEST_MS + 50_000),
        tapir: (int(TimeQuality.RECOVERED), 1_750_000_000_000),
    }


def test_words_that_are_none_are_counted(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    assert not post.sender.received("vigia/1/puesto-a/receipt", b"")
    caplog.set_level("CRITICAL")
    assert post.sender.received(topics.media(STATION), b"\x01\x00")
    assert post.counted == {"bad_count": 1}
