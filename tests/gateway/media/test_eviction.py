"""What goes when room is short, in which order; and what is remembered over restarts, whatever becomes of the index."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from firmware_bridge.readings import Attachment, Kind, make_reading
from gateway.media.index import FileState
from gateway.media.store import INDEX, MediaStore

SIZE = 10_000
ROOM = 8 * SIZE


def opened(path: Path) -> MediaStore:
    store = MediaStore(path / "media", max_bytes=ROOM, dear_labels={"person"})
    store.open()
    return store


def keep(store: MediaStore, path: Path, label: str, number: int) -> tuple[str, Counter[str]]:
    content = f"{label} {number} ".encode().ljust(SIZE - 1000, b".")
    (path / "card.jpg").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    reading = make_reading(Kind.CAMERA_DETECTION, "camara-1", {"picture_number": number}, label=label)
    return sha256, store.keep(Attachment(sha256, "image/jpeg", len(content), str(path / "card.jpg")), reading)


def test_the_least_missed_go_first(tmp_path: Path) -> None:
    store = opened(tmp_path)
    labels = ["person", "person", "tapir", "tapir", "tapir", "person", "tapir", "tapir"]
    hashes = [keep(store, tmp_path, label, number)[0] for number, label in enumerate(labels)]
    for number in (1, 4, 6):
        store.mark(hashes[number], FileState.DELIVERED)
    assert store.want(hashes[2]) == ""
    store.mark(hashes[3], FileState.REFUSED, "too_large")
    store.close()
    store = opened(tmp_path)  # it is remembered
    gone: list[int] = []
    counts: Counter[str] = Counter()
    for number in range(20, 28):
        new, counted = keep(store, tmp_path, "person", number)
        counts += counted
        gone += [n for n, sha256 in enumerate(hashes) if store.find(sha256) is None and n not in gone]
        assert store.find(new) is not None
    # Delivered: tapirs, then people. Then what nobody wants. Then what goes whole or is asked for, the oldest first.
    assert gone == [4, 6, 1, 3, 7, 0, 2, 5]
    assert counts == {"evicted_delivered": 3, "evicted_undelivered": 5}
    assert store.state().files == 8
    assert store.state().bytes <= ROOM
    store.close()


def test_what_people_see_of_it(tmp_path: Path) -> None:
    store = opened(tmp_path)
    first, _ = keep(store, tmp_path, "person", 1)
    second, _ = keep(store, tmp_path, "tapir", 2)
    store.progress(first, 4500)
    store.mark(second, FileState.REFUSED, "quota")
    newest, oldest = store.recent(10)
    assert (newest.card.sha256, newest.state, newest.reason, newest.is_wanted) == (
        second,
        FileState.REFUSED,
        "quota",
        False,
    )
    assert (oldest.card.sha256, oldest.held_ratio, oldest.thumbnail) == (first, 0.5, None)
    assert oldest.path.read_bytes().startswith(b"person 1")
    assert len(store.recent(1)) == 1
    store.want(second)
    assert store.recent(1)[0].is_wanted
    store.close()


@pytest.mark.expects_warnings
@pytest.mark.parametrize("damage", ["noise", "empty", "gone", "foreign", "later"])
def test_without_its_index_nothing_is_lost(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    store = opened(tmp_path)
    sha256, _ = keep(store, tmp_path, "person", 1)
    store.mark(sha256, FileState.DELIVERED)
    store.close()
    index = tmp_path / "media" / INDEX
    if damage == "noise":
        index.write_bytes(b"noise" * 10_000)
    elif damage == "empty":
        index.write_bytes(b"")
    elif damage == "gone":
        index.unlink()
    else:
        db = sqlite3.connect(index)
        db.execute("PRAGMA application_id = 7" if damage == "foreign" else "PRAGMA user_version = 99")
        db.commit()
        db.close()
    store = opened(tmp_path)
    (file,) = store.files()
    assert (file.sha256, file.label, file.state) == (sha256, "person", FileState.KEPT)
    store.mark(sha256, FileState.DELIVERED)
    store.close()
    warned = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warned) == (0 if damage in ("empty", "gone") else 1)
    store = opened(tmp_path)
    assert store.files()[0].state is FileState.DELIVERED
    store.close()
