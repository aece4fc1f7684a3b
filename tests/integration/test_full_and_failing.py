"""A database that fails, and full disks at headquarters, while posts go on sending: what they accept is stored once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.failing_front import FailingFront, Fault
from tests.support.landscape import Landscape
from tests.support.small_disk import fill, small_disk
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@contextmanager
def playing(landscape: Landscape, *, rate: float, seconds: float, seed: int) -> Iterator[None]:
    """Readings flow meanwhile; afterwards every accepted one is stored, once."""
    landscape.start()
    landscape.influx.create("vigia")
    landscape.play(rate=rate, seconds=seconds, seed=seed)
    try:
        yield
        for sensors in landscape.sensors:
            sensors.wait_ended(60)
        landscape.wait_until_sent()
        assert landscape.prove() > rate * seconds / 2
        assert landscape.ingest.dead_letters() == 0
    finally:
        landscape.stop()


def test_a_database_that_fails_in_every_way_delays_and_neither_loses_nor_doubles(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    faults = [fault for fault in Fault if fault not in (Fault.TIMEOUT, Fault.TIMEOUT_AFTER)]  # those last; see below
    with FailingFront(0) as front:
        landscape = Landscape(tmp_path, ("puesto-a",), influx_url=front.url)
        front.target_port = landscape.influx.port

        def wait_passed() -> None:
            passed = front.seen[None]
            wait_until("a write passes", lambda: front.seen[None] > passed)

        with playing(landscape, rate=300, seconds=12, seed=seed):
            for fault in chance.sample(faults, len(faults)):
                wait_passed()
                front.fail(fault)
                wait_until(f"it met {fault.name}", lambda fault=fault: front.seen[fault] > 0)  # type: ignore[misc]  # bound now
            front.always(Fault.TIMEOUT_AFTER)
            wait_until("it waits for an answer", lambda: front.seen[Fault.TIMEOUT_AFTER] > 0)
            front.heal()
            wait_passed()
            front.stop()  # connections are refused
            wait_until("it is seen", lambda: not landscape.ingest.get("/readyz")["ready"])
            front.start()
    assert "Traceback" not in landscape.ingest.log.read_text()


def test_a_database_on_a_full_disk_loses_nothing(tmp_path: Path, seed: int) -> None:
    """InfluxDB 1.6 goes on refusing once there is room again, until it is restarted: what it holds meanwhile only in
    memory, and shows, is gone then. Nothing that it did not accept counts as stored."""
    with small_disk(tmp_path / "influxdb", 64) as disk:
        landscape = Landscape(tmp_path, ("puesto-a",))
        with playing(landscape, rate=400, seconds=8, seed=seed):
            wait_until("points are stored", lambda: bool(landscape.stored("puesto-a")))
            filler = fill(disk)
            wait_until("it is seen", lambda: not landscape.ingest.get("/readyz")["ready"], timeout_s=30)
            assert "space" in " ".join(landscape.ingest.get("/readyz")["reasons"])
            filler.unlink()
            landscape.influx.stop()
            landscape.influx.start()


def test_a_journal_on_a_full_disk_takes_nothing_and_then_everything(tmp_path: Path, seed: int) -> None:
    with small_disk(tmp_path / "ingest", 16) as disk:
        landscape = Landscape(tmp_path, ("puesto-a",))
        with playing(landscape, rate=400, seconds=8, seed=seed):
            wait_until("messages are journaled", lambda: landscape.ingest.journaled() > 3)
            filler = fill(disk)
            wait_until("it is seen", lambda: "journal" in str(landscape.ingest.get("/readyz")["reasons"]), timeout_s=30)
            before = landscape.gateways["puesto-a"].counted().waiting
            wait_until("the post keeps", lambda: landscape.gateways["puesto-a"].counted().waiting > before + 200)
            assert landscape.ingest.running
            filler.unlink()
