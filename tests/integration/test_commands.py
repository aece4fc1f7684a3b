"""Orders from headquarters to a post and back: signed on the command line, sent by ingest, carried out by the gateway,
answered through outbox, broker and journal. All parts are real."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.parts.servers import InfluxDB, Mosquitto
from deploy.parts.services import Gateway, Ingest, write_registry
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

POST = "puesto-a"


class Network:
    """A post that obeys, its headquarters, and whoever gives orders there."""

    def __init__(self, directory: Path, broker: Mosquitto, influx: InfluxDB) -> None:
        self.directory = directory
        self.book = directory / "commands.db"
        self.keys = directory / "keys"
        self.vigia("commands", "key", str(self.keys))
        obeys = f'[commands]\nkey_file = "{self.keys}/headquarters.pub"\ntrial_s = 10\n'
        self.post = Gateway(directory / "post", POST, broker.port, ["audio-01"], sources=obeys)
        self.registry = write_registry(directory / "registry.toml", {POST: "yaguas"})
        self.ingest = Ingest(directory / "ingest", broker.port, influx.url, self.registry)
        settings = self.ingest.settings
        settings.write_text(settings.read_text() + f'[commands]\npath = "{self.book}"\n')

    def vigia(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *arguments], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def order(self, *words: str, keys: Path | None = None) -> str:
        """Give an order; its id."""
        key = str((keys or self.keys) / "commands.key")
        files = ("--key", key, "--book", str(self.book), "--registry", str(self.registry))
        return self.vigia("commands", *words, *files).split()[0]

    def states(self) -> str:
        return self.vigia("commands", "list", "--book", str(self.book), "--lang", "en")

    def doctor(self, *words: object) -> dict[str, str]:
        """Its findings by code: the words, or where for the broker."""
        told = CliRunner().invoke(app, ["doctor", *map(str, words), "--json"])
        findings = json.loads(told.output)["findings"]
        return {one["code"]: one["where"] if one["code"].startswith("broker") else one["what"] for one in findings}

    def comes_to(self, command_id: str, state: str, timeout_s: float = 60.0) -> None:
        def has_come() -> bool:
            return any(line.split()[0] == command_id and state in line for line in self.lines())

        wait_until(f"{command_id} is {state}", has_come, timeout_s=timeout_s, every_s=0.5)

    def lines(self) -> list[str]:
        return [line for line in self.states().splitlines() if line.strip()]


@pytest.fixture
def network(tmp_path: Path, mosquitto: Mosquitto, influx: InfluxDB) -> Iterator[Network]:
    made = Network(tmp_path, mosquitto, influx)
    made.ingest.start()
    made.post.start()
    yield made
    made.post.stop()
    made.ingest.stop()


def test_settings_are_tried_and_kept_and_those_that_cut_the_link_are_taken_back(network: Network) -> None:
    good = network.order("settings", POST, "health.every_s=2")
    network.comes_to(good, "done")
    bad = network.order("settings", POST, "health.every_s=-2", "--force")
    network.comes_to(bad, "refused")
    assert "health.every_s" in network.states()
    cut = network.order("settings", POST, "uplink.port=9")
    network.comes_to(cut, "on trial")
    post, headquarters = (
        network.doctor("--post", network.post.settings),
        network.doctor("--headquarters", network.ingest.settings),
    )
    assert "uplink.port=9" in post["settings_on_trial"]
    assert post["broker_refused"] == "127.0.0.1:9"
    assert cut in headquarters["orders_on_trial"]
    assert "links_stopped" not in headquarters
    network.comes_to(cut, "rolled back", timeout_s=90)
    assert network.post.running
    log = network.post.log.read_text()
    assert log.count("starting anew") == 3
    assert "going back to the earlier ones" in log


def test_orders_in_a_row_are_all_done_and_one_that_closes_the_link_is_answered_first(network: Network) -> None:
    """The next opening of that link would be days from now, and nothing but alerts may be sent meanwhile."""
    closes = ['uplink.mode="windows"', "uplink.cycle_hours=168", "uplink.cycle_minutes=0.01"]
    spends = [f"uplink.budget_bytes.{lane}=0" for lane in ("detection", "reading", "health", "media")]
    (network.directory / "rules.toml").write_text('[[rules]]\nname = "a"\nwhen = "heard"\nlabels = ["chainsaw"]\n')
    orders = [
        network.order("settings", POST, "health.every_s=2"),
        network.order("rules", POST, str(network.directory / "rules.toml")),
        network.order("settings", POST, *closes, *spends),
    ]
    for order in orders:
        network.comes_to(order, "done")
    wait_until("it is closed", lambda: "link closed: its hours are over" in network.post.log.read_text())


def test_an_order_given_while_the_post_is_away_reaches_it_later_and_is_carried_out_once(network: Network) -> None:
    network.post.stop()
    waiting = network.order("restart", POST)
    withdrawn = network.order("restart", POST, "--machine")
    assert "It was never sent" in network.vigia(
        "commands", "withdraw", withdrawn, "--book", str(network.book), "--lang", "en"
    )
    wait_until("it is told why it waits", lambda: "gateway is stopped or starts anew" in network.states(), every_s=0.5)
    forged_key = network.directory / "other"
    network.vigia("commands", "key", str(forged_key))
    forged = network.order("restart", POST, keys=forged_key)
    network.post.start()
    network.comes_to(waiting, "started")
    wait_until("it starts anew", lambda: network.post.log.read_text().count("starting anew") == 1)
    wait_until("the forgery came", lambda: "a command is not believed" in network.post.log.read_text())
    assert any(line.split()[0] == forged and "sent" in line for line in network.lines())
    assert any(line.split()[0] == withdrawn and "withdrawn" in line for line in network.lines())
    assert "the machine is to start anew" not in network.post.log.read_text()


def test_systemd_is_told_when_the_gateway_is_ready_and_that_its_stages_move(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        os.environ |= {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
        post = Gateway(tmp_path / "post", POST, mosquitto.port, ["audio-01"])
        try:
            post.start()
            assert systemd.recv(4096) == b"EXTEND_TIMEOUT_USEC=1800000000"
            assert systemd.recv(4096).startswith(b"READY=1\nSTATUS=1 sources, ")
            for _ in range(3):
                assert systemd.recv(4096).startswith(b"WATCHDOG=1\nSTATUS=1 sources, ")
            post.stop()
            while (said := systemd.recv(4096)).startswith(b"WATCHDOG=1"):
                pass
            assert said == b"STOPPING=1"
        finally:
            del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
            post.stop()
