"""The simulator at one end of a tty, the driver at the other: what is told as sent is what arrives."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.delivery import Delivery
from firmware_bridge.drivers.vigia_sensor import Settings, open_source
from firmware_bridge.simulator.run import Report, SimulatedDevice, run_simulator
from firmware_bridge.simulator.scenario import SimulatorError, load_scenario

DEVICES = [SimulatedDevice(f"0000000{n}", bytes([n]) * 16) for n in (1, 2, 3)]


class Heard:
    """What a listener on the line has understood."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    @property
    def sensors(self) -> Counter[str]:
        return Counter(r.sensor for d in self.deliveries for r in d.readings)

    @property
    def reasons(self) -> Counter[str]:
        told: Counter[str] = Counter()
        for delivery in self.deliveries:
            told.update({r.reason: r.count for r in delivery.rejected})
        return told


@contextmanager
def listening(tmp_path: Path) -> Iterator[Heard]:
    settings = Settings.model_validate(
        {
            "driver": "vigia_sensor",
            "name": "line",
            "port": str(tmp_path / "tty"),
            "devices": [{"id": d.id, "name": d.id, "key": d.key.hex()} for d in DEVICES],
        }
    )
    heard = Heard()
    stop = threading.Event()
    thread = threading.Thread(target=open_source(settings, {}).run, args=(heard.deliveries.append, stop))
    thread.start()
    try:
        yield heard
    finally:
        stop.set()
        thread.join(2)


def simulate(scenario: str | Path, tmp_path: Path, **extra: Any) -> Report:
    extra = {"speed": 7200.0, "seed": 7, "stop": threading.Event(), "devices": DEVICES} | extra
    return run_simulator(scenario, tmp_path / "tty", state_path=tmp_path / "counters", **extra)


@pytest.mark.expects_warnings  # of the port that comes and goes
@pytest.mark.parametrize("name", ["boat_passing", "chainsaw", "rain"])
def test_what_was_sent_arrives(tmp_path: Path, name: str) -> None:
    with listening(tmp_path) as heard:
        report = simulate(name, tmp_path, report_path=tmp_path / "report.json")
    assert report.sent > 100
    assert report.dropped == 0
    assert heard.sensors == {device: told.sent for device, told in report.devices.items()}
    assert json.loads((tmp_path / "report.json").read_bytes())["sent"] == report.sent
    assert report.ended
    assert report.unread_bytes == 0
    if not load_scenario(name).noise.garbage_every_s:
        assert not heard.reasons
    assert not (tmp_path / "tty").is_symlink()


@pytest.mark.expects_warnings
def test_noise_and_half_frames_cost_nothing_but_themselves(tmp_path: Path) -> None:
    with listening(tmp_path) as heard:
        report = simulate("day_at_a_post", tmp_path, speed=200_000.0, longest_s=0.5)
    assert report.noise_bytes
    assert sum(told.cut for told in report.devices.values())
    assert heard.sensors == {device: told.sent for device, told in report.devices.items()}
    assert sum(heard.reasons.values())


@pytest.mark.expects_warnings
def test_started_again_it_is_not_taken_for_a_replay(tmp_path: Path) -> None:
    with listening(tmp_path) as heard:
        reports = [simulate("chainsaw", tmp_path) for _ in range(2)]
    assert heard.sensors.total() == sum(report.sent for report in reports)
    assert "replayed" not in heard.reasons
    assert reports[1].devices["00000001"].last_counter > reports[0].devices["00000001"].last_counter + 9000


def test_a_line_that_nobody_reads_drops_and_never_blocks(tmp_path: Path) -> None:
    started = time.monotonic()
    report = simulate("chainsaw", tmp_path, speed=1.0, frames_per_second=20_000.0, longest_s=0.5, linger_s=0.1)
    assert time.monotonic() - started < 30  # it ended: how fast is not the point
    assert report.dropped > 0
    assert report.unread_bytes > 1000


@pytest.mark.expects_warnings
def test_a_line_that_is_read_again_after_it_was_full_recovers(tmp_path: Path) -> None:
    full = threading.Event()
    reports: list[Report] = []

    def look(report: Report) -> None:
        if report.dropped:
            full.set()

    def speak() -> None:
        load = {"speed": 1.0, "frames_per_second": 5000.0, "longest_s": 2.0}
        reports.append(simulate("chainsaw", tmp_path, on_report=look, **load))

    thread = threading.Thread(target=speak)
    thread.start()
    assert full.wait(10)
    with listening(tmp_path) as heard:
        thread.join(10)
    report = reports[0]
    assert report.dropped
    assert report.unread_bytes == 0
    assert heard.sensors.total() == report.sent
    assert set(heard.reasons) <= {"bad_cobs", "bad_crc"}


def test_it_stops_when_told(tmp_path: Path) -> None:
    stop = threading.Event()
    told: list[bool] = []

    def on_report(report: Report) -> None:
        told.append(report.ended)
        stop.set()

    started = time.monotonic()
    report = simulate("day_at_a_post", tmp_path, speed=1.0, stop=stop, on_report=on_report, linger_s=0.0)
    assert time.monotonic() - started < 30  # of a day
    assert report.ended
    assert told[-1]


def test_what_cannot_be_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="at least one device"):
        simulate("chainsaw", tmp_path, devices=[])
    with pytest.raises(SimulatorError, match="16 bytes"):
        simulate("chainsaw", tmp_path, devices=[SimulatedDevice("00000001", b"short")])
    with pytest.raises(SimulatorError, match="no_such"):
        simulate("no_such", tmp_path)
    (tmp_path / "tty").touch()
    with pytest.raises(SimulatorError, match="is not a link"):
        simulate("chainsaw", tmp_path)
    assert "short" not in repr(SimulatedDevice("00000001", b"short"))
