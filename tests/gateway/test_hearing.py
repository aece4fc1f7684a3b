"""How the sources fare: each driver's, from the real thing in its real trouble, to the file that the doctor reads."""

from __future__ import annotations

import os
import socket
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.readings import Kind, make_reading
from firmware_bridge.sources import DRIVERS, Delivery, SourceSettings, SourceStanding, open_source
from gateway.hearing import Hearing, configured_sensors
from gateway.speakers import Speakers
from gateway.watch.state_file import Counters, GatewayState, StateFile, read_state, state_path
from gateway.watch.words import SourceWord
from tests.support.waiting import wait_until


def settings(driver: str, **changes: Any) -> SourceSettings:
    told = tomllib.loads(DRIVERS[driver].SAMPLE) | {"name": driver.replace("_", "-")}
    told.pop("password_file", None)
    return DRIVERS[driver].Settings.model_validate(told | changes)


@pytest.mark.parametrize("driver", list(DRIVERS))
def test_no_source_is_well_before_it_runs(driver: str) -> None:
    standing = open_source(settings(driver), {}).standing
    assert standing in (SourceStanding.STARTING, SourceStanding.NOT_REACHED)


@pytest.mark.slow
@pytest.mark.expects_warnings
def test_each_trouble_is_told_apart(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    radio = {"host": "127.0.0.1", "tcp_port": nobody}
    mesh = tomllib.loads(DRIVERS["meshtastic_radio"].SAMPLE) | {"name": "mesh", "port": "", **radio}
    master, slave = os.openpty()  # a line on which nobody answers
    sources = [
        settings("camera_folder", directory=str(tmp_path / "no"), state_path=str(tmp_path / "taken.db")),
        settings("chirpstack_v4", broker={"host": "127.0.0.1", "port": nobody}),
        DRIVERS["meshtastic_radio"].Settings.model_validate(mesh),
        settings("nmea_gps", port=str(tmp_path / "ttyNone")),
        settings("rak_rui3", port=os.ttyname(slave)),
    ]
    speakers = Speakers()
    hearing = Hearing(sources, speakers)
    assert {word.standing for word in hearing.sources()} == {"starting"}
    stop = threading.Event()
    threads = []
    try:
        for one in sources:
            source = open_source(one, {})
            speakers.joined(source)
            threads.append(threading.Thread(target=source.run, args=(hearing.heard, stop)))
            threads[-1].start()

        def standings() -> list[str]:
            return [word.standing for word in hearing.sources()]

        away = ["folder_away", "not_reached", "not_reached", "not_reached", "silent"]
        wait_until("each is in its trouble", lambda: standings() == away, timeout_s=60)
        assert "cannot be read (No such file or directory)" in hearing.sources()[0].words
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        os.close(master)
        os.close(slave)


def test_what_a_source_gave_is_counted_for_it_alone() -> None:
    hearing = Hearing([settings("nmea_gps"), settings("modbus_rtu")], Speakers())
    hearing.heard(Delivery("modbus-rtu", [make_reading(Kind.DEVICE_STATUS, "rio", {"battery_ratio": 1})] * 3, [], {}))
    hearing.heard(Delivery("modbus-rtu", [], [], {}))
    assert [(word.name, word.accepted) for word in hearing.sources()] == [("nmea-gps", 0), ("modbus-rtu", 3)]


def test_every_sort_of_configured_sensor_is_named() -> None:
    recorders = [{"name": "grabadora-1", "serial": "24F3"}]
    radio = settings("ebyte_e22")
    assert configured_sensors([settings("audio_folder", recorders=recorders)]) == ["grabadora-1"]
    assert configured_sensors([settings("camera_folder", recorders=[], sensor="camara")]) == ["camara"]
    assert configured_sensors([settings("camera_folder", recorders=[], sensor=None)]) == ["camera-folder"]
    assert configured_sensors([settings("nmea_gps", sensor="gps-1")]) == ["gps-1"]
    own = [*getattr(radio, "devices", ()), *filter(None, [getattr(radio, "default", None)])]
    assert configured_sensors([radio, radio]) == [one.name for one in own]


def test_counters_tell_what_moved_since_the_start_and_when() -> None:
    counters = Counters()
    counters.begin({("lora", "bad_tag"): 17, ("accepted", "reading"): 4})
    assert counters.look({("lora", "bad_tag"): 17}, 10.0) == ()
    (moved,) = counters.look({("lora", "bad_tag"): 19}, 20.0)
    assert (moved.name, moved.since_start, moved.moved_s) == ("bad_tag", 2, 20.0)
    (moved,) = counters.look({("lora", "bad_tag"): 19}, 90.0)
    assert (moved.since_start, moved.moved_s) == (2, 20.0)


def test_the_file_is_written_for_news_and_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    outbox = tmp_path / "outbox.db"
    file = StateFile(state_path(outbox))

    def told(at_s: float, standing: str, accepted: int) -> tuple[str, int]:
        file.tell(GatewayState(str(outbox), 1, 0.0, at_s, (SourceWord("gps", "nmea_gps", standing, "", accepted),)))
        state = read_state(outbox)
        assert state is not None
        return state.sources[0].standing, state.sources[0].accepted

    assert told(1.0, "well", 1) == ("well", 1)
    assert told(11.0, "well", 2) == ("well", 1)
    assert told(21.0, "lost", 3) == ("lost", 3)
    assert told(82.0, "lost", 4) == ("lost", 4)
    assert read_state(tmp_path / "other.db") is None
    (tmp_path / "state.json").write_bytes(b'{"outbox": 1')
    assert read_state(outbox) is None
    file.remove()
    assert not (tmp_path / "state.json").exists()
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/vigia-gateway:/run/other")
    assert state_path(outbox) == Path("/run/vigia-gateway/state.json")
