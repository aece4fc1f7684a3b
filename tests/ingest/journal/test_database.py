"""The journal's file: whose it is, who has it, how it grows up; every refusal in plain words."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest

from ingest.journal.database import APPLICATION_ID, JournalError
from ingest.journal.journal import Journal
from ingest.journal.letters import list_letters
from ingest.journal.reader import JournalReader
from tests.ingest.journal.arrivals import arrival, opened, rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def refusal(path: Path) -> str:
    with pytest.raises(JournalError) as caught, opened(path):
        pass
    return str(caught.value)


def test_a_second_process_is_refused_until_the_first_has_gone(path: Path) -> None:
    with opened(path):
        assert "another ingest process uses the journal" in refusal(path)
    with opened(path) as journal:
        journal.append([arrival([1])])


def test_a_file_of_something_else_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    assert "is a SQLite file of something else" in refusal(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not SQLite at all, " * 100, b"SQLite format 3\0" + bytes(2000)])
def test_a_file_that_is_no_database_is_said_with_what_to_do(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert "move the file" in refusal(path)
    path.unlink()
    with opened(path):  # the failure has let the lock go
        pass


def test_a_file_of_a_later_version_is_refused(path: Path) -> None:
    with opened(path), closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    assert "later version of Vigía (schema 99)" in refusal(path)


def test_a_damaged_row_is_said_with_what_to_do(path: Path) -> None:
    with opened(path) as journal:
        journal.append([arrival([1])])
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE seen SET ranges = x'ffff'")
    assert "is damaged" in refusal(path)


def test_a_directory_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refusal(tmp_path / "file" / "journal.db")


def test_an_empty_file_left_by_a_power_cut_is_a_new_journal(path: Path) -> None:
    path.write_bytes(b"")
    with opened(path) as journal:
        journal.append([arrival([1])])


def test_a_journal_of_the_first_version_grows_up_with_its_dead_letters_counted(path: Path) -> None:
    first = resources.files("ingest.journal").joinpath("schema/0001.sql").read_text()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(f"{first}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1")
        letter = (
            "INSERT INTO dead_letter (at_ms, stage, reason, detail, topic, payload) VALUES (1, ?, 'r', 'd', 't', ?)"
        )
        db.executemany(letter, [("journal", b"x" * 10), ("influxdb", b"x" * 32)])
    with opened(path):
        pass
    assert rows(path, "SELECT letters, bytes, dropped FROM dead_letter_total") == [(2, 42, 0)]
    assert rows(path, "SELECT journal_letters, journal_bytes FROM dead_letter_total") == [(1, 10)]


def test_a_stored_journal_of_version_3_goes_on_where_each_sink_stood(path: Path) -> None:
    """journal_v3.sql: synthetic, `.dump` of a journal with 18 messages of three topics, in turn; sink `influxdb` had
    dealt with 7 of them, sink `commands` with 16."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript((Path(__file__).parent / "data" / "journal_v3.sql").read_text())
        db.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 3;")
    with opened(path) as journal:
        assert journal.append([arrival([1])]).counts["duplicate_messages"] == 1  # what was seen is still known
        for sink, stood_at in (("influxdb", 7), ("commands", 16), ("new", 0)):
            reader = JournalReader(path, sink)
            reader.open()
            assert reader.behind() == 18 - stood_at
            messages = reader.next()
            assert sorted(message.id for message in messages) == list(range(stood_at + 1, 19))
            assert [m.topic.rsplit("/")[-1] == "alert" for m in messages] == sorted(
                (m.topic.rsplit("/")[-1] == "alert" for m in messages), reverse=True
            )
            reader.done(messages, [])
            reader.close()
        assert [letter.reason for letter in list_letters(path, None, 9).shown] == ["truncated", "unknown_station"]
    assert rows(path, "SELECT sink, message_id FROM cursor ORDER BY sink") == [
        ("commands", 18),
        ("influxdb", 18),
        ("new", 18),
    ]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_it_asks_to_be_opened_first(path: Path) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        Journal(path).append([arrival([1])])
