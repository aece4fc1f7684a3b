"""Bare pages give the rows that SQLite gives, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.topics import Lane
from gateway.outbox.loose_pages import pages_of_file, pages_of_log, rows_of_page
from gateway.outbox.rows import Row, is_sound
from tests.gateway.outbox.boxes import SetClock, abandon, accepted, box

PAGE = 4096


def test_the_pages_of_a_file_and_its_log_hold_every_row(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    clock = SetClock()
    outbox = box(path, clock=clock)
    outbox.open()
    rng = random.Random(1)
    for number in range(900):
        clock.trusted = rng.random() < 0.5  # frozen and unfrozen rows
        outbox.accept(accepted([number], lane=Lane(number % 5), clock=clock))
        if number % 90 == 0:
            outbox.commit()
    outbox.commit()
    store = outbox._store._open_store
    assert store is not None
    rows = set(store.every_row())
    log = path.with_name("o.db-wal").read_bytes()
    main = path.read_bytes()
    abandon(outbox)
    pages = [*pages_of_log(log, PAGE), *pages_of_file(main, PAGE)]
    found = {row for page in pages for row in rows_of_page(page) if is_sound(row)}
    assert len(rows) == 900
    assert found == rows


@given(st.binary(min_size=64, max_size=PAGE), st.sampled_from((2, 10)))
def test_noise_never_raises(noise: bytes, kind: int) -> None:
    for page in (noise, bytes((kind,)) + noise[1:]):
        assert not any(is_sound(row) for row in rows_of_page(page) if isinstance(row, Row))


def test_a_page_that_is_all_pointers_is_read_in_bounded_time() -> None:
    page = bytes((10, 0, 0, 0xFF, 0xFF, 0, 0, 0)) + b"\x00\x08" * 2044
    assert sum(1 for _ in rows_of_page(page)) <= 2044
