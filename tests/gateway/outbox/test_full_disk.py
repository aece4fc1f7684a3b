"""A full, forbidden or missing disk: never a raise, alerts are kept while the rest goes, and what goes is counted."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from gateway.contract.topics import Lane
from gateway.outbox.ballast import BALLAST_BYTES, Ballast
from tests.gateway.outbox.boxes import accepted, box, numbers_in, opened
from tests.gateway.outbox.small_disk import NEEDS_NO_MOUNT, SCENARIOS

ROOT = Path(__file__).parents[3]


@cache
def own_mounts() -> tuple[str, ...]:
    """The command that gives a process mounts of its own, here."""
    for command in (("unshare", "-m"), ("unshare", "-rm")):
        try:
            tried = subprocess.run([*command, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
        except FileNotFoundError:
            break
        if tried.returncode == 0:
            return command
    pytest.fail("the tests of a full disk need mounts of their own: run them as root, or allow user namespaces")


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_on_a_small_disk(scenario: str, tmp_path: Path) -> None:
    command = () if scenario in NEEDS_NO_MOUNT else own_mounts()
    done = subprocess.run(
        [*command, sys.executable, "-m", "tests.gateway.outbox.small_disk", scenario, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-6000:]


@pytest.mark.expects_warnings
def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with opened(tmp_path / "file" / "vigia" / "o.db") as outbox:
        outbox.accept(accepted([1], lane=Lane.ALERT))
        assert numbers_in(outbox, Lane.ALERT) == [1]
        assert "memory only" in outbox.state().trouble


def test_a_missing_directory_is_made(tmp_path: Path) -> None:
    with opened(tmp_path / "a" / "b" / "o.db") as outbox:
        assert outbox.state().trouble == ""


_AS_NOBODY = """
import os, sys
from pathlib import Path
from gateway.contract.topics import Lane
from tests.gateway.outbox.boxes import accepted, box, numbers_in
outbox = box(Path(sys.argv[1]))
os.setgroups([]); os.setgid(65534); os.setuid(65534)  # only now: the interpreter may be root's own
outbox.open()
outbox.accept(accepted([1], lane=Lane.ALERT))
outbox.accept(accepted([2]))
outbox.commit()
assert numbers_in(outbox, Lane.ALERT) == [1] and numbers_in(outbox) == [2]
assert "memory only" in outbox.state().trouble, outbox.state()
outbox.close()
print("fine")
"""


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become nobody; everyone else is covered by the other tests"
)
@pytest.mark.parametrize(
    ("directory_mode", "file_mode"),
    [(0o755, None), (0o755, 0o644), (0o700, 0o644), (0o755, 0o000), (0o777, 0o000), (0o777, 0o444)],
)
def test_a_directory_or_file_that_is_not_ours(directory_mode: int, file_mode: int | None) -> None:
    # Not tmp_path: nobody may not even pass through that.
    directory = Path("/tmp") / f"vigia-test-{os.getpid()}-{directory_mode:o}-{file_mode}"
    directory.mkdir()
    path = directory / "o.db"
    try:
        if file_mode is not None:
            outbox = box(path)
            outbox.open()
            outbox.close()
            for part in directory.iterdir():
                part.chmod(file_mode)
        directory.chmod(directory_mode)
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == "fine\n", done.stderr
    finally:
        for part in directory.iterdir():
            part.unlink()
        directory.rmdir()


@pytest.mark.expects_warnings
def test_memory_is_bounded_while_there_is_no_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with opened(tmp_path / "file" / "o.db", memory=50_000) as outbox:
        outbox.accept(accepted(range(20), lane=Lane.ALERT))
        for at in range(0, 5000, 100):
            outbox.accept(accepted(range(at, at + 100)))
            outbox.commit()
            assert outbox.state().bytes <= 50_000
        kept = numbers_in(outbox)
        assert kept == list(range(5000 - len(kept), 5000))
        assert numbers_in(outbox, Lane.ALERT) == list(range(20))
        assert outbox.tallies()["outbox", "evicted_reading"] == 5000 - len(kept)


@pytest.mark.slow
@pytest.mark.expects_warnings
def test_a_file_that_someone_else_holds_costs_nothing(tmp_path: Path) -> None:
    """A person with a SQLite shell, a backup: wait in memory, let nothing go."""
    path = tmp_path / "o.db"
    with opened(path) as outbox:
        outbox.accept(accepted(range(100)))
        outbox.commit()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        outbox.accept(accepted([100]))
        outbox.commit()
        assert "locked" in outbox.state().trouble
        assert (outbox.state().entries, outbox.state().in_memory) == (100, 1)
        assert numbers_in(outbox) == list(range(100))  # reading goes on
        other.execute("ROLLBACK")
        other.close()
        outbox.commit()
        assert outbox.state().trouble == ""
        assert numbers_in(outbox) == list(range(101))
        assert not any(name.startswith("evicted") for _, name in outbox.tallies())
        assert path.with_name("o.db.ballast").exists()


def test_ballast_is_there_in_full_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "ballast"
    ballast = Ballast(path)
    assert not ballast.drop()
    assert ballast.ensure()
    assert path.stat().st_size == BALLAST_BYTES
    assert path.stat().st_blocks * 512 >= BALLAST_BYTES
    path.write_bytes(b"half")
    assert ballast.ensure()
    assert path.stat().st_size == BALLAST_BYTES
    assert ballast.drop()
    assert not path.exists()
    assert not Ballast(tmp_path / "nowhere" / "ballast").ensure()
    assert not Ballast(tmp_path / "nowhere" / "ballast").drop()
