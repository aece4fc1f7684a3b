"""What a kill leaves on disk, as a copy of that moment: the next start tells what nobody was told, and nothing else.

The clocks are put wherever they hurt.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from firmware_bridge.readings import Reading
from firmware_bridge.sources import Delivery
from gateway.clock.machine import LinuxTime
from gateway.contract.topics import Lane
from gateway.intake import Intake, Lanes
from gateway.outbox.outbox import Accepted
from gateway.rules.facts import Incident
from gateway.settings import LaneSettings
from tests.gateway.watch.facts_made import heard
from tests.gateway.watch.lookouts import Post, Receiver, lookout, webhook
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow
_HOUR_MS = 3_600_000
_LEVELS = """
[[rules]]
name = "aviso"
when = "heard"
labels = ["chainsaw"]
level = "notice"
confidence = 0.4

[[rules]]
name = "alarma"
when = "heard"
labels = ["chainsaw"]
level = "alert"
confidence = 0.9
"""


class SetTime(LinuxTime):
    """The machine's, with the wall clock off by as much as the test says."""

    off_ms = 0

    def read(self) -> tuple[int, int]:
        boot_ms, wall_ms = super().read()
        return boot_ms, wall_ms + self.off_ms


def copy_of(directory: Path) -> Path:
    """What a kill now would leave."""
    copy = directory.with_name(directory.name + "-after")
    shutil.copytree(directory, copy)
    return copy


def killed_when_heard(post: Post, directory: Path, reading: Reading, *, is_act: bool = False) -> Path:
    """The reading is on disk, and the watch has not heard of it."""
    after: list[Path] = []

    def hear(accepted: Sequence[Accepted]) -> None:
        after.append(copy_of(directory))

    intake = Intake(post.outbox, Lanes(LaneSettings()), post.clock, hear)
    intake.submit(reading) if is_act else intake.deliver(Delivery("radio", [reading], [], {}))
    return after[0]


def act_of(post: Post, act: Callable[[Post], None]) -> Reading:
    """What somebody does, as the reading that it becomes."""
    done: list[Reading] = []
    post.actions._submit = done.append
    act(post)
    return done[0]


def incident(post: Post, number: int) -> Incident:
    change = post.lookout.board.incident(number)
    assert change is not None
    return change.incident


def kept(directory: Path, question: str) -> int:
    with closing(sqlite3.connect(directory / "history.db")) as db:
        return int(db.execute(question).fetchone()[0])


def is_kept(directory: Path, incidents: int) -> None:
    """With the commit of what is urgent, and not with the one after a minute."""
    wait_until("kept", lambda: kept(directory, "SELECT count(*) FROM incident") == incidents, timeout_s=10.0)


def test_the_first_alert_that_a_post_ever_hears(tmp_path: Path) -> None:
    before = tmp_path / "post"
    with lookout(before) as post:
        after = killed_when_heard(post, before, heard("gunshot"))
    for _ in range(2):
        with Receiver() as receiver, lookout(after, webhook(receiver)) as post:
            assert (post.open_numbers(), incident(post, 1).count) == ([1], 1)


@pytest.mark.parametrize("off_ms", [-_HOUR_MS, 0, 90 * 24 * _HOUR_MS])
def test_an_alert_before_a_kill_wherever_the_wall_clock_stands(tmp_path: Path, off_ms: int) -> None:
    before, machine = tmp_path / "post", SetTime()
    with lookout(before, machine=machine) as post:
        post.deliver(heard("chainsaw"))
        is_kept(before, 1)
        machine.off_ms = off_ms
        after = killed_when_heard(post, before, heard("gunshot"))
    with Receiver() as receiver:
        for _ in range(2):
            with lookout(after, webhook(receiver), machine=machine) as post:
                wait_until("the shot", lambda: receiver.numbers() == [2])
                assert post.open_numbers() == [2, 1]
                assert [incident(post, number).count for number in (1, 2)] == [1, 1]


@pytest.mark.slow
def test_a_clock_that_is_put_back_makes_nothing_of_before_news(tmp_path: Path) -> None:
    """The alert made an incident grow: headquarters was told of it in another lane."""
    machine = SetTime()
    machine.off_ms = 6 * _HOUR_MS
    with Receiver() as receiver:
        with lookout(tmp_path, webhook(receiver), machine=machine) as post:
            for confidence in (0.9, 0.8):
                post.deliver(heard("chainsaw", confidence=confidence))
            wait_until("both", lambda: len(post.lookout.board.snapshot().detections) == 2)
            post.actions.acknowledge(1, "visto", "Rosa")
            wait_until("seen to", lambda: post.open_numbers() == [1] and incident(post, 1).state == "acknowledged")
        for off_h in (0, 3, -3):
            machine.off_ms = off_h * _HOUR_MS
            with lookout(tmp_path, webhook(receiver), machine=machine) as post:
                post.deliver(heard("rain"))
                assert (incident(post, 1).count, incident(post, 1).state) == (2, "acknowledged")
        assert receiver.numbers() == [1]


def test_the_place_up_to_which_all_was_heard_moves_with_alerts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.watch.watch._SETTLED_S", 0.2)
    with lookout(tmp_path) as post:
        post.deliver(heard("chainsaw"))
        is_kept(tmp_path, 1)
        wait_until("settled", lambda: post.lookout.history._heard.heard.beyond == ())
        post.lookout.history.commit(sync=False)
        at = kept(tmp_path, "SELECT sequence FROM heard")
        assert at > 0
        for _ in range(3):
            post.deliver(heard("rain", confidence=0.3))
            post.outbox.commit()
        wait_until("all is heard", lambda: len(post.lookout.board.snapshot().detections) == 4)
        assert not post.lookout.history._is_heard_news
        post.lookout.history.commit(sync=False)
        assert kept(tmp_path, "SELECT sequence FROM heard") == at


def test_what_people_did_before_a_kill(tmp_path: Path) -> None:
    directories = [tmp_path / "post"]

    def then(act: Callable[[Post], None]) -> None:
        with lookout(directories[-1]) as post:
            directories.append(killed_when_heard(post, directories[-1], act_of(post, act), is_act=True))

    with lookout(directories[0]) as post:
        post.deliver(heard("gunshot"))
        is_kept(directories[0], 1)
    then(lambda post: post.actions.acknowledge(1, "vamos", "Rosa"))
    then(lambda post: post.actions.acknowledge(1, "nadie", "Luis"))
    then(lambda post: post.actions.patrol_out("Los Tigres", 2))
    for _ in range(2):
        with lookout(directories[-1]) as post:
            told = incident(post, 1)
            assert (told.state, [note.words for note in told.notes]) == ("acknowledged", ["Rosa: vamos", "Luis: nadie"])
            assert [patrol.name for patrol in post.lookout.board.patrols_out()] == ["Los Tigres"]
    then(lambda post: post.actions.patrol_back("Los Tigres"))
    with lookout(directories[-1]) as post:
        assert post.lookout.board.patrols_out() == ()


@pytest.mark.expects_warnings
@pytest.mark.parametrize("takes_little", [True, False])
def test_a_history_without_room_warns_nobody_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takes_little: bool
) -> None:
    def full(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    before = tmp_path / "post"
    with lookout(before) as post:
        post.deliver(heard("voices"))
        is_kept(before, 1)
        file = post.lookout.history._file
        assert file is not None
        for name in ("write", "evict", *(() if takes_little else ("write_little",))):
            monkeypatch.setattr(file, name, full)  # as a disk without room answers
        for confidence in (0.9, 0.8):
            post.deliver(heard("chainsaw", confidence=confidence))
        wait_until("both", lambda: len(post.lookout.board.snapshot().detections) == 3)
        for number in (1, 2):
            post.actions.acknowledge(number, "visto", "Rosa")
        wait_until("seen to", lambda: incident(post, 2).state == "acknowledged")
        wait_until("headquarters is told", lambda: len(post.entries(Lane.ALERT)) == 5)
        if takes_little:
            question = "SELECT count(*) FROM incident WHERE instr(body, CAST('acknowledged' AS BLOB))"
            wait_until("kept", lambda: kept(before, question) == 2)
        after = copy_of(before)
    with Receiver() as receiver, lookout(after, webhook(receiver)) as post:
        post.deliver(heard("gunshot"))
        wait_until("the shot", lambda: receiver.numbers() == [3])
        assert post.open_numbers() == ([3, 2, 1] if takes_little else [3, 1])
        if takes_little:
            assert [incident(post, number).state for number in (1, 2)] == ["acknowledged"] * 2


def test_what_grew_into_an_alert_is_warned_of_once(tmp_path: Path) -> None:
    before, rules = tmp_path / "post", tmp_path / "rules.toml"
    rules.write_text(_LEVELS)
    with lookout(before, rules=rules) as post:
        post.deliver(heard("chainsaw", confidence=0.5))
        is_kept(before, 1)
        post.deliver(heard("chainsaw", confidence=0.95))
        question = "SELECT count(*) FROM incident WHERE instr(body, CAST('alarma' AS BLOB))"
        wait_until("kept as an alert", lambda: kept(before, question) == 1, timeout_s=10.0)
        after = copy_of(before)
    with Receiver() as receiver, lookout(after, webhook(receiver), rules=rules) as post:
        post.deliver(heard("chainsaw", "sur", confidence=0.95))
        wait_until("another", lambda: 2 in receiver.numbers())
        assert 1 not in receiver.numbers()
        assert (incident(post, 1).level, incident(post, 1).count) == ("alert", 2)


def test_a_history_of_an_earlier_version_or_a_lost_one_floods_nobody(tmp_path: Path) -> None:
    with lookout(tmp_path) as post:
        post.deliver(heard("chainsaw"), heard("gunshot"))
        wait_until("both", lambda: len(post.open_numbers()) == 2)
    with closing(sqlite3.connect(tmp_path / "history.db")) as db:
        db.executescript("DROP TABLE heard; PRAGMA user_version = 1")
    with Receiver() as receiver:
        for is_lost, still_open in ((False, [2, 1]), (False, [2, 1]), (True, []), (False, [])):
            for part in tmp_path.glob("history.db*") if is_lost else ():
                part.unlink()
            with lookout(tmp_path, webhook(receiver)) as post:
                assert post.open_numbers() == still_open
        with lookout(tmp_path, webhook(receiver)) as post:
            post.deliver(heard("explosion"))
            wait_until("that one", lambda: receiver.numbers() == [3])
