"""Whatever the file looks like, the outbox opens, says so once, carries over what can be read, and goes on."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.contract.entries import Entry
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Outbox
from tests.gateway.outbox.boxes import abandon, accepted, box, identities, numbers_in, opened

pytestmark = pytest.mark.expects_warnings
PAGE = 4096
Identities = dict[tuple[bytes, int], Entry]


class Sample:
    """An outbox as a power cut leaves it: three epochs, several lanes, most of it in the file, the last in the log."""

    def __init__(self, directory: Path) -> None:
        path = directory / "sample.db"
        with opened(path) as outbox:
            outbox.accept(accepted(range(300)), replay={"aabbccdd": (300, 1)})
            outbox.accept(accepted(range(5000, 5040), lane=Lane.ALERT))
        with opened(path) as outbox:
            outbox.accept(accepted(range(300, 600)))
        outbox = box(path)
        outbox.open()
        outbox.accept(accepted(range(600, 700)), replay={"aabbccdd": (700, 1), "00000001": (1, 1)})
        outbox.accept(accepted(range(6000, 6010), lane=Lane.ALERT))
        outbox.commit()
        self.entries: Identities = identities(outbox)
        self.tallies = outbox.tallies()
        self.main = path.read_bytes()
        self.log = path.with_name("sample.db-wal").read_bytes()
        abandon(outbox)
        assert len(self.entries) == 750
        assert len(self.main) > 10 * PAGE
        assert len(self.log) > 4 * PAGE

    def lay(self, path: Path, main: bytes | None, log: bytes | None) -> Path:
        """Put down a (spoilt) copy of it."""
        for suffix, content in (("", main), ("-wal", log)):
            if content is not None:
                path.with_name(path.name + suffix).write_bytes(content)
        return path


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("sample"))


def check(path: Path, sample: Sample, caplog: pytest.LogCaptureFixture, *, least: int = 0, quiet: bool = False) -> int:
    """Open it and hold it to its promise; how many entries came over. quiet: it may be opened without a word (what is
    lost left no trace)."""
    caplog.clear()
    outbox = box(path)
    outbox.open()
    try:
        warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
        if warnings or not quiet:
            assert len(warnings) == 1
            aside = re.search(r"set aside as (\S+);", warnings[0])
            assert aside is not None, warnings
            assert any(Path(aside[1]).parent.glob(Path(aside[1]).name + "*"))
            assert outbox.tallies()["outbox", "set_aside"] == 1
        epoch = outbox.state().epoch
        assert epoch not in {known for known, _ in sample.entries}
        assert outbox.state().trouble == ""
        carried = identities(outbox)
        for identity, entry in carried.items():
            assert sample.entries[identity] == entry  # nothing altered, nothing invented
        assert len(carried) == outbox.state().entries >= least
        outbox.accept(accepted([9000]))
        outbox.accept(accepted([9001], lane=Lane.ALERT))
        assert numbers_in(outbox)[-1:] == [9000]
        assert numbers_in(outbox, Lane.ALERT)[-1:] == [9001]
        assert outbox.forget({epoch: RangeSet([(1, 2)])}) == 2
    finally:
        outbox.close()
    caplog.clear()
    with opened(path) as again:
        assert identities(again) == carried
        assert caplog.records == []  # it is sound now, and says nothing
    return len(carried)


def cuts(size: int) -> list[int]:
    rng = random.Random(9)
    borders = [border + by for border in range(0, size + 1, PAGE) for by in (-1, 0, 1)]
    between = [rng.randrange(size) for _ in range(12)]
    return sorted({cut for cut in (*borders, *between, 16, 99, 100) if 0 <= cut < size})


@pytest.mark.slow
@pytest.mark.parametrize("with_log", [True, False], ids=["log", "no log"])
def test_a_file_truncated_anywhere(
    tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture, with_log: bool
) -> None:
    carried = {}
    for cut in cuts(len(sample.main)):
        directory = tmp_path / str(cut)
        directory.mkdir()
        path = sample.lay(directory / "o.db", sample.main[:cut], sample.log if with_log else None)
        carried[cut] = check(path, sample, caplog, quiet=True)
        shutil.rmtree(directory)
    assert carried[max(carried)] > 600  # a byte short of whole
    assert carried[15 * PAGE] > 400  # what comes before the cut is carried over


@pytest.mark.slow
def test_a_log_truncated_anywhere_gives_what_was_committed_before(
    tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture
) -> None:
    """As SQLite means it: a torn commit is no commit; nothing else is lost and nobody is alarmed."""
    rng = random.Random(10)
    lengths = {0, 1, 31, 32, 33, *(rng.randrange(len(sample.log)) for _ in range(12)), len(sample.log) - 1}
    for cut in sorted(lengths):
        directory = tmp_path / str(cut)
        directory.mkdir()
        path = sample.lay(directory / "o.db", sample.main, sample.log[:cut])
        assert check(path, sample, caplog, least=640, quiet=True) >= 640
        shutil.rmtree(directory)


Spoil = Callable[[bytearray, random.Random], None]


def _zero(start: int, stop: int | None) -> Spoil:
    def spoil(file: bytearray, _: random.Random) -> None:
        end = len(file) if stop is None else stop
        file[start:end] = bytes(end - start)

    return spoil


def _noise(page: int) -> Spoil:
    def spoil(file: bytearray, rng: random.Random) -> None:
        file[page * PAGE : (page + 1) * PAGE] = rng.randbytes(PAGE)

    return spoil


def _both(one: Spoil, other: Spoil) -> Spoil:
    def spoil(file: bytearray, rng: random.Random) -> None:
        one(file, rng)
        other(file, rng)

    return spoil


SPOILT_MAIN: dict[str, tuple[Spoil, int]] = {
    "all zeros": (_zero(0, None), 0),
    "first page zeros": (_zero(0, PAGE), 600),
    "first 100 bytes zeros": (_zero(0, 100), 600),
    "first page noise": (_noise(0), 600),
    "second half of the first page zeros": (_zero(PAGE // 2, PAGE), 600),
    "a middle page zeros": (_zero(9 * PAGE, 10 * PAGE), 500),
    "a middle page noise": (_noise(8), 500),
    "two pages noise": (_both(_noise(8), _noise(10)), 400),
    "the end zeros": (_zero(13 * PAGE, None), 280),
}


@pytest.mark.parametrize("how", SPOILT_MAIN)
def test_a_file_spoilt_in_part(tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture, how: str) -> None:
    spoil, least = SPOILT_MAIN[how]
    file = bytearray(sample.main)
    spoil(file, random.Random(how))
    path = sample.lay(tmp_path / "o.db", bytes(file), None)
    check(path, sample, caplog, least=least)


def test_every_page_turned_into_noise(tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture) -> None:
    carried = []
    for page in range(len(sample.main) // PAGE):
        directory = tmp_path / str(page)
        directory.mkdir()
        file = bytearray(sample.main)
        _noise(page)(file, random.Random(page))
        carried.append(check(sample.lay(directory / "o.db", bytes(file), None), sample, caplog, quiet=True))
    # One page holds about fifty entries; only the page that leads to all of them costs more.
    assert sorted(carried)[1] > 500


def test_a_log_of_zeros(tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture) -> None:
    path = sample.lay(tmp_path / "o.db", sample.main, bytes(len(sample.log)))
    check(path, sample, caplog, least=640, quiet=True)


def test_a_log_of_noise(tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture) -> None:
    path = sample.lay(tmp_path / "o.db", sample.main, random.Random(1).randbytes(len(sample.log)))
    check(path, sample, caplog, least=640, quiet=True)


@pytest.mark.parametrize("main", [b"", None], ids=["empty", "gone"])
def test_a_log_without_its_file_is_not_thrown_away(
    tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture, main: bytes | None
) -> None:
    """SQLite would delete the log. It holds the pages of the last commits: here all alerts of the last epoch."""
    path = sample.lay(tmp_path / "o.db", main, sample.log)
    check(path, sample, caplog)
    assert [p.read_bytes() for p in tmp_path.glob("o.db.damaged-0001-wal")] == [sample.log]


def test_a_young_log_without_its_file_is_carried_over_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "o.db"
    outbox = box(path)
    outbox.open()
    outbox.accept(accepted(range(50)))
    outbox.commit()
    before = identities(outbox)
    log = path.with_name("o.db-wal").read_bytes()
    abandon(outbox)
    path.write_bytes(b"")
    path.with_name("o.db-wal").write_bytes(log)
    with opened(path) as outbox:
        assert set(identities(outbox)) <= set(before)
        assert outbox.tallies()["outbox", "set_aside"] == 1


def test_a_directory_in_its_place(tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "o.db"
    (path / "inside").mkdir(parents=True)
    check(path, sample, caplog)
    assert (tmp_path / "o.db.damaged-0001" / "inside").is_dir()


def test_a_file_of_another_application(tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "o.db"
    db = sqlite3.connect(path)
    db.executescript("PRAGMA application_id = 7; CREATE TABLE t (x); INSERT INTO t VALUES (42);")
    db.close()
    before = path.read_bytes()
    check(path, sample, caplog)
    assert (tmp_path / "o.db.damaged-0001").read_bytes() == before


def test_a_text_file(tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "o.db"
    path.write_text("listas de compras\n" * 1000)
    check(path, sample, caplog)


def test_a_file_of_a_later_version_is_carried_over_as_far_as_it_is_understood(
    tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture
) -> None:
    path = sample.lay(tmp_path / "o.db", sample.main, sample.log)
    db = sqlite3.connect(path)
    db.executescript(
        "ALTER TABLE entry ADD COLUMN mood TEXT DEFAULT 'good'; ALTER TABLE run ADD COLUMN more INTEGER;"
        " CREATE TABLE novelty (x); PRAGMA user_version = 99;"
    )
    db.close()
    assert check(path, sample, caplog) == 750


def test_counters_and_guards_are_carried_over(tmp_path: Path, sample: Sample) -> None:
    file = bytearray(sample.main)
    _noise(9)(file, random.Random(2))
    path = sample.lay(tmp_path / "o.db", bytes(file), sample.log)
    with opened(path) as outbox:
        assert outbox.replay() == {"aabbccdd": (700, 1), "00000001": (1, 1)}
        tallies = outbox.tallies()
        assert {key: tallies[key] for key in sample.tallies} == sample.tallies


def test_what_is_set_aside_is_kept_and_only_the_last_three(tmp_path: Path, sample: Sample) -> None:
    path = tmp_path / "o.db"
    for number in range(1, 7):
        content = bytes([number]) * 9000
        path.write_bytes(content)
        with opened(path):
            pass
        assert (tmp_path / f"o.db.damaged-{number:04d}").read_bytes() == content
    assert sorted(p.name for p in tmp_path.glob("*damaged*")) == [f"o.db.damaged-{n:04d}" for n in (4, 5, 6)]


def test_a_damaged_file_is_not_altered_by_reading_it(tmp_path: Path, sample: Sample) -> None:
    """Neither the file nor its log, when the log has nothing that SQLite moves at the first touch."""
    file = bytearray(sample.main)
    _zero(0, PAGE)(file, random.Random())
    path = sample.lay(tmp_path / "o.db", bytes(file), None)
    with opened(path):
        assert (tmp_path / "o.db.damaged-0001").read_bytes() == bytes(file)
    assert not list(tmp_path.glob("*.reading*"))


def test_an_entry_whose_lane_has_rotted_does_not_hide_those_behind_it(tmp_path: Path, sample: Sample) -> None:
    """A lane is the first word of an entry's place: a search ends at one that does not belong there."""
    path = sample.lay(tmp_path / "o.db", sample.main, None)
    db = sqlite3.connect(path)
    db.execute("UPDATE entry SET lane = 18 WHERE lane = 2 AND run = 2 AND sequence = 100")
    db.commit()
    db.close()
    with opened(path) as outbox:
        assert outbox.tallies()["outbox", "set_aside"] == 1
        outbox.accept(accepted([9000]))
        outbox.commit()
        assert numbers_in(outbox)[-1:] == [9000]
        assert outbox.state().entries == len(identities(outbox))


def test_a_bit_flipped_anywhere_alters_nothing_that_is_given_out(
    tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture
) -> None:
    """A card that rots: also in a time, a number or a lane, which SQLite cannot know."""
    rng = random.Random(77)
    for number in range(60):
        directory = tmp_path / str(number)
        directory.mkdir()
        file = bytearray(sample.main)
        file[rng.randrange(len(file))] ^= 1 << rng.randrange(8)
        with opened(sample.lay(directory / "o.db", bytes(file), None)) as outbox:
            for identity, entry in identities(outbox).items():
                assert sample.entries[identity] == entry
            outbox.accept(accepted([9000]))
            outbox.commit()
            assert numbers_in(outbox)[-1:] == [9000]
        shutil.rmtree(directory)


# at work


def spoil_under(outbox: Outbox, path: Path, page: int) -> None:
    """Noise over a page of the file of an open outbox, its own memory of it dropped."""
    store = outbox._store._open_store
    assert store is not None
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with path.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(random.Random(page).randbytes(PAGE))
    store._db.execute("PRAGMA shrink_memory")


@pytest.mark.parametrize("page", [0, 1, 2, 8, 9, 11])
@pytest.mark.parametrize("first", ["accept", "take", "forget", "replay"])
def test_damage_met_at_work_is_no_end(
    tmp_path: Path, sample: Sample, caplog: pytest.LogCaptureFixture, page: int, first: str
) -> None:
    path = sample.lay(tmp_path / "o.db", sample.main, sample.log)
    with opened(path) as outbox:
        generation = outbox.generation
        spoil_under(outbox, path, page)
        some = next(iter(sample.entries))[0]
        match first:
            case "accept":
                outbox.accept(accepted([9000], lane=Lane.ALERT))
            case "take":
                outbox.take(Lane.READING, limit=4096)
            case "forget":
                outbox.forget({some: RangeSet([(1, 1)])})
            case "replay":
                outbox.replay()
        before = outbox.generation
        given_out = identities(outbox)
        if outbox.generation != before:  # damage met on the way: begin anew, as the uplink does
            given_out = identities(outbox)
        for identity, entry in given_out.items():
            assert sample.entries.get(identity, entry) == entry
        outbox.accept(accepted([9001], lane=Lane.ALERT))
        outbox.commit()
        assert numbers_in(outbox, Lane.ALERT)[-1] == 9001
        assert outbox.state().trouble == ""
        if (tmp_path / "o.db.damaged-0001").exists():
            assert outbox.generation > generation
            assert len(given_out) > 400
        warnings = [r for r in caplog.records if r.levelname == "WARNING"]
        assert len([r for r in warnings if "set aside" in r.getMessage()]) <= 1
    with opened(path) as outbox:
        assert 9001 in numbers_in(outbox, Lane.ALERT)
