"""What the benchmarks share: figures, repetition, the machine they ran on, and progress on the terminal."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.console import Console

console = Console(highlight=False)

T = TypeVar("T")


class Row(msgspec.Struct):
    """One line of the result table, each cell as a person reads it. verdict: see `verdict_of`, "" with no target."""

    what: str
    measured: str
    target: str = ""
    against: str = ""
    verdict: str = ""


class Result(msgspec.Struct):
    """What one benchmark found. load: the machine's one-minute load average before and after. limits: what holds the
    figure where it is, as sentences. profile: lines of a profile, if one was taken."""

    rows: list[Row]
    limits: list[str] = []
    profile: list[str] = []
    date: str = ""
    seconds: float = 0.0
    load: tuple[float, float] = (0.0, 0.0)


class Options(msgspec.Struct, frozen=True):
    """repeat: how often each part is measured; the median counts. profile: take profiles beside."""

    repeat: int = 3
    profile: bool = False


Benchmark = Callable[[Path, Options], Result]
"""Runs in an empty directory of its own, on servers that it starts and ends."""


def say(words: str) -> None:
    """One line of progress."""
    console.print(f"  {words}")


def verdict(reached: bool) -> str:
    """The table's word for a target."""
    return "reached" if reached else "missed"


def verdict_of(ratios: Sequence[float], target: float) -> str:
    """The word for a target that every repetition was held to: "straddles" when they do not agree."""
    sides = {ratio >= target for ratio in ratios}
    return "straddles" if len(sides) == 2 else verdict(sides == {True})


def repeated(times: int, what: str, measure: Callable[[int], float], form: str = "{:,.0f}") -> list[float]:
    """The measure taken some times, each said as it comes."""
    found: list[float] = []
    for number in range(times):
        with console.status(f"{what}, {number + 1} of {times}"):
            found.append(measure(number))
    say(f"{what}: " + ", ".join(form.format(value) for value in found))
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def p50_p99(values_s: Sequence[float]) -> str:
    """Seconds as milliseconds: median and 99th percentile."""
    return f"p50 {median(values_s) * 1000:.1f} ms, p99 {percentile(values_s, 0.99) * 1000:.1f} ms"


@contextmanager
def running(*parts: object) -> Iterator[None]:
    """Start parts in order; end them in the other, whatever happens."""
    started: list[object] = []
    try:
        for part in parts:
            started.append(part)
            part.start()  # type: ignore[attr-defined]  # Part, Relay and their like share no base
        yield
    finally:
        for part in reversed(started):
            part.stop()  # type: ignore[attr-defined]  # as above


def wait_for(what: str, holds: Callable[[], T], *, timeout_s: float = 60.0, every_s: float = 0.02) -> T:
    """What `holds` says once it says anything true. Raises TimeoutError, so that no benchmark hangs."""
    deadline = time.monotonic() + timeout_s
    while not (told := holds()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(every_s)
    return told


def fsync_seconds(directory: Path, times: int = 200) -> list[float]:
    """How long this disk takes to make 4 KiB safe: appended, then fdatasync."""
    taken: list[float] = []
    path = directory / "fsync.probe"
    with path.open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(os.urandom(4096))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - begun)
    path.unlink()
    return taken


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used, in user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine() -> str:
    """The processor, the cores that we may use, the memory and the system, in a line."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cores = len(os.sched_getaffinity(0))
    return (
        f"{model}, {cores} cores, {memory_gib:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}"
    )
