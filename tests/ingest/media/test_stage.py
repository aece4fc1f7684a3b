"""Files come in pieces, in any order, and are stored only when they are what their hash says; hostile ones are not."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from gateway.contract.media import Answer, Chunk, Status
from gateway.contract.ranges import RangeSet
from ingest.media import stage as module
from ingest.media.rows import FileState
from ingest.registry import Registry
from tests.ingest.media.hub import STATION, Hub, announcement, chunks, sha256_of
from tests.support.waiting import wait_until

PICTURE = random.Random(1).randbytes(10_500)
SHA = sha256_of(PICTURE)


@pytest.fixture
def hub(tmp_path: Path, registry: Registry) -> Hub:
    return Hub(tmp_path / "media", registry)


def test_a_file_that_comes_in_any_order_is_stored_with_its_card(hub: Hub, seed: int) -> None:
    with hub:
        hub.send(announcement(PICTURE))
        assert hub.answer(SHA) == Answer(Status.HELD)
        pieces = chunks(PICTURE) * 2
        random.Random(seed).shuffle(pieces)
        hub.send(*pieces)
        hub.wait_state(SHA, FileState.STORED)
        wait_until("the post is told", lambda: hub.answer(SHA) == Answer(Status.COMPLETE))
        assert hub.parts == []
        assert hub.media.counts()["media_bytes"] == len(PICTURE)
        assert hub.media.counts()["media_stored_files"] == 1
        hub.send(announcement(PICTURE), *chunks(PICTURE)[:2], (SHA, "00" * 32))
        assert hub.answer(SHA) == Answer(Status.COMPLETE)
        assert hub.answer("00" * 32) == Answer(Status.UNKNOWN)
    files = hub.files
    assert set(files) == {f"{SHA[:2]}/{SHA}.jpg", f"{SHA[:2]}/{SHA}.{STATION}.json"}
    assert files[f"{SHA[:2]}/{SHA}.jpg"] == PICTURE
    assert json.loads(files[f"{SHA[:2]}/{SHA}.{STATION}.json"]) == {
        "sha256": SHA,
        "file": f"{SHA[:2]}/{SHA}.jpg",
        "size_bytes": len(PICTURE),
        "media_type": "image/jpeg",
        "station": STATION,
        "territory": "yaguas",
        "sensor": "camara-1",
        "label": "person",
        "time": "2025-06-15T15:06:40.000+00:00",
        "time_quality": "ntp",
        "time_uncertainty_seconds": 0.008,
        "number": 1,
        "of": 1,
        "notes": {"make": "RECONYX"},
    }
    assert hub.media.discards() == {}


def test_it_says_what_it_holds_and_goes_on_after_a_restart(hub: Hub) -> None:
    pieces = chunks(PICTURE)
    with hub:
        hub.send(announcement(PICTURE), *pieces[:3], pieces[5])
        assert hub.answer(SHA) == Answer(Status.HELD, RangeSet([(1, 3000), (5001, 6000)]))
    with hub:
        hub.send((SHA,))
        assert hub.answer(SHA) == Answer(Status.HELD, RangeSet([(1, 3000), (5001, 6000)]))
        hub.send(*pieces[3:5], *pieces[6:])
        hub.wait_state(SHA, FileState.STORED)
    assert hub.files[f"{SHA[:2]}/{SHA}.jpg"] == PICTURE


def test_two_posts_with_one_content_store_it_once_and_have_a_card_each(hub: Hub) -> None:
    with hub:
        hub.send(announcement(PICTURE), *chunks(PICTURE))
        hub.wait_state(SHA, FileState.STORED)
        hub.send(*chunks(PICTURE)[:1], (SHA,), station="puesto-dos")
        # Nobody learns from headquarters what another post has.
        assert hub.answer(SHA, "puesto-dos") == Answer(Status.UNKNOWN)
        hub.send(announcement(PICTURE, sensor="otra"), *chunks(PICTURE), station="puesto-dos")
        hub.wait_state(SHA, FileState.STORED, "puesto-dos")
    assert len(hub.files) == 3
    assert hub.media.discards() == {"not_announced": 1}


def test_a_file_that_is_not_what_its_hash_says_begins_anew_and_is_given_up_in_the_end(hub: Hub) -> None:
    lie = "ab" * 32
    with hub:
        hub.send(announcement(PICTURE, lie))
        for attempt in (1, 2):
            hub.send(*chunks(PICTURE, lie))
            wait_until("it begins anew", lambda attempt=attempt: hub.row(lie).failures == attempt)  # type: ignore[misc]  # bound now
            wait_until("the post is told", lambda: hub.answer(lie) == Answer(Status.HELD))
        hub.send(*chunks(PICTURE, lie))
        hub.wait_state(lie, FileState.REFUSED)
        wait_until("it is told", lambda: hub.answer(lie) == Answer(Status.REFUSED, reason="hash_mismatch"))
        hub.send(*chunks(PICTURE, lie)[:2])
        assert hub.answer(lie) == Answer(Status.REFUSED, reason="hash_mismatch")
        assert hub.parts == []
        hub.send(announcement(PICTURE, lie))
        assert hub.answer(lie) == Answer(Status.HELD), "somebody asked for it once more"
    assert hub.files == {}
    assert hub.media.discards()["hash_mismatch"] == 3


def test_bytes_that_contradict_those_that_came_before_begin_it_anew(hub: Hub) -> None:
    other = bytes(1500)
    with hub:
        hub.send(announcement(PICTURE), *chunks(PICTURE)[:3])
        hub.send(Chunk(SHA, len(PICTURE), 2500, other))
        assert hub.answer(SHA) == Answer(Status.HELD)
        assert hub.media.discards() == {"overlap_differs": 1}
        # What overlaps and agrees is welcome.
        hub.send(*chunks(PICTURE, size=700), *chunks(PICTURE, size=1300))
        hub.wait_state(SHA, FileState.STORED)
    assert hub.files[f"{SHA[:2]}/{SHA}.jpg"] == PICTURE
    assert hub.parts == []


def test_what_breaks_the_contract_is_counted_and_changes_nothing(hub: Hub) -> None:
    with hub:
        hub.send(announcement(PICTURE), *chunks(PICTURE)[:1])
        hub.send(b"", b"\x02\x01", os.urandom(300), b"\x01\x02" + bytes(40), b"\x01\x01" + bytes(20_000))
        hub.send(Chunk(SHA, len(PICTURE) + 1, 5000, b"of another size"))
        assert hub.answer(SHA) == Answer(Status.HELD, RangeSet([(1, 1000)]))
        assert hub.media.discards() == {
            "unknown_version": 3,
            "bad_chunk": 1,
            "too_large": 1,
            "size_mismatch": 1,
        }
        hub.send(*chunks(PICTURE))
        hub.wait_state(SHA, FileState.STORED)


def test_a_stranger_is_refused_until_it_is_registered(hub: Hub) -> None:
    with hub:
        hub.send(announcement(PICTURE), *chunks(PICTURE)[:1], (SHA,), station="nadie")
        assert hub.answer(SHA, "nadie") == Answer(Status.REFUSED, reason="unknown_station", retry_after_s=3600)
        assert hub.media.index.get("nadie", SHA) is None
        assert hub.media.discards() == {"unknown_station": 3}


def test_a_post_has_quotas(tmp_path: Path, registry: Registry) -> None:
    hub = Hub(
        tmp_path / "media", registry, max_file_megabytes=1, max_open_megabytes=2, max_open_files=3, max_announced=5
    )
    big = announcement(bytes(2_000_000), "ee" * 32)
    files = [random.Random(n).randbytes(800_000) for n in range(4)]
    with hub:
        hub.send(big)
        assert hub.answer(big.sha256) == Answer(Status.REFUSED, reason="too_large")
        hub.send(*(announcement(file) for file in files))
        hub.send(*(chunks(file, size=5000)[0] for file in files))
        answers = [hub.answer(sha256_of(file)) for file in files]
        assert [a.status for a in answers if a] == [
            Status.HELD,
            Status.HELD,
            Status.REFUSED,
            Status.REFUSED,
        ]
        assert answers[3] == Answer(Status.REFUSED, reason="quota", retry_after_s=600)
        hub.send(chunks(files[2], size=5000)[0], station=STATION)
        hub.send(announcement(files[2]), chunks(files[2], size=5000)[0], station="puesto-dos")
        begun = Answer(Status.HELD, RangeSet([(1, 5000)]))
        assert hub.answer(sha256_of(files[2]), "puesto-dos") == begun, "another post is not concerned"
        # One that is done makes room.
        hub.send(*chunks(files[0], size=50_000))
        hub.wait_state(sha256_of(files[0]), FileState.STORED)
        hub.send(chunks(files[2], size=5000)[0])
        assert hub.answer(sha256_of(files[2])) == begun
        # Announcements beyond the bound push out the oldest, never what has come in part.
        hub.send(*(announcement(f"{n}".encode()) for n in range(20)))
        assert hub.media.index.get(STATION, sha256_of(b"0")) is None
        assert hub.row(sha256_of(b"19")).state is FileState.ANNOUNCED
        assert hub.row(sha256_of(files[1])).state is FileState.PARTIAL
        assert hub.media.counts()["media_forgotten"] >= 10


def test_what_nobody_goes_on_with_makes_room(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ABANDONED_MS", -1)
    files = [random.Random(n).randbytes(5000) for n in range(3)]
    with Hub(tmp_path / "media", registry, max_open_files=2) as hub:
        for file in files:
            hub.send(announcement(file), chunks(file)[0])
        assert hub.answer(sha256_of(files[2])) == Answer(Status.HELD, RangeSet([(1, 1000)]))
        assert hub.row(sha256_of(files[0])).state is FileState.ANNOUNCED
        assert len(hub.parts) == 2
        assert hub.media.discards() == {"abandoned_part": 1}
        hub.send(*chunks(files[0]))
        hub.wait_state(sha256_of(files[0]), FileState.STORED)


def test_a_file_in_too_many_pieces_is_not_kept_so(hub: Hub) -> None:
    with hub:
        hub.send(announcement(PICTURE))
        hub.send(*(Chunk(SHA, len(PICTURE), at, PICTURE[at : at + 1]) for at in range(0, 1400, 2)))
        assert hub.row(SHA).ranges.count_ranges() == 512
        assert hub.media.discards() == {"too_many_pieces": 188}
        hub.send(*chunks(PICTURE))
        hub.wait_state(SHA, FileState.STORED)


def test_while_the_disk_is_nearly_full_nothing_is_begun(tmp_path: Path, registry: Registry) -> None:
    full = Answer(Status.REFUSED, reason="disk_full", retry_after_s=600)
    with Hub(tmp_path / "media", registry) as hub:
        hub.send(announcement(PICTURE))
    with Hub(tmp_path / "media", registry, keep_free_megabytes=10_000_000) as hub:
        hub.send(*chunks(PICTURE)[:2])
        assert hub.answer(SHA) == full
        assert hub.parts == []
        other = bytes(5000)
        hub.send(announcement(other))
        assert hub.answer(sha256_of(other)) == full
        assert hub.media.index.get(STATION, sha256_of(other)) is None
        hub.send((sha256_of(other),))
        assert hub.answer(sha256_of(other)) == Answer(Status.UNKNOWN), "it is announced again later"


@pytest.mark.expects_warnings
def test_a_disk_that_takes_nothing_holds_no_message_back(hub: Hub, tmp_path: Path) -> None:
    with hub:
        hub.send(announcement(PICTURE))
        place = tmp_path / "media" / "partial"
        place.rmdir() if place.exists() else None
        place.write_text("a file where the directory should be")
        hub.send(*chunks(PICTURE)[:3])
        assert hub.media.status().last_error is not None
        assert hub.media.discards()["unwritable"] == 3
        assert hub.answer(SHA) == Answer(Status.HELD), "what is not on disk is not answered for"
        place.unlink()
        hub.send(*chunks(PICTURE))
        hub.wait_state(SHA, FileState.STORED)
        assert hub.media.status().last_error is None


def test_more_than_the_queue_takes_is_dropped_and_acknowledged(hub: Hub) -> None:
    taken = 0

    def acknowledge() -> None:
        nonlocal taken
        taken += 1

    stage = hub.__enter__().media.stage
    hub.__exit__(None, None, None)  # nobody takes anything out
    for _ in range(module.QUEUE_MESSAGES + 10):
        stage.take(f"vigia/1/{STATION}/up/media", b"x", acknowledge)
    assert taken == 10
    assert stage.discards == {"overflow": 10}


@pytest.mark.parametrize("where", ["before the row", "after the row", "part gone", "part spoilt"])
def test_a_kill_between_part_and_index_costs_bytes_at_most(hub: Hub, where: str) -> None:
    """The part is synced before the index says so: a kill leaves more in the part, or an old part, never less."""
    pieces = chunks(PICTURE)
    with hub:
        hub.send(announcement(PICTURE), *pieces[:4])
        (part,) = hub.parts
    if where == "before the row":  # a chunk is in the part, and the index does not know
        with part.open("r+b") as file:
            file.seek(4000)
            file.write(PICTURE[4000:5000])
    elif where == "after the row":  # a part of an earlier attempt was not deleted any more
        part.with_name(f"{SHA}.7.part").write_bytes(b"old")
    elif where == "part gone":
        part.unlink()
    else:
        part.write_bytes(bytes(4000))
    with hub:
        hub.send((SHA,))
        wait_until("old parts are gone", lambda: not [p for p in hub.parts if p.name.endswith(".7.part")])
        while hub.row(SHA).state is not FileState.STORED:
            held = hub.row(SHA).ranges
            missing = [piece for piece in pieces if piece.offset + 1 not in held]
            if missing:
                hub.send(*missing)
            else:
                wait_until("it is decided", lambda: hub.row(SHA).state is not FileState.WHOLE)
    assert hub.files[f"{SHA[:2]}/{SHA}.jpg"] == PICTURE
    assert hub.parts == []
