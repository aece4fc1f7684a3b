"""A backlog: from an outbox to rows that InfluxDB shows, every part on the same cores; against a bare loader that
writes the very same lines into a fresh InfluxDB in the same run."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Final

from deploy.parts.servers import InfluxDB, Mosquitto
from deploy.parts.services import Gateway, Ingest, write_registry
from gateway.contract.batches import decode_groups, decode_head, encode_batch
from gateway.contract.entries import Entry
from ingest.line_protocol import group_lines
from tests.bench.harness import (
    Options,
    Result,
    Row,
    console,
    median,
    processor_seconds,
    running,
    say,
    verdict_of,
    wait_for,
)
from tests.bench.profiles import profiled
from tests.bench.trace import day, fill

_READINGS: Final = 300_000
_SENSORS: Final = 10
_LINES_A_REQUEST: Final = 5000
_BATCH: Final = 500
_DATABASE: Final = "vigia"
_STATION: Final = "bench"
_TERRITORY: Final = "yaguas"
_EPOCH: Final = b"benchmrk"
_LINK_UP: Final = re.compile(r"^(\S+ \S+) .*link up", re.MULTILINE)


def run(directory: Path, options: Options) -> Result:
    """See the module."""
    first_ms = (time.time_ns() // 1_000_000) - _READINGS // _SENSORS * 60_000
    outbox = directory / "outbox.db"
    fill(outbox, day(_SENSORS, _READINGS, first_ms=first_ms))
    bodies = _bodies(first_ms)
    profile: list[str] = []
    costs: dict[str, float] = {}
    cores = len(os.sched_getaffinity(0))
    one: list[float] = []
    two: list[float] = []
    ours: list[float] = []
    for number in range(options.repeat):  # in turn, so that what else the machine does falls on all alike
        with console.status(f"backlog, {number + 1} of {options.repeat}"):
            one.append(_bare(directory / f"one-{number}", bodies, 1))
            ours.append(_ours(directory / f"ours-{number}", outbox, costs))
            two.append(_bare(directory / f"two-{number}", bodies, 2))
        say(f"bare {one[-1]:,.0f} on one connection, {two[-1]:,.0f} on two; outbox to InfluxDB {ours[-1]:,.0f}")
    if options.profile:
        _ours(directory / "profiled", outbox, {}, profile)
    shares = [mine / bare for mine, bare in zip(ours, one, strict=True)]
    of_two = median([mine / bare for mine, bare in zip(ours, two, strict=True)])
    return Result(
        [
            Row(
                f"backlog of {_READINGS:,} readings: outbox to visible in InfluxDB, all on the same cores",
                f"{median(ours):,.0f} readings/s: {median(shares):.0%} of the loader on one connection"
                f" ({min(shares):.0%} to {max(shares):.0%} in {len(shares)} runs), {of_two:.0%} of two",
                "50 % of the bare loader",
                f"{median(one):,.0f} lines/s on one connection, {median(two):,.0f} on two",
                verdict_of(shares, 0.5),
            )
        ],
        [
            (
                f"Processor time a reading: {_told(costs)}; {sum(costs.values()):.1f} µs in all, so that"
                f" {cores} cores end at {cores / sum(costs.values()) * 1e6:,.0f} readings/s however they share."
                " A bare loader has the cores to itself. In the gateway the time goes into reading rows, checking and"
                " decoding them, and coding columns, in about equal parts; in ingest into decoding columns and writing"
                " lines (shares in the profile). No part waits for a disk or for another for long."
            ),
        ],
        profile,
    )


def _bodies(first_ms: int) -> list[bytes]:
    """The lines that the sink would write of the same readings, 5,000 a request."""
    lines: list[str] = []
    some: list[Entry] = []
    for number, (_, moment, reading) in enumerate(day(_SENSORS, _READINGS, first_ms=first_ms), start=1):
        some.append(Entry(number, moment.wall_ms, moment.quality, moment.uncertainty_ms, reading))
        if len(some) == _BATCH:
            message = encode_batch(_STATION, _EPOCH, some)
            for group in decode_groups(message, decode_head(message)):
                lines += group_lines(group, territory=_TERRITORY, station=_STATION, epoch=_EPOCH)
            some = []
    return ["\n".join(lines[at : at + _LINES_A_REQUEST]).encode() for at in range(0, len(lines), _LINES_A_REQUEST)]


def _bare(directory: Path, bodies: list[bytes], connections: int) -> float:
    """Lines a second that a fresh InfluxDB takes of ready-made requests."""
    influx = InfluxDB(directory)
    with running(influx):
        influx.create(_DATABASE)
        loaders = [
            threading.Thread(target=_load, args=(influx.port, bodies[n::connections])) for n in range(connections)
        ]
        begun = time.perf_counter()
        for loader in loaders:
            loader.start()
        for loader in loaders:
            loader.join()
        taken = time.perf_counter() - begun
        if (stored := _shown(influx)) != _READINGS:
            raise RuntimeError(f"the bare loader stored {stored} of {_READINGS} lines")
    shutil.rmtree(directory)
    return _READINGS / taken


def _load(port: int, bodies: list[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for body in bodies:
        connection.request("POST", f"/write?db={_DATABASE}", body)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 204:
            raise RuntimeError(f"InfluxDB answered {answer.status}")
    connection.close()


def _ours(directory: Path, outbox: Path, costs: dict[str, float], profile: list[str] | None = None) -> float:
    """Readings a second from link up until InfluxDB shows all of them. costs: filled with each part's processor time,
    microseconds a reading."""
    broker, influx = Mosquitto(directory / "broker"), InfluxDB(directory / "influxdb")
    registry = write_registry(directory / "registry.toml", {_STATION: _TERRITORY})
    ingest = Ingest(directory / "ingest", broker.port, influx.url, registry)
    gateway = Gateway(directory / "gateway", _STATION, broker.port, ["sensor"])
    shutil.copy(outbox, gateway.directory / "outbox.db")
    journal = directory / "ingest" / "journal.db"
    with running(broker, influx, ingest):
        gateway.start(wait=False)
        try:
            with profiled([gateway, ingest], directory, profile is not None, profile if profile is not None else []):
                wait_for("the link", lambda: _LINK_UP.search(gateway.log.read_text()), every_s=0.005)
                parts = {"broker": broker, "InfluxDB": influx, "ingest": ingest, "gateway": gateway}
                before = {name: processor_seconds(part.pid) for name, part in parts.items()}
                # Asking InfluxDB costs it time: first ask the journal, which costs little.
                wait_for("the sink to have written all", lambda: _written(journal) >= _READINGS, every_s=0.05)
                wait_for("InfluxDB to show all", lambda: _shown(influx) >= _READINGS)
                shown_at = time.time()
                for name, part in parts.items():
                    costs[name] = (processor_seconds(part.pid) - before[name]) / _READINGS * 1e6
            up = _LINK_UP.search(gateway.log.read_text())
            if up is None:
                raise RuntimeError(f"no link up in {gateway.log_end()}")
        finally:
            gateway.stop()
    shutil.rmtree(directory, ignore_errors=True)
    return _READINGS / (shown_at - datetime.strptime(up[1], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp())


def _told(costs: dict[str, float]) -> str:
    return ", ".join(f"{name} {each:.1f} µs" for name, each in costs.items())


def _written(journal: Path) -> int:
    """How many entries the sink's cursor has passed, as near as messages tell."""
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=10)) as db:
        row = db.execute("SELECT min(message_id) FROM cursor").fetchone()
    return (row[0] or 0) * _BATCH


def _shown(influx: InfluxDB) -> int:
    series = influx.query(_DATABASE, "SELECT count(sequence) FROM environment")
    return int(series[0]["values"][0][1]) if series else 0
