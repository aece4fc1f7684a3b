"""What series a station may have: bounded, and what it has it keeps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from firmware_bridge.readings import Kind
from gateway.contract.batches import decode_groups, decode_head
from gateway.contract.entries import Entry, Group, TimeQuality
from ingest.journal.series import SeriesBook, named
from tests.ingest.messages import entry, message


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def book(path: Path) -> Iterator[SeriesBook]:
    made = SeriesBook(path, 4)
    made.open()
    yield made
    made.close()


def groups(*entries: Entry) -> list[Group]:
    payload = message(list(entries)).payload
    return decode_groups(payload, decode_head(payload))


def refused(book: SeriesBook, *entries: Entry, station: str = "a") -> list[str]:
    return sorted(series.sensor for group in groups(*entries) for series in book.refused(station, group))


def test_up_to_the_bound_all_may_come_beyond_it_only_what_is_known(book: SeriesBook) -> None:
    assert refused(book, *(entry(n, sensor=f"s{n}") for n in range(1, 4))) == []
    assert refused(book, *(entry(n, sensor=f"s{n}") for n in range(1, 9))) == ["s5", "s6", "s7", "s8"]
    assert refused(book, *(entry(n, sensor=f"s{n}") for n in range(1, 5))) == []
    assert refused(book, *(entry(n, sensor=f"s{n}") for n in range(1, 6)), station="b") == ["s5"]


def test_a_kind_a_label_and_an_unheard_of_quality_make_another_series_a_known_quality_does_not(
    book: SeriesBook,
) -> None:
    assert refused(book, *(entry(n, quality=n) for n in range(1, len(TimeQuality) + 1))) == []
    assert refused(book, entry(1, Kind.POSITION), entry(2, Kind.ACOUSTIC_DETECTION)) == []
    assert refused(book, entry(1, Kind.ACOUSTIC_DETECTION, label="own word")) == []
    assert refused(book, entry(1, quality=77)) == ["clima-01"]


def test_answers_to_commands_take_no_place_of_sensors(book: SeriesBook) -> None:
    answers = [entry(n, Kind.COMMAND_ANSWER, sensor=f"order{n}") for n in range(1, 7)]
    assert refused(book, *answers) == ["order5", "order6"]
    assert refused(book, *(entry(n, sensor=f"s{n}") for n in range(1, 6))) == ["s5"]


def test_it_remembers(book: SeriesBook, path: Path) -> None:
    refused(book, *(entry(n, sensor=f"s{n}") for n in range(1, 4)))
    book.keep()
    refused(book, entry(1, sensor="s9"))  # and died before it was kept
    again = SeriesBook(path, 4)
    again.open()
    assert refused(again, entry(1, sensor="s1"), entry(2, sensor="s4"), entry(3, sensor="s5")) == ["s5"]
    again.close()
    lower = SeriesBook(path, 1)
    lower.open()
    assert refused(lower, entry(1, sensor="s1"), entry(2, sensor="s2"), entry(3, sensor="s4")) == ["s4"]
    lower.close()


def test_what_could_not_be_kept_is_kept_later(book: SeriesBook, path: Path) -> None:
    refused(book, entry(1))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("ALTER TABLE series RENAME TO elsewhere")
        with pytest.raises(sqlite3.OperationalError):
            book.keep()
        other.execute("ALTER TABLE elsewhere RENAME TO series")
        book.keep()
        assert other.execute("SELECT station, sensor FROM series").fetchall() == [("a", "clima-01")]


def test_some_are_named(book: SeriesBook) -> None:
    (group,) = groups(*(entry(n, sensor=f"s{n}") for n in range(1, 9)))
    assert named(book.refused("a", group)) == "'s5', 's6', 's7'"
