"""A whole gateway, killed: whoever is at the post is warned at once, and of nothing that was given once more."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from deploy.parts.processes import free_port
from deploy.parts.services import Gateway
from deploy.settings.file import load_settings
from firmware_bridge.readings import Kind
from firmware_bridge.sources import open_source
from gateway.contract.topics import Lane
from gateway.settings import GatewaySettings
from tests.bench.devices import devices_of, line_for
from tests.gateway.watch.lookouts import Receiver, lookout
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until

HOOK = """
[page]
enabled = false
[history]
commit_every_s = 0.1
[[warnings]]
output = "webhook"
name = "gancho"
url = "{url}"
"""
SIREN = '[[warnings]]\noutput = "siren"\nname = "sirena"\npin = 17\nseconds = 5\nrepeat_s = 0\n'


def accepted(gateway: Gateway) -> int:
    return gateway.tallies()[0]["accepted", "alert"]


def wait_until_given(gateway: Gateway) -> None:
    """What was to be given was given, and its end is on disk: a kill before that would have it given twice."""
    untold = gateway.directory / "untold.json"
    wait_until("all is given", lambda: not untold.exists())


def warned(gateway: Gateway) -> int:
    return gateway.log.read_text().count("gateway.alerts: ALERTA")


@pytest.mark.slow
def test_killed_between_the_warning_and_its_acknowledgement(tmp_path: Path) -> None:
    directory = tmp_path / "puesto"
    with Receiver() as receiver:
        log = '[[warnings]]\noutput = "log"\n'
        gateway = Gateway(directory, "puesto", free_port(), ["norte"], sources=HOOK.format(url=receiver.url) + log)
        (device,) = devices_of(gateway)
        line = line_for(gateway)
        try:
            gateway.start()
            at = time.monotonic()
            line.say(device.frame("chainsaw"))
            wait_until("a warning", lambda: receiver.numbers() == [1])
            print(f"last byte to webhook, from a cold line: {(receiver.got[0][0] - at) * 1e3:.0f} ms")
            wait_until("its incident is on disk", lambda: gateway.tallies()[0].get(("watch", "incident_alerts")) == 1)
            wait_until_given(gateway)
            for _ in range(3):
                gateway.kill()
                gateway.start()
                before = accepted(gateway)
                line.say(device.frame("chainsaw"))
                wait_until("it is accepted", lambda: accepted(gateway) > before)  # noqa: B023  # at once
            heard = accepted(gateway)
            line.say(device.frame("gunshot"))
            wait_until("the shot", lambda: receiver.numbers() == [1, 2])
            wait_until("all is on disk", lambda: accepted(gateway) >= heard + 2)
            wait_until_given(gateway)
            gateway.kill()
        finally:
            gateway.stop()
            line.stop()
        assert receiver.numbers() == [1, 2]
        assert warned(gateway) == 2
        with lookout(directory) as post:
            assert sorted(post.open_numbers()) == [1, 2]
            assert post.lookout.board.incident(1).incident.count >= 2
            post.actions.acknowledge(1, "ya vamos", "Rosa")
            wait_until("acknowledged", lambda: post.lookout.board.incident(1).incident.state == "acknowledged")
            told = [entry.reading for entry in post.entries(Lane.ALERT) if entry.reading.kind == Kind.INCIDENT]
            assert [(one.label, one.values()["incident_number"]) for one in told] == [("chainsaw", 1), ("gunshot", 2)]
        assert len(receiver.got) == 2


@pytest.mark.slow
def test_a_siren_that_sounds_in_a_kill_sounds_again_and_comes_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    directory = tmp_path / "puesto"
    with Receiver() as receiver:
        gateway = Gateway(directory, "puesto", free_port(), ["norte"], sources=HOOK.format(url=receiver.url) + SIREN)
        (device,) = devices_of(gateway)
        line = line_for(gateway)
        try:
            gateway.start()
            line.say(device.frame("chainsaw"))
            wait_until("a warning", lambda: receiver.numbers() == [1])
            untold = gateway.directory / "untold.json"
            wait_until("only the siren still sounds", lambda: untold.exists() and b"gancho" not in untold.read_bytes())
            gateway.kill()
            assert b'"sirena"' in untold.read_bytes()
            gateway.start()
            line.say(device.frame("gunshot"))
            wait_until("the next", lambda: receiver.numbers() == [1, 2])
            wait_until_given(gateway)
            assert "warnings by sirena fail" not in gateway.log.read_text()
        finally:
            gateway.stop()
            line.stop()
    assert gateway.tallies()[0].get(("restarted", "warning sirena")) is None


@pytest.mark.slow
def test_from_the_last_byte_to_the_board(tmp_path: Path) -> None:
    """With the source, the outbox and its fsync in it; the figure is for whoever reads it, the bound is generous."""
    gateway = Gateway(tmp_path / "puesto", "puesto", free_port(), ["norte"])
    (device,) = devices_of(gateway)
    settings = load_settings(gateway.settings, GatewaySettings)
    line = line_for(gateway)
    took: list[float] = []
    with (
        lookout(tmp_path / "puesto") as post,
        RunningSource(open_source(settings.sources[0], {}), post.intake.deliver) as running,
    ):
        wait_until(
            "it listens", lambda: "open" in running.source.state or "listens" in running.source.state, timeout_s=10
        )
        for _ in range(100):
            version = post.lookout.board.snapshot().version
            at = time.perf_counter()
            line.say(device.frame("chainsaw"))
            changes = post.lookout.board.wait_changes(version, 10.0)
            assert changes is not None
            took.append(time.perf_counter() - at)
    line.stop()
    took.sort()
    print(f"last byte to the board: median {took[50] * 1e3:.1f} ms, p99 {took[98] * 1e3:.1f} ms")
    assert took[50] < 0.5
