"""A modem source says in words what it is doing, stops when it is told, and keeps what was heard last."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from firmware_bridge.drivers.microchip_rn2483 import open_source
from tests.firmware_bridge.drivers.radio_frames import modem_settings, sealed
from tests.support.modems import ModemOnTty, Rn2483
from tests.support.running_source import RunningSource
from tests.support.waiting import wait_until


@pytest.mark.expects_warnings
@pytest.mark.slow
def test_a_silent_modem_is_told_once_and_found_when_it_speaks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "firmware_bridge.links.modem_source")
    modem = Rn2483()
    modem.dead = True
    settings = modem_settings("microchip_rn2483", port=str(tmp_path / "port"))
    with RunningSource(open_source(settings, {})) as running:
        wait_until("no port", lambda: "is the device plugged in?" in running.source.state)
        with ModemOnTty(modem, tmp_path / "port"):
            wait_until("trouble", lambda: "does not answer 'sys reset'" in running.source.state)
            modem.dead = False
            modem.restart()
            wait_until("armed", lambda: modem.is_listening)
            wait_until("listens", lambda: running.source.state == "the RN2483 at 916.8 MHz, SF9, 125 kHz listens")
    told = [(r.levelname, r.getMessage()) for r in caplog.records if r.name.endswith("modem_source")]
    assert [level for level, _ in told] == ["WARNING", "INFO"]


def test_a_packet_whose_strength_is_being_asked_survives_the_end(tmp_path: Path) -> None:
    modem = Rn2483()
    settings = modem_settings("microchip_rn2483", port=str(tmp_path / "port"))
    with ModemOnTty(modem, tmp_path / "port"), RunningSource(open_source(settings, {})) as running:
        wait_until("armed", lambda: modem.is_listening)
        with modem.lock:
            modem.receive(sealed(1))
            modem.dead = True  # it will not answer any more
        wait_until("asked", lambda: "how well it heard" in running.source.state or running.has(1)())
    assert len(running.readings) == 1
