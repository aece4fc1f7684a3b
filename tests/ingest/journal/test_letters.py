"""Dead letters: kept within bounds, shown without harm, driven again once and whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.contract.batches import decode_head
from gateway.contract.ranges import RangeSet
from ingest.journal import letters as bounds
from ingest.journal.database import JournalError
from ingest.journal.journal import Arrival
from ingest.journal.letters import list_letters, redrive_letters
from ingest.journal.reader import JournalReader
from ingest.messages import DeadLetter, JournalMessage
from tests.ingest.journal.arrivals import arrival, opened, rows
from tests.ingest.messages import NOON_MS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def read(path: Path) -> list[JournalMessage]:
    """What a sink that comes now would read, from its cursor."""
    reader = JournalReader(path, "influxdb")
    reader.open()
    try:
        return reader.next(10**9)
    finally:
        reader.close()


def refuse(path: Path, reason: str, *, lines: list[bytes] | None = None) -> int:
    """A sink refuses everything up to now: each message whole, or some lines of it. How many letters went for it."""
    reader = JournalReader(path, "influxdb")
    reader.open()
    try:
        messages = reader.next(10**9)
        refused = [
            DeadLetter("influxdb", reason, "because", message.topic, payload, message.id)
            for message in messages
            for payload in lines or [message.payload]
        ]
        return reader.done(messages, refused)
    finally:
        reader.close()


def total(path: Path) -> tuple[object, ...]:
    return rows(path, "SELECT letters, bytes, dropped FROM dead_letter_total")[0]


# bounds


def garbage(count: int, size: int) -> list[Arrival]:
    return [Arrival("vigia/1/hostil/up/reading", bytes((n,)) * size, NOON_MS) for n in range(count)]


def test_the_oldest_go_when_there_are_too_many_and_are_counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_GARBAGE_LETTERS", 5)
    monkeypatch.setattr(bounds, "MAX_LETTERS", 2)
    with opened(path) as journal:
        assert journal.append(garbage(4, 1)).discards["dead_letter_dropped"] == 0
        assert journal.append(garbage(3, 1)).discards["dead_letter_dropped"] == 2
        journal.append([arrival([n]) for n in (1, 2, 3)])
    assert refuse(path, "unknown_station") == 1
    assert total(path)[0] == 7
    assert total(path)[2] == 3
    assert [number for (number,) in rows(path, "SELECT id FROM dead_letter ORDER BY id")] == [3, 4, 5, 6, 7, 9, 10]


def test_a_flood_of_garbage_takes_no_room_from_what_was_receipted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_GARBAGE_LETTERS", 50)
    monkeypatch.setattr(bounds, "MAX_LETTERS", 50)
    monkeypatch.setattr(bounds, "MAX_GARBAGE_BYTES", 100_000)
    monkeypatch.setattr(bounds, "MAX_LETTER_BYTES", 100_000)
    with opened(path) as journal:
        journal.append([arrival([1, 2])])
        refuse(path, "unknown_station")
        few_and_large = sum(journal.append(garbage(20, 10_000)).discards["dead_letter_dropped"] for _ in range(5))
        many_and_small = sum(journal.append(garbage(100, 10)).discards["dead_letter_dropped"] for _ in range(5))
        assert (few_and_large, many_and_small) == (90, 460)
        journal.prune(NOON_MS + 1)
        assert redrive_letters(path, "unknown_station") == 1
        assert [message.fresh for message in read(path)] == [RangeSet([(1, 2)])]
    assert total(path) == (50, 500, 550)
    assert rows(path, "SELECT journal_letters, journal_bytes FROM dead_letter_total") == [(50, 500)]


def test_a_station_whose_messages_are_refused_without_end_makes_room_for_its_own_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MAX_LETTERS", 20)
    monkeypatch.setattr(bounds, "MAX_LETTER_BYTES", 100_000)
    with opened(path) as journal:
        journal.append([arrival([n], station="quieto") for n in (1, 2, 3)])
        refuse(path, "unknown_station")
        for turn in range(5):
            many = range(1 + turn * 10, 11 + turn * 10)
            journal.append([arrival([n], station="hostil") for n in many])
            refuse(path, "bad_body", lines=[b"x" * (10 if turn < 4 else 40_000)])
    kept = rows(path, "SELECT station, count(*) FROM dead_letter GROUP BY station")
    assert dict(kept) == {"quieto": 3, "hostil": 2}  # type: ignore[arg-type]  # pairs
    assert rows(path, "SELECT letters, bytes FROM dead_letter_share WHERE station = 'hostil'") == [(2, 80_000)]
    assert redrive_letters(path, None) == 5
    assert rows(path, "SELECT count(*) FROM dead_letter_share") == [(0,)]


def test_they_take_no_more_bytes_than_they_may(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MAX_GARBAGE_BYTES", 1_000_000)
    with opened(path) as journal:
        dropped = sum(journal.append(garbage(50, 10_000)).discards["dead_letter_dropped"] for _ in range(20))
        assert journal.append([arrival([1])]).counts["journaled_messages"] == 1
    assert dropped == 900
    assert total(path) == (100, 1_000_000, 900)
    assert rows(path, "SELECT sum(length(payload)) FROM dead_letter") == [(1_000_000,)]
    assert path.stat().st_size < 3_000_000  # places of letters that went are used again


# shown


def test_a_list_is_safe_to_show_whatever_came(path: Path) -> None:
    with opened(path) as journal:
        journal.append([Arrival("vigia/1/\x1b[2J\tx\n/up/reading", b"\xff", NOON_MS), *garbage(2, 3)])
    listed = list_letters(path, "bad_station", 50)
    assert (listed.total, listed.dropped, len(listed.shown)) == (1, 0, 1)
    letter = listed.shown[0]
    assert letter.topic == "vigia/1/\\x1b[2J\\tx\\n/up/reading"
    assert all(text.isprintable() for text in (letter.at, letter.stage, letter.reason, letter.topic, letter.detail))
    newest = list_letters(path, None, 2)
    assert [letter.id for letter in newest.shown] == [3, 2]
    assert newest.total == 3


def test_no_journal_is_said(path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        list_letters(path, None, 50)
    with pytest.raises(JournalError, match="there is no journal"):
        redrive_letters(path, None)
    assert not path.exists()


# driven again


def test_a_message_driven_again_is_met_by_sinks_as_it_was(path: Path) -> None:
    with opened(path) as journal:  # a running ingest
        journal.append([arrival([1, 2])])
        journal.append([arrival([2, 3])])  # only 3 is fresh
        before = read(path)
        refuse(path, "unknown_station")
        assert redrive_letters(path, "field_type_conflict") == 0
        assert redrive_letters(path, "unknown_station") == 2
        again = read(path)
        assert [(m.payload, m.fresh, m.topic, m.station) for m in again] == [
            (m.payload, m.fresh, m.topic, m.station) for m in before
        ]
        assert [message.id for message in again] == [3, 4]
        assert redrive_letters(path, "unknown_station") == 0
        assert total(path) == (0, 0, 0)
        assert journal.append([arrival([1, 2, 3])]).counts["duplicate_messages"] == 1


def test_a_message_that_the_journal_has_pruned_is_driven_from_its_letter(path: Path) -> None:
    with opened(path) as journal:
        journal.append([arrival([1, 2])])
        refuse(path, "unknown_station")
        assert journal.prune(NOON_MS + 1) == 1
        assert redrive_letters(path, None) == 1
        (again,) = read(path)
    assert again.fresh == RangeSet([(1, 2)])
    assert decode_head(again.payload).ranges == again.fresh


def test_of_refused_lines_the_message_is_driven_once(path: Path) -> None:
    with opened(path) as journal:
        journal.append([arrival([1, 2, 3])])
        refuse(path, "beyond_retention", lines=[b"environment a=1", b"environment b=2"])
        assert redrive_letters(path, "beyond_retention") == 1
        assert [message.fresh for message in read(path)] == [RangeSet([(1, 3)])]
        assert total(path)[0] == 0


def test_a_line_whose_message_is_pruned_stays_even_if_it_looks_like_a_head(path: Path) -> None:
    line = b"environment,se" + b"\x01\x41\x02" + b"z" * 200
    assert decode_head(line).ranges == RangeSet([(65, 67)])  # as far as the codec can tell
    with opened(path) as journal:
        journal.append([arrival([1])])
        refuse(path, "parse_error", lines=[line, b"environment b=2"])
        journal.prune(NOON_MS + 1)
        assert redrive_letters(path, None) == 0
    assert total(path)[0] == 2


def test_what_never_was_a_message_stays(path: Path) -> None:
    with opened(path) as journal:
        journal.append(garbage(3, 20))
        assert redrive_letters(path, None) == 0
    assert total(path)[0] == 3


def test_many_are_driven_in_slices_and_what_fails_anew_is_not_driven_for_ever(path: Path) -> None:
    with opened(path) as journal:
        journal.append([arrival([n]) for n in range(1, 451)])
        refuse(path, "unknown_station")
        assert redrive_letters(path, None) == 450
        refuse(path, "unknown_station")  # the cause was not mended
        assert total(path)[0] == 450
        assert redrive_letters(path, None) == 450
        assert len(read(path)) == 450


def test_when_the_journal_is_locked_for_good_it_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as journal:
        journal.append([arrival([1])])
        refuse(path, "unknown_station")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DROP TABLE dead_letter_total")  # any trouble with the file
    with pytest.raises(JournalError, match="dead_letter_total"):
        redrive_letters(path, None)
    assert rows(path, "SELECT count(*) FROM dead_letter") == [(1,)]
    assert rows(path, "SELECT count(*) FROM message") == [(1,)]
