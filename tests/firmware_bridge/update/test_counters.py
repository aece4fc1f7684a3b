"""No counter is given twice, to whoever asks, and a file that is lost is no harm."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from firmware_bridge.update.counters import DownlinkCounters
from firmware_bridge.update.errors import UpdateError


def test_no_counter_is_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "counters"
    taken: list[int] = []
    for _ in range(5):  # each is forgotten, as after a kill
        counters = DownlinkCounters(path)
        taken += [counters.take("00000001") for _ in range(300)]
    assert len(set(taken)) == len(taken)
    assert taken == sorted(taken)


def test_several_may_share_a_file(tmp_path: Path) -> None:
    def take(_: int) -> list[int]:
        counters = DownlinkCounters(tmp_path / "counters")
        return [counters.take("00000001") for _ in range(600)]

    with ThreadPoolExecutor(4) as pool:
        taken = [number for numbers in pool.map(take, range(4)) for number in numbers]
    assert len(set(taken)) == len(taken) == 2400


def test_devices_begin_apart_and_at_random(tmp_path: Path) -> None:
    first = {DownlinkCounters(tmp_path / str(n)).take("00000001") for n in range(20)}
    assert len(first) == 20
    assert all(1 <= number <= 2**30 for number in first)


def test_it_goes_on_above_what_a_device_has_heard(tmp_path: Path) -> None:
    counters = DownlinkCounters(tmp_path / "counters")
    counters.pass_by("00000001", 3_000_000_000)
    number = counters.take("00000001")
    assert 3_000_000_000 < number <= 3_000_000_000 + 2**16
    counters.pass_by("00000001", 5)  # behind us: nothing to do
    assert counters.take("00000001") == number + 1
    assert DownlinkCounters(tmp_path / "counters").take("00000001") > number + 1


def test_a_key_that_is_used_up_is_told(tmp_path: Path) -> None:
    path = tmp_path / "counters"
    path.write_text(json.dumps({"00000001": 2**32 - 2}))
    counters = DownlinkCounters(path)
    assert [counters.take("00000001"), counters.take("00000001")] == [2**32 - 2, 2**32 - 1]
    for _ in range(2):
        with pytest.raises(UpdateError, match="give it a new key"):
            counters.take("00000001")
    with pytest.raises(UpdateError, match="give it a new key"):
        DownlinkCounters(path).pass_by("00000001", 2**32 - 1)


@pytest.mark.parametrize("text", ["", "[]", '{"00000001": "5"}', '{"00000001": 0}', '{"00000001": true}', "\x00"])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "counters"
    path.write_text(text)
    with pytest.raises(UpdateError, match="delete it, and a new one begins at random"):
        DownlinkCounters(path).take("00000001")


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UpdateError, match="cannot be kept: No such file"):
        DownlinkCounters(tmp_path / "nowhere" / "counters").take("00000001")
