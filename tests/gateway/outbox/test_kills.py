"""What was said to be on disk is there after a kill and a power cut, under the numbers it had."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.outbox.outbox import Outbox
from tests.gateway.outbox.boxes import SetClock, abandon, accepted, identities, number_of, numbers_in, opened

_CHILD = """
import sys
from pathlib import Path
from gateway.contract.topics import Lane
from tests.gateway.outbox.boxes import accepted, box
outbox = box(Path(sys.argv[1]))
outbox.open()
first = int(sys.argv[2])
print("epoch", outbox.state().epoch.hex(), flush=True)
for number in range(first, first + 1_000_000):
    lane = Lane.ALERT if number % 5 == 0 else Lane.READING
    outbox.accept(accepted([number], lane=lane), replay={"aabbccdd": (number, 1)})
    if number % 3 == 0:
        outbox.commit()
    if number % 3 == 0 or number % 5 == 0:
        print(number, flush=True)
"""


@pytest.mark.slow
def test_whatever_was_said_to_be_committed_survives_kill_9(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    path = tmp_path / "o.db"
    promised: dict[int, int] = {}  # first number of a life -> last number it said was committed
    epochs: list[str] = []
    for life in range(12):
        first = life * 1_000_000 + 1
        process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(path), str(first)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        for _ in range(rng.choice((0, 1, 3, rng.randrange(400)))):
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        process.stdout.close()
        process.wait()
        epochs.append(lines[0].split()[1])
        said = [int(line) for line in lines[1:] if line.endswith("\n")]
        if said:
            promised[first] = said[-1]
    assert len(set(epochs)) == 12
    with opened(path) as outbox:
        by_epoch: dict[str, dict[int, int]] = {}
        for (epoch, sequence), entry in identities(outbox).items():
            by_epoch.setdefault(epoch.hex(), {})[sequence] = number_of(entry)
        for first, last in promised.items():
            held = by_epoch[epochs[first // 1_000_000]]
            assert sorted(held) == list(range(1, len(held) + 1))  # contiguous
            assert [held[n] for n in sorted(held)] == list(range(first, first + len(held)))
            assert first + len(held) > last
        highest = max(number for held in by_epoch.values() for number in held.values())
        assert outbox.replay()["aabbccdd"][0] >= highest


def test_a_power_cut_between_two_commits_loses_only_what_was_not_said(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    outbox: Outbox
    with opened(path) as outbox:
        outbox.accept(accepted([1]))
        outbox.commit()
        outbox.accept(accepted([2]))
        copy = tmp_path / "copy.db"
        for suffix in ("", "-wal"):
            copy.with_name(copy.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    with opened(copy) as outbox:
        assert numbers_in(outbox) == [1]
    with opened(path) as outbox:
        assert numbers_in(outbox) == [1, 2]  # a close in good order commits


def test_an_abandoned_file_is_opened_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    with opened(path) as outbox:
        outbox.accept(accepted(range(100)))
        outbox.commit()
    outbox = Outbox(path, max_bytes=10**8, memory_bytes=10**6, clock=SetClock())
    outbox.open()
    outbox.accept(accepted(range(100, 200)))
    outbox.commit()
    abandon(outbox)
    with opened(path) as outbox:
        assert numbers_in(outbox) == list(range(200))
