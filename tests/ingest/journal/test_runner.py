"""The runner: the cursor moves only after a write, an outage is waited out, a bug is the supervisor's."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.supervision.supervisor import Supervisor
from ingest.errors import RetryLater
from ingest.journal import runner as module
from ingest.journal.journal import Journal
from ingest.journal.reader import JournalReader
from ingest.journal.runner import SinkRunner
from ingest.messages import DeadLetter, JournalMessage
from tests.ingest.journal.arrivals import arrival, opened, rows
from tests.support.waiting import wait_until


class NotebookSink:
    """A sink of the simplest kind: a set of numbers. `faults` are raised, one a write, before anything is noted."""

    def __init__(self, name: str, *faults: Exception, refuses: frozenset[int] = frozenset()) -> None:
        self.name = name
        self.noted: list[int] = []
        self._faults = list(faults)
        self._refuses = refuses

    def write(self, messages: Sequence[JournalMessage]) -> list[DeadLetter]:
        if self._faults:
            raise self._faults.pop(0)
        self.noted += [message.id for message in messages if message.id not in self._refuses]
        return [
            DeadLetter(self.name, "not_wanted", "", message.topic, message.payload, message.id)
            for message in messages
            if message.id in self._refuses
        ]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with opened(tmp_path / "journal.db") as made:
        yield made


@contextmanager
def running(journal: Journal, *sinks: NotebookSink) -> Iterator[tuple[list[SinkRunner], Counter[str], Counter[str]]]:
    """Runners under a supervisor, what they refused by reason, and which of them failed."""
    refused: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    runners = [SinkRunner(JournalReader(journal.path, sink.name), sink, refused.update) for sink in sinks]
    supervisor = Supervisor(lambda name: failed.update([name]))
    for runner in runners:
        supervisor.start(runner.name, runner.run)
    yield runners, refused, failed
    assert supervisor.stop()


def cursor(journal: Journal, sink: str) -> object:
    found = rows(journal.path, f"SELECT message_id FROM cursor WHERE sink = '{sink}'")
    return found[0][0] if found else None


def test_a_new_sink_begins_at_the_beginning_and_hears_news_at_once(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IDLE_S", 3600.0)  # by itself it would not look again before the test is over
    journal.append([arrival([n]) for n in range(1, 6)])
    sink = NotebookSink("notebook")
    with running(journal, sink) as ((runner,), _, _):
        wait_until("it has read all", lambda: sink.noted == [1, 2, 3, 4, 5])
        wait_until("it waits", lambda: runner.behind == 0)
        journal.append([arrival([6])])
        runner.wake()
        wait_until("it has read the news", lambda: sink.noted[-1] == 6)


@pytest.mark.expects_warnings
def test_the_cursor_moves_only_after_a_write(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    journal.append([arrival([n]) for n in range(1, 4)])
    sink = NotebookSink("notebook", RetryLater("it is away"), RetryLater("it is still away"))
    with running(journal, sink) as ((runner,), _, failed):
        wait_until("it is in trouble", lambda: runner.trouble == "it is away")
        assert (cursor(journal, "notebook"), runner.behind) == (0, 3)
        wait_until("it works again", lambda: cursor(journal, "notebook") == 3)
        wait_until("it says so", lambda: not runner.trouble)
    assert sink.noted == [1, 2, 3]
    assert not failed
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == ["notebook: it is away. The journal keeps everything until then"]  # once, not at every try


class Hurried(threading.Event):
    """Lets nobody wait, notes how long each would have, and is set at the end of the last."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.asked: list[float | None] = []
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout)
        if len(self.asked) == self._waits:
            self.set()
        return self.is_set()


@pytest.mark.expects_warnings
def test_it_backs_off_and_gives_the_patience_it_is_asked_for(journal: Journal) -> None:
    journal.append([arrival([1])])
    asks_for_patience = RetryLater("?", retry_after_s=2.5), RetryLater("?", retry_after_s=300)
    sink = NotebookSink("notebook", RetryLater("?"), RetryLater("?"), *asks_for_patience, *[RetryLater("?")] * 4)
    stop = Hurried(8)
    SinkRunner(JournalReader(journal.path, sink.name), sink, Counter().update).run(stop)
    assert stop.asked == [0.5, 1, 2.5, 300, 8, 16, 30, 30]


@pytest.mark.expects_warnings
def test_a_sink_with_a_bug_is_started_again_and_counted_and_others_go_on(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = NotebookSink("broken", KeyError("a bug"), KeyError("a bug")), NotebookSink("sound")
    journal.append([arrival([1])])
    with running(journal, broken, sound) as (runners, _, failed):
        wait_until("the sound one goes on", lambda: sound.noted == [1])
        wait_until("it is said", lambda: runners[0].trouble != "")
        assert cursor(journal, "broken") == 0
        wait_until("it was started again", lambda: broken.noted == [1])
        wait_until("it is well", lambda: not runners[0].trouble)
    assert failed == {"broken": 2}
    assert any(record.exc_info for record in caplog.records)  # a bug: the traceback belongs in the log


def test_what_a_sink_refuses_is_kept_and_counted_once(journal: Journal) -> None:
    journal.append([arrival([n]) for n in range(1, 6)])
    sink = NotebookSink("notebook", refuses=frozenset({2, 4}))
    with running(journal, sink) as (_, refused, _):
        wait_until("all is read", lambda: cursor(journal, "notebook") == 5)
        wait_until("it is counted", lambda: refused["not_wanted"] == 2)
    assert rows(journal.path, "SELECT message_id FROM dead_letter ORDER BY id") == [(2,), (4,)]
    assert refused == {"not_wanted": 2}


def test_it_ends_at_once_when_told(journal: Journal) -> None:
    sink = NotebookSink("notebook")
    stop = threading.Event()
    thread = threading.Thread(
        target=SinkRunner(JournalReader(journal.path, "notebook"), sink, lambda _: None).run, args=(stop,)
    )
    thread.start()
    stop.set()
    thread.join(1.0)
    assert not thread.is_alive()


def test_a_reading_takes_no_more_than_a_few_mebibytes_at_a_time(journal: Journal) -> None:
    journal.append([arrival([n])._replace(payload=arrival([n]).payload + bytes(200_000)) for n in range(1, 60)])
    reader = JournalReader(journal.path, "notebook")
    reader.open()
    messages = reader.next()
    assert len(messages) > 1
    assert sum(len(message.payload) for message in messages) < 1024 * 1024
    reader.done(messages, [])
    assert reader.next(1)[0].id == messages[-1].id + 1
    reader.close()
