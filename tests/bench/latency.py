"""From the last byte of an alert on the serial line to the warning at the post, to the event on the stream of a phone
that has the post's page open, and to a row that InfluxDB shows.

One alert at a time, at moments that keep no step with anything; idle, and while other sensors send 500 frames a second.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Final, NamedTuple

from deploy.parts.processes import free_port
from deploy.parts.servers import InfluxDB, Mosquitto
from deploy.parts.services import Gateway, Ingest, write_registry
from tests.bench.devices import Device, Line, devices_of, line_for
from tests.bench.harness import (
    Options,
    Result,
    Row,
    console,
    fsync_seconds,
    p50_p99,
    percentile,
    running,
    say,
    verdict,
    wait_for,
)
from tests.bench.phones import Phone

_VIGIA_GATEWAY: Final = [sys.executable, "-m", "deploy.cli", "gateway", "run"]
_ALERTS: Final = 300
_LOAD_FRAMES_PER_SECOND: Final = 500
_STATION: Final = "bench"
_DATABASE: Final = "vigia"
_RULES: Final = """\
[[rules]]
name = "disparo"
when = "heard"
labels = ["gunshot"]
quiet_s = 0.005
open_s = 5
[storm]
spares = ["gunshot"]
"""
"""Every alert is an incident of its own, else only the first would be news."""
_SHOWN: Final = "SELECT count(sequence) FROM acoustic_detection WHERE label = 'gunshot'"


class Delays(NamedTuple):
    """Seconds of each alert, from its last byte."""

    warned: list[float]
    rung: list[float]
    shown: list[float]


def run(directory: Path, options: Options) -> Result:
    """See the module."""
    disk = fsync_seconds(directory)
    rows: list[Row] = []
    for what, load in (("idle", 0), (f"{_LOAD_FRAMES_PER_SECOND} frames/s beside", _LOAD_FRAMES_PER_SECOND)):
        with console.status(f"{_ALERTS} alerts, {what}"):
            delays = _measure(directory / f"load-{load}", load)
        say(
            f"{what}: warned {p50_p99(delays.warned)}; on the page {p50_p99(delays.rung)};"
            f" shown {p50_p99(delays.shown)}"
        )
        rows += [
            Row(
                f"last serial byte to the line that the gateway itself writes, {what}",
                p50_p99(delays.warned),
                "",
                f"{_ALERTS} alerts; fsync of this disk: {p50_p99(disk)}",
            ),
            Row(
                f"last serial byte to the event on the page's stream, {what}",
                p50_p99(delays.rung),
                "p99 100 ms",
                f"{_ALERTS} alerts, a phone that loads its page anew at each",
                verdict(percentile(delays.rung, 0.99) <= 0.1),
            ),
            Row(
                f"last serial byte to a row that InfluxDB shows, local link, {what}",
                p50_p99(delays.shown),
                "p99 500 ms",
                f"{_ALERTS} alerts, asked every few milliseconds",
                verdict(percentile(delays.shown, 0.99) <= 0.5),
            ),
        ]
    return Result(
        rows,
        [
            "On the page's stream: as a listener to server-sent events on this machine reads it, without the Wi-Fi.",
            (
                "On the way to headquarters lie two fsyncs (outbox, journal), two hops over the broker, and the asking;"
                " on a Pi's card an fsync takes 5 to 50 ms, here the time above."
            ),
        ],
    )


def _measure(directory: Path, load: int) -> Delays:
    broker, influx = Mosquitto(directory / "broker"), InfluxDB(directory / "influxdb")
    registry = write_registry(directory / "registry.toml", {_STATION: "yaguas"})
    ingest = Ingest(directory / "ingest", broker.port, influx.url, registry)
    sensors = [f"sensor-{n}" for n in range(10)]
    rules = directory / "rules.toml"
    rules.write_text(_RULES)
    port = free_port()
    gateway = Gateway(
        directory / "gateway",
        _STATION,
        broker.port,
        sensors,
        sources=f'[rules]\npath = "{rules}"\n',
        page_port=port,
    )
    alarm, *others = devices_of(gateway)
    line = line_for(gateway)
    phone = Phone(port)
    with running(broker, influx, ingest, line), _announcing(gateway) as warnings:
        influx.create(_DATABASE)
        _send_until_warned(line, alarm, warnings)
        wait_for("the first alert in InfluxDB", lambda: _shown(influx) > 0)
        with running(phone), _loaded(line, others, load):
            return _alerts(line, alarm, warnings, phone, influx)


def _alerts(line: Line, alarm: Device, warnings: SimpleQueue[float], phone: Phone, influx: InfluxDB) -> Delays:
    chance = random.Random(7)
    delays = Delays([], [], [])
    known = _shown(influx)
    for _ in range(_ALERTS):
        time.sleep(chance.uniform(0.01, 0.06))
        line.say(alarm.frame("gunshot"))
        sent = time.perf_counter()
        delays.warned.append(warnings.get(timeout=10.0) - sent)
        delays.rung.append(phone.alerts.get(timeout=10.0)[0] - sent)
        known += 1
        wait_for("the alert in InfluxDB", lambda: _shown(influx) >= known, timeout_s=10.0, every_s=0.003)  # noqa: B023
        delays.shown.append(time.perf_counter() - sent)
    return delays


@contextmanager
def _announcing(gateway: Gateway) -> Iterator[SimpleQueue[float]]:
    """The gateway running, and the moment of each of its warnings, read as it writes them."""
    moments: SimpleQueue[float] = SimpleQueue()
    with subprocess.Popen(
        [*_VIGIA_GATEWAY, str(gateway.settings)], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:

        def read() -> None:
            assert process.stderr is not None
            for text in process.stderr:
                if b"ALERTA" in text:
                    moments.put(time.perf_counter())

        reader = threading.Thread(target=read, name="warnings", daemon=True)
        reader.start()
        try:
            yield moments
        finally:
            process.terminate()
            process.wait(20.0)
            reader.join(5.0)


def _send_until_warned(line: Line, alarm: Device, warnings: SimpleQueue[float]) -> None:
    """The gateway may still be starting: what waits in the line is heard, so once is enough."""
    line.say(alarm.frame("gunshot"))
    warnings.get(timeout=20.0)


@contextmanager
def _loaded(line: Line, others: list[Device], frames_per_second: int) -> Iterator[None]:
    """Other sensors send birds at a steady rate. Whole frames: writes of both threads to one line do not mix."""
    stop = threading.Event()

    def send() -> None:
        begun, sent = time.monotonic(), 0
        while not stop.is_set():
            line.say(others[sent % len(others)].frame("bird"))
            sent += 1
            if (ahead := begun + sent / frames_per_second - time.monotonic()) > 0:
                time.sleep(ahead)

    sender = threading.Thread(target=send, name="load", daemon=True)
    if frames_per_second:
        sender.start()
    try:
        yield
    finally:
        stop.set()
        if frames_per_second:
            sender.join(5.0)


def _shown(influx: InfluxDB) -> int:
    series = influx.query(_DATABASE, _SHOWN)
    return int(series[0]["values"][0][1]) if series else 0
