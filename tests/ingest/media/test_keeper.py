"""One file that cannot be stored holds no other; a store that is away is not asked once for each."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ingest.media import keeper as module
from ingest.media.archive import Archive
from ingest.media.rows import FileState
from ingest.registry import Registry
from tests.ingest.media.hub import Hub, announcement, chunks, sha256_of
from tests.support.waiting import wait_until

PICTURES = [random.Random(number).randbytes(2500) for number in range(5)]
NAMES = [sha256_of(picture) for picture in PICTURES]


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that the store was asked to take."""
    asked: list[str] = []
    put = Archive.put

    def noted(self: Archive, name: str, source: Path, sha256: str, size_bytes: int) -> None:
        asked.append(sha256)
        put(self, name, source, sha256, size_bytes)

    monkeypatch.setattr(Archive, "put", noted)
    return asked


def send(hub: Hub) -> None:
    for picture in PICTURES:
        hub.send(announcement(picture), *chunks(picture))


@pytest.mark.slow
@pytest.mark.expects_warnings
def test_files_that_the_store_does_not_take_hold_no_other_and_are_tried_again(
    tmp_path: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    store = tmp_path / "store"
    in_the_way = [store / name[:2] / f"{name}.jpg" for name in NAMES[:2]]
    for path in in_the_way:
        path.mkdir(parents=True)
    with Hub(tmp_path / "media", registry, store=f"file://{store}") as hub:
        send(hub)
        for name in NAMES[2:]:
            hub.wait_state(name, FileState.STORED)
        wait_until("two are left", lambda: hub.media.status().behind == 2)
        assert any(name in str(hub.media.status().last_error) for name in NAMES[:2])
        assert [hub.row(name).state for name in NAMES[:2]] == [FileState.WHOLE] * 2
        for path in in_the_way:
            path.rmdir()
        for name in NAMES[:2]:
            hub.wait_state(name, FileState.STORED)
        wait_until("all is well", lambda: hub.media.status().last_error is None)
        assert hub.media.status().behind == 0
    assert sum("pictures wait to be stored" in record.message for record in caplog.records) == 1


@pytest.mark.expects_warnings
def test_a_store_that_is_away_costs_one_try_a_round_each_time_of_another_file(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, tries: list[str]
) -> None:
    monkeypatch.setattr(module, "_FIRST_WAIT_S", 3600.0)
    blocked = tmp_path / "store"
    blocked.write_text("a file where the directory should be")
    hub = Hub(tmp_path / "media", registry, store=f"file://{blocked}")
    with hub:
        send(hub)
    tries.clear()
    with hub:
        wait_until("a round is over", lambda: hub.media.status().last_error is not None)
        assert hub.media.status().behind == len(PICTURES)
        assert tries == NAMES[:1]
    monkeypatch.setattr(module, "_FIRST_WAIT_S", 0.01)
    tries.clear()
    with hub:
        wait_until("each was tried", lambda: set(tries) == set(NAMES))
        blocked.unlink()
        for name in NAMES:
            hub.wait_state(name, FileState.STORED)
