"""What is heard is told by places in the outbox: whatever comes between, exactly the rest is missed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox, Standing
from gateway.rules.facts import Change
from gateway.watch.heard import MARK_BYTES, MOST_BEYOND, Heard, HeardLog, joined
from gateway.watch.history_file import HistoryFile
from gateway.watch.missed import LANES, missed
from tests.gateway.outbox.boxes import SetClock, reading
from tests.gateway.watch.facts_made import heard

_NO_CHANGES: list[Change] = []
_STEPS = ["accept", "hear", "hear", "settle", "keep", "kill", "clock"]


class Session:
    """One opening of an outbox, and a watch that hears of what is in it, late and in any order."""

    def __init__(self, directory: Path, clock: SetClock) -> None:
        self.clock = clock
        self.outbox = Outbox(directory / "outbox.db", max_bytes=1 << 26, memory_bytes=1 << 20, clock=clock)
        self.outbox.open()
        self.log = HeardLog()
        self.on_the_way: list[int] = []
        self.passed: tuple[Standing, int, set[int]] | None = None

    def accept(self, number: int) -> None:
        moment = self.clock.now()
        self.outbox.accept([Accepted(Lane.READING, moment, reading(1))])
        self.outbox.accept([Accepted(Lane.ALERT, moment, heard(confidence=number / 1000))])
        self.on_the_way.append(number)

    def settle(self) -> None:
        """As the watch: of a place that was passed, once all that was on the way then has come."""
        if self.passed is not None and not self.passed[2] & set(self.on_the_way):
            self.log.settle(*self.passed[:2])
            self.passed = None
        if self.passed is None and (standing := self.outbox.standing()) is not None:
            self.passed = standing, self.log.count, set(self.on_the_way)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_STEPS), st.integers(0, 2 * 10**9)), max_size=60))
def test_exactly_what_was_not_heard_before_a_kill_is_missed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Over many openings, whatever the clock does. What the history kept is what was heard."""
    directory = tmp_path_factory.mktemp("heard")
    clock, history = SetClock(), HistoryFile(directory / "history.db")
    session, number, dealt_with, kept = Session(directory, clock), 0, set[int](), set[int]()
    accepted: list[int] = []
    heard_of: set[int] = set()
    session.log.settle(Standing(session.outbox.epochs(), 0), 0)
    history.write([], _NO_CHANGES, None, session.log.heard, sync=True)
    for step, drawn in [*steps, ("kill", 0)]:
        if step == "accept":
            number += 1
            session.accept(number)
            accepted.append(number)
        elif step == "hear" and session.on_the_way:
            one = session.on_the_way.pop(drawn % len(session.on_the_way))
            session.log.add(heard(confidence=one / 1000))
            heard_of.add(one)
        elif step == "settle":
            session.settle()
        elif step == "keep":
            history.write([], _NO_CHANGES, None, session.log.heard, sync=True)
            kept = dealt_with | heard_of
        elif step == "clock":
            clock.wall_ms += drawn - 10**9
        elif step == "kill":
            session.outbox._store._shut(clean=False)  # as a kill leaves it
            session.outbox._store._lock.release()
            session = Session(directory, clock)
            was = history.heard()
            assert was is not None
            found = missed(session.outbox.latest_beyond(was.standing, LANES, MOST_BEYOND), was.beyond, ())
            numbers = [round(one.reading.values()["confidence_ratio"] * 1000) for one in found]
            assert numbers == [one for one in accepted if one not in kept]
            dealt_with = kept = set(accepted)
            heard_of = set()
            session.log.settle(joined(was.standing, Standing(session.outbox.epochs(), 0)), 0)
            history.write([], _NO_CHANGES, None, session.log.heard, sync=True)
    history.close()
    session.outbox.close()


def test_where_none_of_the_epochs_is_left_all_came_later(tmp_path: Path) -> None:
    """Headquarters had everything; then an opening that was killed before its watch began."""
    session = Session(tmp_path, SetClock())
    session.accept(1)
    session.outbox.close()
    session = Session(tmp_path, SetClock())
    gone = Standing((b"gone" * 2,), 77)
    assert len(session.outbox.latest_beyond(gone, LANES, MOST_BEYOND)) == 1
    known = joined(gone, Standing(session.outbox.epochs(), 0))
    assert session.outbox.latest_beyond(known, LANES, MOST_BEYOND) == []
    assert known.epochs[0] == b"gonegone"
    session.outbox.close()


def test_what_is_kept_is_bounded_and_read_back(tmp_path: Path) -> None:
    log = HeardLog()
    for number in range(3 * MOST_BEYOND):
        log.settle(Standing((number.to_bytes(8),), 5), log.count)
        for _ in range(number % 3):
            log.add(heard(confidence=number % 1000 / 1000))
    for number in range(2 * MOST_BEYOND):
        log.add(heard(confidence=number % 1000 / 1000))
    with closing(HistoryFile(tmp_path / "h.db")) as file:
        assert file.heard() is None
        file.write_little(_NO_CHANGES, None, log.heard)
        found = file.heard()
    assert found == log.heard
    assert isinstance(found, Heard)
    assert (len(found.beyond), len(found.standing.epochs)) == (MOST_BEYOND, 64)
    assert {len(mark) for mark in found.beyond} == {MARK_BYTES}
