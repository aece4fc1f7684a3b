"""Scenarios on a small disk, run by test_full_disk in a process of its own: python -m tests.gateway.outbox.small_disk
SCENARIO DIRECTORY. Unless the scenario sets a limit on files instead, a tmpfs is mounted on the directory first, which
only this process sees (unshare -m)."""

from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane
from gateway.outbox.ballast import BALLAST_BYTES
from gateway.outbox.outbox import Outbox
from tests.gateway.outbox.boxes import MONDAY, SetClock, accepted, box, identities, numbers_in
from tests.support.waiting import wait_until

DISK_MEGABYTES = 8


def fill(directory: Path, *, leave: int = 0) -> Path:
    """Someone else's file takes all that is left of the disk, but for a few bytes."""
    other = directory / "someone-elses.log"
    with other.open("ab", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while os.statvfs(directory).f_bavail * 4096 > leave:
                    file.write(b"x" * size)
            except OSError:
                continue
    return other


def put(outbox: Outbox, numbers: range, lane: Lane = Lane.READING, every: int = 20) -> None:
    """Accept and commit in small groups."""
    for at in range(numbers.start, numbers.stop, every):
        outbox.accept(accepted(range(at, min(at + every, numbers.stop)), lane=lane))
        outbox.commit()


def balance(outbox: Outbox) -> None:
    """Accepted = kept + waiting + let go and counted + receipted: nothing is dropped in silence."""
    tallies, state = outbox.tallies(), outbox.state()
    came = sum(n for (place, _), n in tallies.items() if place == "accepted")
    went = sum(n for (place, name), n in tallies.items() if place == "outbox" and name.startswith("evicted_"))
    assert came == state.entries + state.in_memory + went + tallies.get(("outbox", "receipted"), 0), (tallies, state)


def evicted(outbox: Outbox, lane: Lane) -> int:
    return outbox.tallies().get(("outbox", f"evicted_{lane.slug}"), 0)


def warnings() -> list[str]:
    return [r.getMessage() for r in HEARD if r.levelno >= logging.WARNING]


HEARD: list[logging.LogRecord] = []


class _Ear(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        HEARD.append(record)


def full_at_start_of_a_new_post(path: Path) -> None:
    other = fill(path.parent)
    outbox = box(path)
    outbox.open()
    assert "memory only" in outbox.state().trouble
    put(outbox, range(100))
    outbox.accept(accepted([1], lane=Lane.ALERT), replay={"aabbccdd": (5, 1)})
    assert numbers_in(outbox) == list(range(100))
    assert numbers_in(outbox, Lane.ALERT) == [1]
    before = identities(outbox)
    generation = outbox.generation
    other.unlink()
    wait_until("it goes to disk", lambda: commit(outbox) and outbox.state().trouble == "", every_s=0.2)
    assert outbox.generation > generation
    assert identities(outbox) == before  # the same identities, now on disk
    assert outbox.replay() == {"aabbccdd": (5, 1)}
    balance(outbox)
    outbox.close()
    again = box(path)
    again.open()
    assert identities(again) == before
    again.close()
    assert len(warnings()) == 1


def commit(outbox: Outbox) -> bool:
    """As the commit stage does every second, with something to commit."""
    outbox.accept([], tallies={("test", "ticks"): 1})
    outbox.commit()
    return True


def full_at_start_with_a_backlog(path: Path) -> None:
    outbox = box(path)
    outbox.open()
    put(outbox, range(2000))
    before = identities(outbox)
    outbox.close()
    assert path.with_name(path.name + ".ballast").stat().st_size == BALLAST_BYTES
    fill(path.parent)
    outbox = box(path)
    outbox.open()
    assert identities(outbox) == before  # nobody lost anything by the disk being full
    assert "full" in outbox.state().trouble
    epoch = next(iter(before))[0]
    assert outbox.forget({epoch: RangeSet([(1, 500)])}) == 500
    put(outbox, range(2000, 2500))
    assert numbers_in(outbox)[-500:] == list(range(2000, 2500))
    assert evicted(outbox, Lane.READING) == 0
    balance(outbox)
    outbox.close()


def full_while_at_work(path: Path) -> None:
    outbox = box(path)
    outbox.open()
    put(outbox, range(8000), every=200)
    other = fill(path.parent)
    for round_ in range(40):
        put(outbox, range(10_000 + 100 * round_, 10_100 + 100 * round_), every=50)
        outbox.accept(accepted([round_], lane=Lane.ALERT))
        put(outbox, range(round_ * 10, round_ * 10 + 10), lane=Lane.HEALTH)
        balance(outbox)
    state = outbox.state()
    assert "full" in state.trouble
    assert "Free some space" in state.trouble
    assert numbers_in(outbox, Lane.ALERT) == list(range(40))
    assert evicted(outbox, Lane.ALERT) == 0
    kept = numbers_in(outbox)
    assert kept == sorted(kept)
    assert kept[-1] == 13_999 or state.in_memory  # the newest are kept, the oldest made room
    assert len(kept) > 6000
    assert len(warnings()) <= 3, warnings()
    before = identities(outbox)
    other.unlink()
    commit(outbox)
    commit(outbox)
    assert outbox.state().trouble == ""
    assert outbox.state().in_memory == 0
    assert path.with_name(path.name + ".ballast").stat().st_size == BALLAST_BYTES
    assert before.items() <= identities(outbox).items()
    put(outbox, range(20_000, 20_500))
    balance(outbox)
    everything = identities(outbox)
    outbox.close()
    again = box(path)
    again.open()
    assert identities(again) == everything
    again.close()


def only_alerts_come_to_a_full_disk(path: Path) -> None:
    """They push out everything else before one of them is lost."""
    outbox = box(path)
    outbox.open()
    put(outbox, range(15_000), every=500)
    fill(path.parent)
    came = 0
    while not evicted(outbox, Lane.ALERT) and came < 40_000:
        outbox.accept(accepted(range(came, came + 200), lane=Lane.ALERT))
        came += 200
        assert outbox.state().in_memory == 0 or evicted(outbox, Lane.READING)
    state = outbox.state()
    held = numbers_in(outbox, Lane.ALERT)
    assert held == list(range(held[0], held[0] + len(held)))
    assert len(held) > 10_000
    assert state.by_lane.get(Lane.READING, 0) < 1500  # within the slack of one eviction
    balance(outbox)
    outbox.close()


def a_disk_full_of_alerts_keeps_them(path: Path) -> None:
    outbox = box(path, memory=100_000)
    outbox.open()
    put(outbox, range(15_000), lane=Lane.ALERT, every=500)
    fill(path.parent)
    put(outbox, range(30_000), every=300)
    assert evicted(outbox, Lane.ALERT) == 0
    assert numbers_in(outbox, Lane.ALERT) == list(range(15_000))
    assert evicted(outbox, Lane.READING) > 10_000
    outbox.accept(accepted([99_999], lane=Lane.ALERT))
    assert numbers_in(outbox, Lane.ALERT)[-1] == 99_999  # though readings wait in memory
    balance(outbox)
    outbox.close()


def a_full_disk_can_be_drained(path: Path) -> None:
    """Freezing times and forgetting need room too."""
    clock = SetClock(wall_ms=9_000, trusted=False)
    outbox = box(path, clock=clock)
    outbox.open()
    for at in range(0, 9000, 500):
        outbox.accept(accepted(range(at, at + 500), clock=clock))
        outbox.commit()
    fill(path.parent)
    clock.pass_ms(5_000)
    clock.wall_ms, clock.trusted = MONDAY, True
    drained: list[int] = []
    while (parcel := outbox.take(Lane.READING, limit=500)) is not None:
        assert all(entry.time_ms == MONDAY - 5_000 for entry in parcel.entries)
        drained += [entry.sequence for entry in parcel.entries]
        ranges = RangeSet.of(entry.sequence for entry in parcel.entries)
        assert outbox.forget({parcel.epoch: ranges}) == len(parcel.entries)
    assert drained == list(range(1, 9001))
    assert outbox.state().entries == 0
    balance(outbox)
    outbox.close()


def damaged_and_full(path: Path) -> None:
    outbox = box(path)
    outbox.open()
    put(outbox, range(6000), every=500)
    put(outbox, range(50), lane=Lane.ALERT)
    alerts = [e for e in identities(outbox).items() if e[1].reading.sensor]
    outbox.close()
    file = bytearray(path.read_bytes())
    file[30 * 4096 : 31 * 4096] = b"\xff" * 4096
    path.write_bytes(bytes(file))
    other = fill(path.parent)
    outbox = box(path)
    outbox.open()
    held = identities(outbox)
    assert held.items() <= dict(alerts).items()
    assert len(numbers_in(outbox, Lane.ALERT)) == 50  # the most urgent first
    put(outbox, range(50, 60), lane=Lane.ALERT)
    assert numbers_in(outbox, Lane.ALERT) == list(range(60))
    other.unlink()
    wait_until("all is well", lambda: commit(outbox) and outbox.state().trouble == "", every_s=0.2)
    assert numbers_in(outbox, Lane.ALERT) == list(range(60))
    outbox.close()


def read_only_for_a_while(path: Path) -> None:
    outbox = box(path)
    outbox.open()
    put(outbox, range(100))
    before = identities(outbox)
    outbox.close()
    mount("-o", "remount,ro", str(path.parent))
    outbox = box(path)
    outbox.open()
    assert "memory only" in outbox.state().trouble
    outbox.accept(accepted([1], lane=Lane.ALERT))
    put(outbox, range(100, 200))
    meanwhile = identities(outbox)
    mount("-o", "remount,rw", str(path.parent))
    wait_until("all is well", lambda: commit(outbox) and outbox.state().trouble == "", every_s=0.2)
    assert identities(outbox) == before | meanwhile
    assert numbers_in(outbox) == list(range(200))
    balance(outbox)
    outbox.close()


def a_limit_on_the_size_of_files(path: Path) -> None:
    """RLIMIT_FSIZE: SQLite tells it as an input/output error, and no reserve helps: memory waits for better times."""
    outbox = box(path)
    outbox.open()
    put(outbox, range(5000), every=500)
    limit = path.stat().st_size + 64 * 1024
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for round_ in range(60):
        put(outbox, range(10_000 + 100 * round_, 10_100 + 100 * round_), every=50)
        outbox.accept(accepted([round_], lane=Lane.ALERT))
        balance(outbox)
    assert outbox.state().trouble
    assert evicted(outbox, Lane.READING) == 0  # it would not have helped
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_until("all is well", lambda: commit(outbox) and outbox.state().trouble == "", every_s=0.2)
    assert outbox.state().in_memory == 0
    assert numbers_in(outbox, Lane.ALERT) == list(range(60))
    assert numbers_in(outbox) == [*range(5000), *range(10_000, 16_000)]
    balance(outbox)
    outbox.close()


SCENARIOS: dict[str, Callable[[Path], None]] = {
    scenario.__name__: scenario
    for scenario in (
        full_at_start_of_a_new_post,
        full_at_start_with_a_backlog,
        full_while_at_work,
        only_alerts_come_to_a_full_disk,
        a_disk_full_of_alerts_keeps_them,
        a_full_disk_can_be_drained,
        damaged_and_full,
        read_only_for_a_while,
        a_limit_on_the_size_of_files,
    )
}
NEEDS_NO_MOUNT = {"a_limit_on_the_size_of_files"}


def mount(*options: str) -> None:
    subprocess.run(["mount", *options], check=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    logging.getLogger().addHandler(_Ear())
    name, directory = sys.argv[1:]
    if name not in NEEDS_NO_MOUNT:
        mount("-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "vigia-test", directory)
    SCENARIOS[name](Path(directory) / "o.db")
