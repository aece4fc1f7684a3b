"""What a gateway takes of a small machine in a rush: resident memory with fifty sensors and the page on two phones, and
how soon after its start it has accepted a first reading. Beside it the peer, where it can be had."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from deploy.parts.processes import free_port
from deploy.parts.servers import Mosquitto
from deploy.parts.services import Gateway, Ingest, write_registry
from tests.bench.deployed import as_deployed
from tests.bench.devices import Line, accepted, detections, devices_of, line_for
from tests.bench.harness import (
    Options,
    Result,
    Row,
    console,
    median,
    repeated,
    resident_mib,
    running,
    say,
    verdict,
    wait_for,
)
from tests.bench.peer import Peer, PeerMissingError, lines, peer_python
from tests.bench.phones import Phone

_SENSORS: Final = 50
_SECONDS: Final = 20.0
_FRAMES_PER_SECOND: Final = 200
_TARGET_MIB: Final = 60
_TARGET_S: Final = 1.5


def run(directory: Path, options: Options) -> Result:
    """See the module."""
    with as_deployed(directory / "compiled"):
        _start(directory / "compiling")
        starts = repeated(
            options.repeat, "start to first reading", lambda n: _start(directory / f"start-{n}"), "{:.2f} s"
        )
        with console.status("memory"):
            resident = _resident(directory / "memory")
    say(f"resident with {_SENSORS} sensors: {resident:.1f} MiB")
    against_mib, against_s = "thingsboard-gateway, measured before: 61 MiB", "measured before: 1.5-1.8 s"
    try:
        peer_python()
    except PeerMissingError as missing:
        say(f"{missing}")
    else:
        told = [_peer(directory / f"peer-{n}") for n in range(options.repeat)]
        against_mib = f"thingsboard-gateway, one sensor, idle: {median([mib for mib, _ in told]):.0f} MiB"
        against_s = f"thingsboard-gateway: {median([s for _, s in told]):.2f} s"
    return Result(
        [
            Row(
                f"gateway resident memory, {_SENSORS} sensors, page on two phones, {_FRAMES_PER_SECOND} frames/s",
                f"{resident:.0f} MiB",
                f"{_TARGET_MIB} MiB",
                against_mib,
                verdict(resident <= _TARGET_MIB),
            ),
            Row(
                "gateway start to first reading accepted, on disk",
                f"{median(starts):.2f} s",
                f"{_TARGET_S} s",
                against_s,
                verdict(median(starts) <= _TARGET_S),
            ),
        ],
        [
            "As its systemd unit runs it. In a rush as nobody expects it: an ordinary day's memory is under upkeep.",
            "The start is imports for the most part, first those of the command line, and then up to one group commit.",
        ],
    )


def _start(directory: Path) -> float:
    """Seconds from exec to the commit of a frame that waited in the line."""
    gateway = Gateway(directory, "bench", 9, ["sensor"], page_port=free_port())
    line = line_for(gateway)
    outbox = directory / "outbox.db"
    with running(line):
        line.say(detections(devices_of(gateway), 1, "bird")[0])
        begun = time.perf_counter()
        gateway.start(wait=False)
        try:
            wait_for("the first reading", lambda: accepted(outbox, ["detection"]), every_s=0.01)
            return time.perf_counter() - begun
        finally:
            gateway.stop()


def _resident(directory: Path) -> float:
    """The highest resident memory while fifty sensors send and all of it reaches headquarters' journal."""
    broker = Mosquitto(directory / "broker")
    registry = write_registry(directory / "registry.toml", {"bench": "yaguas"})
    ingest = Ingest(directory / "ingest", broker.port, "http://127.0.0.1:9", registry)
    port = free_port()
    sensors = [f"sensor-{n:02d}" for n in range(_SENSORS)]
    gateway = Gateway(directory / "gateway", "bench", broker.port, sensors, page_port=port)
    line = line_for(gateway)
    phones = [Phone(port), Phone(port)]
    frames = detections(devices_of(gateway), int(_SECONDS * _FRAMES_PER_SECOND), "bird")
    highest = 0.0
    with running(broker, ingest, line, gateway), running(*phones):
        begun = time.monotonic()
        for number, frame in enumerate(frames):
            line.say(frame)
            if number % _FRAMES_PER_SECOND == 0:
                highest = max(highest, resident_mib(gateway.pid))
            if (ahead := begun + number / _FRAMES_PER_SECOND - time.monotonic()) > 0:
                time.sleep(ahead)
        wait_for("all to be accepted", lambda: accepted(gateway.directory / "outbox.db", ["detection"]) == len(frames))
        return max(highest, resident_mib(gateway.pid))


def _peer(directory: Path) -> tuple[float, float]:
    """Its resident memory, idle, and the seconds from its start to the first reading in its storage."""
    directory.mkdir()
    broker = Mosquitto(directory / "broker")
    line, peer = Line(directory / "tty"), Peer(directory / "peer", directory / "tty", broker.port)
    with running(broker, line):
        begun = time.perf_counter()
        peer.start(wait=False)

        def hears() -> bool:
            line.say(lines(1)[0])
            return peer.stored() > 0

        try:
            wait_for("the peer to store", hears, timeout_s=30.0)
            taken = time.perf_counter() - begun
            time.sleep(2.0)
            return resident_mib(peer.pid), taken
        finally:
            peer.stop()
