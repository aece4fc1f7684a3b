"""Serial bytes to readings in the outbox, committed, against thingsboard-gateway's serial connector in the same run.

Paced: a writer that waits whenever the line is full, so that nothing is lost and the reader sets the pace. Not paced:
bytes at the speed of a 4 Mbaud UART, the fastest that the settings allow, which waits for nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from deploy.parts.processes import free_port
from deploy.parts.servers import Mosquitto
from deploy.parts.services import Gateway
from tests.bench.devices import Line, accepted, detections, devices_of, line_for
from tests.bench.harness import Options, Result, Row, median, repeated, running, say, verdict, verdict_of, wait_for
from tests.bench.peer import Peer, PeerMissingError, lines, peer_python
from tests.bench.profiles import profiled

_FRAMES: Final = 200_000
_LINES: Final = 15_000
_UNPACED: Final = 50_000
_UART_BYTES_PER_SECOND: Final = 4_000_000 / 10  # 8N1: ten bits a byte
_SETTLED_S: Final = 3.0
_KNOWN_BEST: Final = 3700
_KNOWN: Final = "2.3-3.7k readings/s, 57-78 % lost (measured before, not in this run)"


def run(directory: Path, options: Options) -> Result:
    """See the module."""
    limits: list[str] = []
    profile: list[str] = []
    ours = repeated(options.repeat, "our gateway, paced", lambda n: _ours_paced(directory / f"paced-{n}"), "{:,.0f}/s")
    ours_lost = _ours_unpaced(directory / "unpaced")
    if options.profile:
        _ours_paced(directory / "profiled", profile)
    against, ratios = _KNOWN, [rate / _KNOWN_BEST for rate in ours]
    try:
        peer_python()
    except PeerMissingError as missing:
        limits.append(f"The peer was not measured: {missing}. The ratio is to the best of what was measured before.")
        say(limits[-1])
    else:
        peer, peer_lost = _peer(directory, options)
        ratios = [rate / median(peer) for rate in ours]
        against = f"thingsboard-gateway {median(peer):,.0f}/s, {peer_lost:.0%} lost when not paced"
    limits += [
        (
            "Ours is held by the interpreter: a source decrypts, checks and hands over in one thread, another commits,"
            " and both want it all the time (shares in the profile). No disk and no line is waited for."
        ),
        (
            "The peer asks the kernel for one byte at a time and sets its port up anew for each (`read(1)` with a new"
            " time-out), so that a line of 26 bytes costs it some hundred system calls."
        ),
    ]
    return Result(
        [
            Row(
                "serial bytes to reading in the outbox, committed, paced by the line",
                f"{median(ours):,.0f} readings/s, none lost: {median(ratios):.0f} times the peer"
                f" ({min(ratios):.0f} to {max(ratios):.0f} in {len(ratios)} runs)",
                "20 times the peer, no frame lost",
                against,
                verdict_of(ratios, 20),
            ),
            Row(
                "the same, not paced: a UART at 4 Mbaud",
                f"{ours_lost:.1%} lost of {_UNPACED:,}",
                "no frame lost",
                against,
                verdict(ours_lost == 0),
            ),
        ],
        limits,
        profile,
    )


def _gateway(directory: Path) -> Gateway:
    """A post with ten sensors on one line and no link to the world."""
    return Gateway(directory, "bench", free_port(), [f"sensor-{n}" for n in range(10)])


def _stored(gateway: Gateway) -> int:
    return accepted(gateway.directory / "outbox.db", ["detection"])


def _ours_paced(directory: Path, profile: list[str] | None = None) -> float:
    gateway = _gateway(directory)
    frames = detections(devices_of(gateway), _FRAMES, "bird")
    line = line_for(gateway)
    with running(line, gateway):
        _wait_until_listening(gateway)
        with profiled([gateway], directory, profile is not None, profile if profile is not None else []):
            return _rate(line, frames, lambda: _stored(gateway))


def _ours_unpaced(directory: Path) -> float:
    gateway = _gateway(directory)
    frames = detections(devices_of(gateway), _UNPACED, "bird")
    line = line_for(gateway)
    with running(line, gateway):
        _wait_until_listening(gateway)
        return _lost(line, frames, lambda: _stored(gateway))


def _wait_until_listening(gateway: Gateway) -> None:
    wait_for("the gateway to open its port", lambda: "is open at" in gateway.log_end())


def _peer(directory: Path, options: Options) -> tuple[list[float], float]:
    """Its paced rates, and the share that it lost when not paced."""
    broker = Mosquitto(directory / "broker")
    with running(broker):

        def paced(number: int) -> float:
            with running(*(parts := _peer_parts(directory / f"peer-{number}", broker))):
                return _rate(parts[0], lines(_LINES), _warmed(*parts))

        rates = repeated(options.repeat, "the peer, paced", paced, "{:,.0f}/s")
        with running(*(parts := _peer_parts(directory / "peer-unpaced", broker))):
            lost = _lost(parts[0], lines(_UNPACED), _warmed(*parts))
    say(f"the peer, not paced: {lost:.1%} lost")
    return rates, lost


def _peer_parts(directory: Path, broker: Mosquitto) -> tuple[Line, Peer]:
    directory.mkdir()
    return Line(directory / "tty"), Peer(directory / "peer", directory / "tty", broker.port)


def _warmed(line: Line, peer: Peer) -> Callable[[], int]:
    """Once the peer stores what it hears (it throws away what came before): how many it stored since."""

    def hears() -> bool:
        line.say(lines(1)[0])
        return peer.stored() > 0

    wait_for("the peer to store", hears, timeout_s=30.0, every_s=0.2)
    time.sleep(1.0)  # it commits what it has five times a second
    before = peer.stored()
    return lambda: peer.stored() - before


def _rate(line: Line, pieces: list[bytes], stored: Callable[[], int]) -> float:
    """Readings a second from the first byte to the commit of the last. Raises TimeoutError when one is missing."""
    begun = time.perf_counter()
    line.pour(pieces)
    wait_for(f"all of {len(pieces)} readings to be stored", lambda: stored() >= len(pieces))
    return len(pieces) / (time.perf_counter() - begun)


def _lost(line: Line, pieces: list[bytes], stored: Callable[[], int]) -> float:
    """The share that was never stored, told when nothing more comes."""
    line.pour_at(pieces, _UART_BYTES_PER_SECOND)
    deadline = time.monotonic() + 50.0
    held, since = stored(), time.monotonic()
    while held < len(pieces) and time.monotonic() < min(deadline, since + _SETTLED_S):
        time.sleep(0.1)
        if (now := stored()) != held:
            held, since = now, time.monotonic()
    return 1 - held / len(pieces)
