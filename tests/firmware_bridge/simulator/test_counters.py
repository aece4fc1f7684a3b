"""A counter is never used twice, whatever happens to the simulator."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from firmware_bridge.simulator.counters import CounterFile
from firmware_bridge.simulator.scenario import SimulatorError


def test_counters_go_on_beyond_every_reservation(tmp_path: Path) -> None:
    used: list[int] = []
    for _ in range(3):  # as if killed each time: nothing is written at the end
        counters = CounterFile(tmp_path / "counters")
        counters.load()
        used += [counters.take("00000001") for _ in range(10_050)]
    assert used[0] == 1
    assert all(a < b for a, b in pairwise(used))
    assert counters.take("00000002") == 1


@pytest.mark.parametrize("content", ["", "[]", '{"a": 0}', '{"a": "1"}', "\x00" * 50])
def test_a_file_that_is_broken_is_no_new_beginning(tmp_path: Path, content: str) -> None:
    (tmp_path / "counters").write_text(content)
    with pytest.raises(SimulatorError, match="new keys"):
        CounterFile(tmp_path / "counters").load()


def test_used_up_and_unwritable_are_explained(tmp_path: Path) -> None:
    (tmp_path / "counters").write_text('{"a": 4294967296}')
    counters = CounterFile(tmp_path / "counters")
    counters.load()
    with pytest.raises(SimulatorError, match="used up"):
        counters.take("a")
    with pytest.raises(SimulatorError, match="cannot be written"):
        CounterFile(tmp_path / "none" / "counters").take("a")
