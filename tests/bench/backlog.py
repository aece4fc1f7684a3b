"""A backlog: from an outbox to rows that InfluxDB shows, every part on the same cores; against a bare loader that
writes the very same lines into a fresh InfluxDB in the same run."""

from __future__ import annotations

import http.client
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
from tests.bench.harness import Options, Result, Row, median, repeated, running, say, verdict, wait_for
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
    one = repeated(options.repeat, "bare loader, one connection", lambda n: _bare(directory / f"one-{n}", bodies, 1))
    two = repeated(options.repeat, "bare loader, two connections", lambda n: _bare(directory / f"two-{n}", bodies, 2))
    ours = repeated(options.repeat, "outbox to InfluxDB", lambda n: _ours(directory / f"ours-{n}", outbox))
    if options.profile:
        _ours(directory / "profiled", outbox, profile)
    share = median(ours) / median(one)
    say(f"{share:.0%} of the bare loader on one connection, {median(ours) / median(two):.0%} of two")
    return Result(
        [
            Row(
                f"backlog of {_READINGS:,} readings: outbox to visible in InfluxDB, all on the same cores",
                f"{median(ours):,.0f} readings/s: {share:.0%} of the bare loader",
                "50 % of the bare loader",
                f"{median(one):,.0f} lines/s on one connection, {median(two):,.0f} on two",
                verdict(share >= 0.5),
            )
        ],
        [
            (
                "Two cores carry five programs. InfluxDB alone takes more than one of them while it is loaded; broker,"
                " gateway and ingest share the rest, the last two each within one interpreter (shares in the profile)."
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


def _ours(directory: Path, outbox: Path, profile: list[str] | None = None) -> float:
    """Readings a second from link up until InfluxDB shows all of them."""
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
                # Asking InfluxDB costs it time: first ask the journal, which costs little.
                wait_for("the sink to have written all", lambda: _written(journal) >= _READINGS, every_s=0.05)
                wait_for("InfluxDB to show all", lambda: _shown(influx) >= _READINGS)
                shown_at = time.time()
            up = _LINK_UP.search(gateway.log.read_text())
            if up is None:
                raise RuntimeError(f"no link up in {gateway.log_end()}")
        finally:
            gateway.stop()
    shutil.rmtree(directory, ignore_errors=True)
    return _READINGS / (shown_at - datetime.strptime(up[1], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp())


def _written(journal: Path) -> int:
    """How many entries the sink's cursor has passed, as near as messages tell."""
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=10)) as db:
        row = db.execute("SELECT min(message_id) FROM cursor").fetchone()
    return (row[0] or 0) * _BATCH


def _shown(influx: InfluxDB) -> int:
    series = influx.query(_DATABASE, "SELECT count(sequence) FROM environment")
    return int(series[0]["values"][0][1]) if series else 0
