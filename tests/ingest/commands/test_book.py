"""The book of commands, who sends what is in it, and how answers come into it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware_bridge.readings import Kind
from gateway.contract.commands import Command, Outcome, Restart, encode_command
from gateway.contract.states import StationState
from gateway.contract.topics import Lane, up
from ingest.commands.answers import AnswerSink
from ingest.commands.book import SUPERSEDED, WITHDRAWN, BookError, CommandBook, Hearing
from ingest.commands.dispatch import Dispatcher
from tests.ingest.messages import entry, message

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HOUR_MS = 3_600_000
NOW_MS = 1_800_000_000_000
POST = "boca-yaguas"


@pytest.fixture
def book(tmp_path: Path) -> Iterator[CommandBook]:
    made = CommandBook(tmp_path / "new" / "commands.db")
    made.open()
    yield made
    made.close()


def give(book: CommandBook, number: int, *, station: str = POST, hours: int = 72, series: str = "") -> str:
    command = Command(f"{number:016x}", station, NOW_MS + number, NOW_MS + number + hours * HOUR_MS, Restart("gateway"))
    book.give(command, encode_command(command, KEY), "restart gateway", series=series)
    return command.id


class Line:
    """A dispatcher whose post is there, and what it sent."""

    def __init__(self, book: CommandBook, link: Literal["up", "down"] = "up") -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.is_there = True
        self.states = {POST: StationState(POST, link)}
        self.heard: dict[str, int] = {}
        self.dispatcher = Dispatcher(book, self.say, self.states, self.heard)

    def say(self, topic: str, payload: bytes) -> bool:
        if self.is_there:
            self.sent.append((topic, payload))
        return self.is_there

    def look(self, now_ms: int) -> int:
        return self.dispatcher.look(now_ms)


def test_a_command_is_sent_again_ever_more_seldom_until_it_is_answered(book: CommandBook) -> None:
    command_id, line = give(book, 1), Line(book)
    minutes = [minute for minute in range(60 * 24) if line.look(NOW_MS + 10 + minute * 60_000)]
    assert minutes[:5] == [0, 1, 3, 7, 15]
    assert max(b - a for a, b in pairwise(minutes)) == 60
    assert {topic for topic, _ in line.sent} == {f"vigia/1/{POST}/command"}
    assert book.answered(POST, command_id, "done", "", NOW_MS)
    assert line.look(NOW_MS + 71 * HOUR_MS) == 0


def test_nothing_is_sent_to_a_post_that_does_not_listen_or_after_the_expiry(book: CommandBook) -> None:
    give(book, 1, hours=2)
    down = Line(book, "down")
    assert down.look(NOW_MS + 10) == 0
    unknown = Line(book)
    unknown.states.clear()
    assert unknown.look(NOW_MS + 10) == 0
    unknown.heard[POST] = NOW_MS
    unknown.is_there = False
    assert unknown.look(NOW_MS + 10) == 0
    assert book.listed()[0].state(NOW_MS) == "queued"
    unknown.is_there = True
    assert unknown.look(NOW_MS + 10) == 1
    assert book.listed()[0].state(NOW_MS) == "sent"
    assert Line(book).look(NOW_MS + 3 * HOUR_MS) == 0
    assert book.listed()[0].state(NOW_MS + 3 * HOUR_MS) == "expired"


def test_a_series_goes_one_by_one_and_does_not_hold_up_others(book: CommandBook) -> None:
    first, second = give(book, 1, series="image"), give(book, 2, series="image")
    other, line = give(book, 3), Line(book)
    line.look(NOW_MS + 10)
    assert [given.id for given in book.open_commands(NOW_MS) if given.sends] == [first, other]
    book.answered(POST, first, "done", "", NOW_MS)
    line.look(NOW_MS + 11)
    assert [given.id for given in book.open_commands(NOW_MS) if given.sends] == [second, other]


def test_few_are_under_way_to_one_post_at_a_time(book: CommandBook) -> None:
    for number in range(20):
        give(book, number)
        give(book, 100 + number, station="puesto-dos")
    line = Line(book)
    line.states["puesto-dos"] = StationState("puesto-dos", "up")
    assert [line.look(NOW_MS + 100 + n) for n in range(3)] == [8, 0, 0]


def test_orders_that_are_not_answered_do_not_hold_up_later_ones(book: CommandBook) -> None:
    """A post that does not know the time carries out neither of the first eight, and says nothing of them."""
    for number in range(8):
        give(book, number)
    line = Line(book)
    assert [line.look(NOW_MS + 100 + minute * 60_000) for minute in range(2)] == [4, 4]
    late = give(book, 50)
    line.look(NOW_MS + 100 + 2 * 60_000)
    assert late.encode() in line.sent[8][1]
    assert len(line.sent) == 12
    for minute in range(3, 30):
        assert line.look(NOW_MS + 100 + minute * 60_000) <= 4
    sends = [given.sends for given in book.listed()]
    assert max(sends) - min(sends) <= 1


def test_what_was_withdrawn_is_not_sent_any_more_with_what_waits_behind_it(book: CommandBook) -> None:
    first, second, other = give(book, 1, series="image"), give(book, 2, series="image"), give(book, 3)
    line = Line(book)
    line.look(NOW_MS + 10)
    withdrawn = book.withdraw(first, NOW_MS + 11)
    assert [(one.id, one.sends) for one in withdrawn] == [(first, 1), (second, 0)]
    assert book.withdraw(first, NOW_MS + 12) == []
    assert [given.id for given in book.open_commands(NOW_MS)] == [other]
    assert book.send(first, NOW_MS + 13, lambda: pytest.fail("it was withdrawn"))
    assert book.answered(POST, first, "done", "", NOW_MS + 14)  # it had reached the post
    assert {given.id: given.outcome for given in book.listed()} == {first: "done", second: WITHDRAWN, other: None}


def test_what_was_superseded_is_not_sent_any_more_unless_it_was_answered(book: CommandBook) -> None:
    answered, waiting = give(book, 1), give(book, 2)
    book.answered(POST, answered, "done", "", NOW_MS)
    newer = Command("f" * 16, POST, NOW_MS + 5, NOW_MS + HOUR_MS, Restart("gateway"))
    message = encode_command(newer, KEY)
    book.give(newer, message, "restart gateway", supersedes=[answered, waiting])
    assert [given.id for given in book.open_commands(NOW_MS)] == [newer.id]
    told = {given.id: (given.outcome, given.note) for given in book.listed()}
    assert told == {answered: ("done", ""), waiting: (SUPERSEDED, newer.id), newer.id: (None, None)}
    assert [one.command() for one in book.listed() if one.id == newer.id] == [newer]


def test_why_a_command_waits_is_in_the_book(book: CommandBook) -> None:
    give(book, 1)
    line = Line(book)
    line.states[POST] = StationState(POST, "down", reason="window_over", next_ms=NOW_MS + HOUR_MS)
    line.heard[POST] = NOW_MS - 5
    line.look(NOW_MS)
    assert book.hearings() == {POST: Hearing(POST, False, "window_over", NOW_MS - 60_000, NOW_MS + HOUR_MS)}
    line.states[POST] = StationState(POST, "up")
    line.look(NOW_MS)
    assert book.hearings()[POST].listens


def test_the_last_word_stays_and_only_the_post_itself_has_it(book: CommandBook) -> None:
    command_id = give(book, 1)
    assert not book.answered("puesto-dos", command_id, "done", "forged", NOW_MS)
    for outcome in ("on_trial", "rolled_back", "done"):
        assert book.answered(POST, command_id, outcome, outcome, NOW_MS)
    assert (book.listed()[0].outcome, book.listed()[0].note) == ("rolled_back", "rolled_back")


@pytest.mark.expects_warnings
def test_answers_come_out_of_the_journal(book: CommandBook) -> None:
    mine, theirs = give(book, 1), give(book, 2, station="puesto-dos")
    sink = AnswerSink(book)
    told = [
        entry(1, Kind.COMMAND_ANSWER, sensor=mine, label=Outcome.REFUSED, note="health.every_s: too small"),
        entry(2, Kind.COMMAND_ANSWER, sensor=theirs, label=Outcome.DONE),  # not given to this post
        entry(3, Kind.COMMAND_ANSWER, sensor="f" * 16, label=Outcome.DONE),
        entry(4, Kind.COMMAND_ANSWER, sensor=mine, label="nonsense"),
        entry(5, Kind.ENVIRONMENT),
    ]
    arrived = message(told)
    assert sink.write([msgspec.structs.replace(arrived, topic=up(POST, Lane.READING))]) == []
    assert {given.outcome for given in book.listed()} == {None}
    noise = msgspec.structs.replace(arrived, topic=up(POST, Lane.ALERT), payload=arrived.payload[:30])
    assert sink.write([noise, msgspec.structs.replace(arrived, topic=up(POST, Lane.ALERT))]) == []
    known = {given.id: (given.outcome, given.note) for given in book.listed()}
    assert known == {mine: ("refused", "health.every_s: too small"), theirs: (None, None)}


def test_a_file_of_something_else_is_refused(tmp_path: Path, book: CommandBook) -> None:
    (tmp_path / "text").write_text("not a database, but long enough to be looked at " * 40)
    for path in (tmp_path / "text", tmp_path):
        with pytest.raises(BookError):
            CommandBook(path).open()
    with pytest.raises(BookError):
        give(book, 1) and give(book, 1)
