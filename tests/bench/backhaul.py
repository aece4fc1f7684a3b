"""What a reading costs on the link: bytes on the wire through a real gateway, a relay that counts and a real broker.

Ten sensors, four values a minute each. A day is played faster than real time, with every linger as much shorter.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from deploy.parts.processes import free_port
from deploy.parts.servers import Mosquitto
from deploy.parts.services import Gateway as GatewayPart
from deploy.parts.services import Ingest, write_registry
from deploy.settings.file import load_settings
from firmware_bridge.readings import Kind, make_reading
from gateway.app import Gateway
from gateway.contract import topics
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted
from gateway.settings import GatewaySettings
from tests.bench.harness import Options, Result, Row, console, running, say, verdict, wait_for
from tests.bench.other_forms import json_bytes, zlib_bytes
from tests.bench.trace import day, fill
from tests.bench.wire import IP_TCP_HEADER_BYTES, CountingRelay

_STATION: Final = "boca-yaguas"
_SENSORS: Final = 10
_DAY: Final = _SENSORS * 24 * 60
_LONGEST_S: Final = 60.0
_READING_TOPIC: Final = topics.up(_STATION, Lane.READING)
_ALERT_TOPIC: Final = topics.up(_STATION, Lane.ALERT)


class Mode(NamedTuple):
    """How a post uses its link. linger_s: how long measurements wait to travel together. speed: scenario seconds in a
    real one, 0 for a whole day that waits in the outbox. readings: how many of the day's are played."""

    what: str
    linger_s: float
    speed: float
    readings: int


_MODES: Final = (
    Mode("always on, lingers as they come (30 s)", 30.0, 60.0, _DAY // 30),
    Mode("always on, measurements linger 10 minutes", 600.0, 1440.0, _DAY // 2),
    Mode("always on, measurements linger an hour", 3600.0, 2880.0, _DAY),
    Mode("a day's backlog drained at once", 30.0, 0.0, _DAY),
)


class Counted(NamedTuple):
    """Bytes of one mode. readings_up: PUBLISH packets with measurements, framing in. all_up, all_down: every packet
    after the connection stood. headers: what TCP/IP headers add to both, acknowledgements in. alert: one PUBLISH."""

    readings_up: int
    messages: int
    all_up: int
    all_down: int
    headers: int
    alert: int


def run(directory: Path, options: Options) -> Result:
    """See the module. Bytes do not vary from run to run as times do: each mode is measured once."""
    rows: list[Row] = []
    best: dict[str, float] = {}
    alert = 0
    for number, mode in enumerate(_MODES):
        with console.status(mode.what):
            counted = _measure(directory / str(number), mode)
        each = counted.readings_up / mode.readings
        best[mode.what] = each
        alert = counted.alert or alert
        rows.append(
            Row(
                f"bytes a reading of 4 values, MQTT framing in: {mode.what}",
                f"{each:.1f} ({mode.readings / counted.messages:.0f} a message)",
                "6" if mode.speed == 0 or mode.linger_s == 3600 else "",
                f"everything (receipts, health): {counted.all_up / mode.readings:.1f} up,"
                f" {counted.all_down / mode.readings:.1f} down, TCP/IP headers {counted.headers / mode.readings:.1f}",
                verdict(each <= 6) if mode.speed == 0 or mode.linger_s == 3600 else "",
            )
        )
        say(f"{mode.what}: {each:.2f} bytes a reading")
    rows.append(Row("bytes of a lone alert, the whole PUBLISH", f"{alert}", "100", "", verdict(0 < alert <= 100)))
    rows.append(
        Row(
            "the same readings in other forms, MQTT framing in",
            f"JSON, one message each: {json_bytes():.0f}; line protocol, zlib, 500 a message: {zlib_bytes():.1f}",
            against="Sparkplug B, measured before: 63-106",
        )
    )
    return Result(
        rows,
        [
            (
                "Six bytes hold for what travels some hundreds together: an hour's linger or a backlog. With lingers as"
                " they come, five or six readings share a message of which topic, epoch and names are most. A post on a"
                " metered link sets linger_reading_s; alerts and detections do not wait for it."
            ),
            "The gateway's report about itself, once a minute, is the larger part of what goes up beside the readings.",
            (
                "What is left is noise, which no code makes smaller: two seconds of jitter are 11 bits, and the four"
                " values as the simulator varies them are 16 more."
            ),
            "TCP/IP headers: segments as the kernel counts them, at 1448 bytes each, 52 bytes of header.",
        ],
    )


def _measure(directory: Path, mode: Mode) -> Counted:
    broker = Mosquitto(directory / "broker")
    registry = write_registry(directory / "registry.toml", {_STATION: "yaguas"})
    # No database: the journal alone makes the receipts.
    ingest = Ingest(directory / "ingest", broker.port, f"http://127.0.0.1:{free_port()}", registry)
    relay = CountingRelay(broker.port)
    part = GatewayPart(directory / "gateway", _STATION, relay.port, ["sensor"])
    first_ms = time.time_ns() // 1_000_000 - 86_400_000
    readings = day(_SENSORS, mode.readings, first_ms=first_ms)
    if mode.speed == 0:
        fill(directory / "gateway" / "outbox.db", readings)
    with running(broker, ingest, relay), _in_process(_settings(part, mode)) as gateway:
        wait_for("the link to be up", lambda: relay.down.packets["SUBACK"])
        if mode.speed:
            _play(gateway, readings, first_ms, mode.speed)
        wait_for("headquarters to have all", lambda: _is_empty(gateway), timeout_s=_LONGEST_S, every_s=0.1)
        up, down = relay.segments()
        counted = Counted(
            readings_up=relay.up.bytes[_READING_TOPIC],
            messages=relay.up.packets[_READING_TOPIC],
            all_up=relay.up.bytes.total() - relay.up.bytes["CONNECT"],
            all_down=relay.down.bytes.total() - relay.down.bytes["CONNACK"],
            headers=(up + down) * IP_TCP_HEADER_BYTES,
            alert=0,
        )
        return counted._replace(alert=_lone_alert(gateway, relay))


def _settings(part: GatewayPart, mode: Mode) -> GatewaySettings:
    """The gateway's own defaults, as much faster as the day is played."""
    settings = load_settings(part.settings, GatewaySettings)
    speed = mode.speed or 1.0
    defaults = GatewaySettings()
    uplink = settings.uplink.model_copy(
        update={
            "linger_detection_s": defaults.uplink.linger_detection_s / speed,
            "linger_reading_s": mode.linger_s / speed,
            "linger_health_s": defaults.uplink.linger_health_s / speed,
            "receipt_timeout_s": defaults.uplink.receipt_timeout_s,
        }
    )
    health = settings.health.model_copy(update={"every_s": defaults.health.every_s / speed})
    outbox = settings.outbox.model_copy(update={"commit_every_s": max(0.01, 1 / speed)})
    return settings.model_copy(update={"uplink": uplink, "health": health, "outbox": outbox, "sources": []})


@contextmanager
def _in_process(settings: GatewaySettings) -> Iterator[Gateway]:
    """A gateway in a thread, so that readings reach its outbox at times of our choice."""
    gateway = Gateway(settings)
    stop = threading.Event()
    thread = threading.Thread(target=gateway.run, args=(stop,), name="gateway")
    thread.start()
    try:
        yield gateway
    finally:
        stop.set()
        thread.join(20.0)


def _play(gateway: Gateway, readings: Iterator[Accepted], first_ms: int, speed: float) -> None:
    begun = time.monotonic()
    for item in readings:
        wait_s = begun + (item.moment.wall_ms - first_ms) / 1000 / speed - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        gateway.outbox.accept([item])


def _is_empty(gateway: Gateway) -> bool:
    state = gateway.outbox.state()
    return not state.by_lane.get(Lane.READING) and not state.in_memory


def _lone_alert(gateway: Gateway, relay: CountingRelay) -> int:
    values = {"confidence_ratio": 0.93, "sound_level_decibels": 58.0, "duration_seconds": 12.0, "battery_volts": 3.7}
    values |= {"rssi_dbm": -104.0, "snr_decibels": 2.25}
    reading = make_reading(Kind.ACOUSTIC_DETECTION, "trocha-norte", values, label="chainsaw")
    gateway.outbox.accept([Accepted(Lane.ALERT, gateway.clock.now(), reading)])
    return wait_for("the alert to leave", lambda: relay.up.bytes[_ALERT_TOPIC])
