"""A whole post and a whole headquarters on real parts: well, then each part broken in turn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import doctor as command
from deploy.cli.main import app
from deploy.parts.servers import InfluxDB, Mosquitto
from deploy.parts.services import Gateway, Ingest, Sensors, write_registry
from tests.support.waiting import wait_until

# Nothing keeps the clock of a build machine right; that is none of this test's faults.
ELSEWHERE = {"clock_unsynchronised"}


def doctor(*words: object) -> Result:
    return CliRunner().invoke(app, ["doctor", *map(str, words)])


def faults(*words: object) -> set[str]:
    """Codes of what is not well."""
    told = json.loads(doctor(*words, "--json").output)
    return {f["code"] for f in told["findings"] if f["mark"] != "ok"} - ELSEWHERE


@pytest.mark.slow
def test_well_and_then_broken_part_by_part(mosquitto: Mosquitto, influx: InfluxDB, tmp_path: Path) -> None:
    registry = write_registry(tmp_path / "registry.toml", {"boca": "yaguas"})
    ingest = Ingest(tmp_path / "hq", mosquitto.port, influx.url, registry)
    gateway = Gateway(tmp_path / "boca", "boca", mosquitto.port, ["rio", "monte"])
    sensors = Sensors(gateway, "chainsaw", speed=60, seed=1, rate=None, longest_s=120)
    post, hq = ("--post", gateway.settings), ("--headquarters", ingest.settings)
    try:
        ingest.start()
        gateway.start()
        sensors.start()
        wait_until("a post is heard", lambda: ingest.journaled() > 0)
        wait_until("ingest is ready", lambda: ingest.get("/readyz")["ready"])
        wait_until("all sensors are heard", lambda: "sensors_never_heard" not in faults(*post), every_s=0.5)
        gateway.settings.chmod(0o644)
        assert faults(*post) == {"settings_open"}  # the sensors' keys are written in it
        gateway.settings.chmod(0o640)
        assert faults(*post) == set()
        assert faults(*hq) == set()
        well = doctor(*post)
        assert well.exit_code == 0
        assert well.output.endswith("Todo está bien.\n")

        write_registry(registry, {"otro": "yaguas"})
        unknown = {"stations_unregistered", "stations_never_heard", "dead_letters_unknown_station"}
        wait_until("messages are refused", lambda: faults(*hq) == unknown, every_s=0.2)
        registry.write_text("[[stations]\n")
        assert "registry_wrong" in faults(*hq)
        write_registry(registry, {"boca": "yaguas"})
        # The advice itself: it must do what it says.
        sensors.stop()
        told = CliRunner().invoke(app, ["ingest", "redrive", str(ingest.settings), "--reason", "unknown_station"])
        assert told.exit_code == 0, told.output
        wait_until("what was refused is stored", lambda: faults(*hq) == set(), every_s=0.2)

        mosquitto.stop()
        assert faults(*post) == {"broker_refused", "port_missing"}
        wait_until("ingest noticed", lambda: not ingest.get("/readyz")["ready"])
        assert faults(*hq) == {"broker_refused", "not_ready"}
        influx.stop()
        assert faults(*hq) >= {"broker_refused", "influx_away", "not_ready"}
        assert doctor(*hq, "--lang", "en").exit_code == 1

        gateway.stop()
        ingest.stop()
        assert faults(*post) == {"broker_refused", "port_missing", "service_stopped"}
        assert faults(*hq) >= {"broker_refused", "influx_away", "service_stopped", "api_away"}
        (gateway.directory / "outbox.db").write_bytes(b"\0" * 8192)
        assert "outbox_damaged" in faults(*post)
        gateway.settings.write_text(gateway.settings.read_text().replace("port = ", "prot = ", 1))
        assert "settings_wrong" in faults(*post)
    finally:
        for part in (sensors, gateway, ingest):
            part.stop()


def test_nothing_to_look_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "GATEWAY_FILE", tmp_path / "gateway.toml")
    monkeypatch.setattr(command, "INGEST_FILE", tmp_path / "ingest.toml")
    told = doctor()
    assert told.exit_code == 2
    assert "--post" in told.stderr
    (tmp_path / "gateway.toml").write_text("[station]\nname = 'Ñ'\n")
    found = doctor()
    assert found.exit_code == 1
    assert f"Puesto: {tmp_path}/gateway.toml" in found.output
    assert "línea 2: station.name" in found.output
