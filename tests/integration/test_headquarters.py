"""Headquarters as a whole, each part a process: hostile posts, two to share the load, any beginning and a clean end.
Accepted = stored, nothing double, nothing stalls."""

from __future__ import annotations

import http.client
import os
import pty
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.parts.processes import Part, answers
from deploy.parts.servers import InfluxDB, Mosquitto
from deploy.parts.services import Ingest, write_registry
from gateway.contract import topics
from gateway.contract.batches import encode_batch
from gateway.contract.ranges import RangeSet
from gateway.contract.receipts import decode_receipt
from gateway.contract.topics import Lane
from tests.ingest.messages import EPOCH, entry
from tests.support.landscape import Landscape
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

STATION = "boca-yaguas"
UP = topics.up(STATION, Lane.READING)
RECEIPT = topics.receipt(STATION)
pytestmark = pytest.mark.slow


class Headquarters:
    """Broker, InfluxDB and ingest for the posts of `STATION`, which are plain MQTT clients here."""

    def __init__(self, directory: Path, *, influx_url: str | None = None) -> None:
        self.directory = directory
        self.broker = Mosquitto(directory / "mosquitto")
        self.influx = InfluxDB(directory / "influxdb")
        self.registry = write_registry(directory / "registry.toml", {STATION: "yaguas"})
        self.ingest = Ingest(directory / "ingest", self.broker.port, influx_url or self.influx.url, self.registry)

    @property
    def parts(self) -> list[Part]:
        return [self.broker, self.influx, self.ingest]

    def start(self) -> None:
        for part in self.parts:
            part.start()
        self.influx.create("vigia")  # ingest would, at its first write; here we ask before
        self.wait_ready()

    def wait_ready(self) -> None:
        wait_until("headquarters is ready", lambda: bool(self.ingest.get("/readyz")["ready"]), every_s=0.05)

    def stored(self, station: str = STATION) -> Counter[int]:
        """How often each sequence number is in InfluxDB for a station."""
        found: Counter[int] = Counter()
        for series in self.influx.query("vigia", f"SELECT sequence FROM /.*/ WHERE station = '{station}'"):
            found.update(int(sequence) for _, sequence in series["values"])
        return found

    def wait_stored(self, numbers: range, station: str = STATION, timeout_s: float = 30.0) -> None:
        """Until each of these is there, once, and nothing else."""
        wanted = Counter(numbers)
        wait_until(
            f"{len(numbers)} entries are stored",
            lambda: self.stored(station) == wanted,
            timeout_s=timeout_s,
            every_s=0.1,
        )

    def vigia(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy.cli", "ingest", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics, by its name with labels."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ingest.api_port, timeout=10)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name.removeprefix("vigia_ingest_"): float(value) for name, value in samples}


STARTED_MS = time.time_ns() // 1_000_000  # ingest does not believe a time that is long past


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Headquarters]:
    made = Headquarters(tmp_path)
    yield made
    for part in reversed(made.parts):
        part.stop()


def batch(numbers: range | list[int], station: str = STATION) -> bytes:
    return encode_batch(station, EPOCH, [entry(number, time_ms=STARTED_MS + number) for number in numbers])


def receipted(post: MqttPeer, station: str = STATION) -> RangeSet:
    held = RangeSet()
    for receipt in post.payloads(topics.receipt(station)):
        held.update(decode_receipt(receipt).get(EPOCH, RangeSet()))
    return held


# hostile posts


def test_under_a_flood_of_garbage_good_messages_arrive_and_the_books_balance(hq: Headquarters, seed: int) -> None:
    hq.start()
    chance = random.Random(seed)
    good = batch(range(1, 200))
    with MqttPeer(hq.broker.port, RECEIPT) as hostile, MqttPeer(hq.broker.port, RECEIPT) as post:
        for number in range(300):
            kind = number % 4
            bad = bytearray(good)
            bad[chance.randrange(6)] ^= 1 << chance.randrange(8)  # version, flags or digest
            size = 256 * 1024 if kind == 0 else chance.randint(0, 3000)
            hostile.publish(UP, bytes(bad) if kind == 1 else chance.randbytes(size))
            if number % 10 == 0:
                post.publish(UP, batch([1_000_000 + number]))
                post.publish(UP, batch([1_000_000 + number]))  # twice
        wait_until(
            "all good ones are receipted", lambda: sum(n > 1_000_000 - 1 for n in receipted(post).numbers()) == 30
        )
        wait_until("all is counted", lambda: hq.metrics()["received_messages_total"] == 360)
    wait_until("all is written", lambda: hq.ingest.behind() == 0)
    stored = hq.stored()
    assert all(stored[1_000_000 + number] == 1 for number in range(0, 300, 10))
    books = hq.metrics()
    assert books["received_messages_total"] == (
        books["journaled_messages_total"] + books["duplicate_messages_total"] + books["refused_messages_total"]
    )
    assert books["journaled_messages_total"] == hq.ingest.journaled()
    refused = sum(
        n for name, n in books.items() if re.match(r"discarded_total\{reason=.(?!dupl).*stage=.journal", name)
    )
    assert refused == books["refused_messages_total"]
    by_sink = sum(n for name, n in books.items() if name.startswith("discarded_total") and 'stage="influxdb"' in name)
    assert hq.ingest.dead_letters() == refused + by_sink
    assert peak_megabytes(hq.ingest.pid) < 250


def peak_megabytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) // 1024


def test_an_unknown_station_is_receipted_kept_and_driven_again_once_it_is_registered(hq: Headquarters) -> None:
    hq.start()
    with MqttPeer(hq.broker.port, topics.receipt("puesto-nuevo")) as post:
        for first in range(1, 101, 10):
            post.publish(topics.up("puesto-nuevo", Lane.READING), batch(range(first, first + 10), "puesto-nuevo"))
        wait_until("all is receipted", lambda: len(receipted(post, "puesto-nuevo")) == 100)
    wait_until("it is set aside", lambda: hq.ingest.dead_letters() == 10)
    settings = str(hq.ingest.settings)
    listed = hq.vigia("dead-letters", settings, "--reason", "unknown_station").stdout.splitlines()
    assert len(listed) == 10
    number, at, stage, reason, topic, size, detail = listed[0].split("\t")
    assert (number, stage, reason, topic) == ("10", "influxdb", "unknown_station", "vigia/1/puesto-nuevo/up/reading")
    assert at.endswith("Z")
    assert int(size) > 0
    assert "is not in the registry; add it" in detail

    write_registry(hq.registry, {STATION: "yaguas", "puesto-nuevo": "ampiyacu"})
    wait_until("the registry is read", lambda: len(hq.ingest.get("/api/v1/stations")["stations"]) == 2)
    assert (
        hq.vigia("redrive", settings, "--reason", "unknown_station").stdout
        == "10 mensajes van otra vez a sus destinos\n"
    )
    hq.wait_stored(range(1, 101), "puesto-nuevo")
    assert hq.ingest.dead_letters() == 0
    assert (
        hq.vigia("redrive", settings, "--reason", "unknown_station").stdout
        == "0 mensajes van otra vez a sus destinos\n"
    )
    hq.wait_stored(range(1, 101), "puesto-nuevo")
    assert "Traceback" not in hq.ingest.log.read_text()


def test_on_a_terminal_dead_letters_are_a_table(hq: Headquarters) -> None:
    hq.start()
    with MqttPeer(hq.broker.port) as hostile:
        hostile.publish("vigia/1/[bold]/up/reading", b"garbage")
        wait_until("it is set aside", lambda: hq.ingest.dead_letters() == 1)
    shown = on_a_terminal([sys.executable, "-m", "deploy.cli", "ingest", "dead-letters", str(hq.ingest.settings)])
    assert "Motivo" in shown
    assert "bad_station" in shown
    assert "vigia/1/[bold]/up/reading" in shown  # not taken for markup
    assert "1 de 1 cartas muertas." in shown


def on_a_terminal(command: list[str]) -> str:
    """What a command shows on a terminal of 160 columns."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "160", "TERM": "xterm"}
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 65536):
            shown += chunk
    except OSError:  # how a pty says that the other end has closed
        pass
    os.close(leader)
    assert process.wait(30) == 0
    return shown.decode()


# several processes


def test_two_share_the_load_and_one_may_be_killed(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIA_INGEST__BROKER__GROUP", "a-name-that-no-post-knows")
    monkeypatch.setenv("VIGIA_INGEST__BROKER__SESSION_KEPT_S", "2")
    landscape = Landscape(tmp_path, ("puesto-a", "puesto-b"))
    one = landscape.ingest = Ingest(
        tmp_path / "one", landscape.broker.port, landscape.influx.url, tmp_path / "registry.toml", name="ingest-1"
    )
    two = Ingest(
        tmp_path / "two", landscape.broker.port, landscape.influx.url, tmp_path / "registry.toml", name="ingest-2"
    )
    try:
        two.start(wait=False)
        landscape.start()
        two.wait_ready()
        for each in (one, two):
            wait_until("it is ready", lambda each=each: bool(each.get("/readyz")["ready"]))  # type: ignore[misc]  # bound now
        landscape.play(rate=300, seconds=8, seed=seed)
        wait_until("both take part", lambda: min(one.journaled(), two.journaled()) > 10)
        two.kill()
        for sensors in landscape.sensors:
            sensors.wait_ended(30)
        landscape.wait_until_sent()
        two.start()  # it has what it took and could not write
        wait_until("it has written it", lambda: two.behind() == 0)
        assert landscape.prove() > 2000
    finally:
        two.stop()
        landscape.stop()


def test_a_second_process_on_one_journal_is_refused_in_plain_words(hq: Headquarters) -> None:
    hq.start()
    second = hq.vigia("run", str(hq.ingest.settings))
    assert second.returncode == 1
    assert "another ingest process uses the journal" in second.stderr
    assert "Traceback" not in second.stderr
    assert hq.ingest.running


# beginning and end


@pytest.mark.parametrize("order", ["ingest influx broker", "influx ingest broker", "ingest broker influx"])
def test_parts_may_start_in_any_order(hq: Headquarters, order: str) -> None:
    parts = {"ingest": hq.ingest, "influx": hq.influx, "broker": hq.broker}
    for name in order.split():
        parts[name].start()
    hq.influx.create("vigia")
    hq.wait_ready()
    with MqttPeer(hq.broker.port, RECEIPT) as post:
        post.publish(UP, batch(range(1, 51)))
        wait_until("it is receipted", lambda: len(receipted(post)) == 50)
    hq.wait_stored(range(1, 51))


def test_what_is_known_of_a_post_survives_a_restart(hq: Headquarters) -> None:
    hq.start()
    with MqttPeer(hq.broker.port, RECEIPT) as post:
        post.publish(UP, batch(range(1, 4)))
        wait_until("it is receipted", lambda: len(receipted(post)) == 3)
    wait_until("it is known", lambda: hq.ingest.get("/api/v1/stations")["stations"][0]["last_received"] is not None)
    before = hq.ingest.get("/api/v1/stations")["stations"][0]
    hq.ingest.kill()
    hq.ingest.start()
    assert hq.ingest.get("/api/v1/stations")["stations"][0] == before


def test_a_port_that_is_taken_is_said_and_tried_again_and_all_else_works(hq: Headquarters) -> None:
    hq.broker.start()
    hq.influx.start()
    with socket.create_server(("127.0.0.1", hq.ingest.api_port), reuse_port=False):
        hq.ingest.start(wait=False)
        with MqttPeer(hq.broker.port, RECEIPT) as post:
            wait_until("it is said", lambda: "the API cannot listen on" in hq.ingest.log_end())
            post.publish(UP, batch(range(1, 4)))
            wait_until("messages are taken all the same", lambda: len(receipted(post)) == 3)
    wait_until("it listens now", lambda: answers(hq.ingest.api_port))
    hq.wait_ready()
    hq.ingest.stop()
    said = hq.ingest.log.read_text()
    assert "is the port taken?" in said
    assert "Traceback" not in said


def test_it_ends_soon_though_connections_are_open_and_the_database_hangs(
    hq: Headquarters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIGIA_INGEST__INFLUX__TIMEOUT_S", "60")
    hq.start()
    idle = http.client.HTTPConnection("127.0.0.1", hq.ingest.api_port, timeout=10)
    idle.request("GET", "/healthz")
    idle.getresponse().read()  # kept alive
    os.kill(hq.influx.pid, signal.SIGSTOP)
    try:
        with (
            MqttPeer(hq.broker.port, RECEIPT) as post,
            socket.create_connection(("127.0.0.1", hq.ingest.api_port)) as asking,
        ):
            asking.sendall(b"GET /api/v1/sensors HTTP/1.1\r\nHost: localhost\r\n\r\n")
            post.publish(UP, batch(range(1, 101)))
            wait_until("it is receipted", lambda: len(receipted(post)) == 100)
            asking.settimeout(0.5)
            with pytest.raises(TimeoutError):
                asking.recv(1)  # no answer yet: it waits for the database
            os.kill(hq.ingest.pid, signal.SIGTERM)
            assert hq.ingest.wait_ended(20) == 0  # long before a request to the database is given up
            asking.settimeout(5)
            assert asking.recv(100).startswith(b"HTTP/1.1 503")  # not just cut off
    finally:
        os.kill(hq.influx.pid, signal.SIGCONT)
        idle.close()
    assert "Traceback" not in hq.ingest.log.read_text()
    hq.ingest.start()
    hq.wait_stored(range(1, 101))


def test_a_normal_end_is_quick_and_says_nothing_of_errors(hq: Headquarters) -> None:
    hq.start()
    os.kill(hq.ingest.pid, signal.SIGTERM)
    assert hq.ingest.wait_ended(10) == 0
    log = hq.ingest.log.read_text()
    assert not re.search(r"Traceback|ERROR|WARNING", log), log  # a stage that ends too late is a WARNING
    assert "stopped" in log
