"""Fixtures of every test: real servers, and hygiene (no lingering thread, no unexpected warning in the log)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from deploy.parts.servers import InfluxDB, Mosquitto

hypothesis.settings.register_profile("vigia", deadline=None, derandomize=True, max_examples=100, database=None)
hypothesis.settings.load_profile("vigia")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="DIRECTORY", help="keep pictures of the pages that the browser tests see")
    parser.addoption("--seed", type=int, default=7, help="seed of the tests that kill things")


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of random kills, so that a run can be repeated."""
    return int(request.config.getoption("--seed"))


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker of the test's own."""
    broker = Mosquitto(tmp_path / "mosquitto")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[InfluxDB]:
    """An InfluxDB 1.x of the test's own."""
    database = InfluxDB(tmp_path / "influxdb")
    database.start()
    yield database
    database.stop()


@pytest.fixture(autouse=True)
def _no_lingering_thread() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2.0
    while left := [t for t in threading.enumerate() if t not in before and t.is_alive()]:
        if time.monotonic() > deadline:
            pytest.fail(f"threads left running: {[thread.name for thread in left]}")
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _no_unexpected_warning(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A WARNING or worse from our own loggers fails the test, unless it is marked `expects_warnings`."""
    yield
    if request.node.get_closest_marker("expects_warnings"):
        return
    ours = ("firmware_bridge", "gateway", "ingest", "dashboards", "deploy")
    unexpected = [
        record
        for record in caplog.get_records("call")
        if record.levelno >= logging.WARNING and record.name.split(".")[0] in ours
    ]
    if unexpected:
        pytest.fail("unexpected warnings: " + "; ".join(record.getMessage() for record in unexpected))
