"""What the doctor says of sources and counters, from what a running gateway says of itself."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.doctor.discards import discard_findings
from deploy.doctor.findings import Mark
from deploy.doctor.sources import judge_sources, running_state
from firmware_bridge.sources import DRIVERS, SourceSettings, SourceStanding
from gateway.clock.clock import Clock
from gateway.outbox.outbox import Outbox
from gateway.watch.state_file import CounterWord, GatewayState, StateFile, state_path
from gateway.watch.words import SourceWord
from tests.deploy.doctor.findings import found, troubles


def settings(driver: str, **changes: Any) -> SourceSettings:
    told = tomllib.loads(DRIVERS[driver].SAMPLE) | {"name": "one", **changes}
    told.pop("password_file", None)
    return DRIVERS[driver].Settings.model_validate(told)


def state(
    standing: str = "well", driver: str = "chirpstack_v4", accepted: int = 0, counters: tuple[CounterWord, ...] = ()
) -> GatewayState:
    word = SourceWord("one", driver, standing, "said in English", accepted)
    return GatewayState("/o.db", 1, 1000.0, 5000.0, (word,), (), counters)


@pytest.mark.parametrize("driver", ["chirpstack_v4", "camera_folder", "meshtastic_radio", "semtech_udp"])
@pytest.mark.parametrize("standing", list(SourceStanding))
def test_every_standing_of_a_source_has_words(driver: str, standing: SourceStanding) -> None:
    source = settings(driver, **({"port": "", "host": "10.0.0.7"} if driver == "meshtastic_radio" else {}))
    findings = judge_sources([source], state(standing.value, driver), 5001.0)
    (finding,) = findings
    assert (finding.mark is Mark.OK) == (standing is SourceStanding.WELL)
    assert found(findings)
    assert "None" not in finding.what.es


def test_a_broker_is_named_with_its_port_and_what_to_do() -> None:
    source = settings("chirpstack_v4", broker={"host": "10.0.0.7", "port": 1884})
    (finding,) = judge_sources([source], state("not_reached"), 5001.0)
    assert finding.what.es == "No se alcanza 10.0.0.7:1884 desde que arrancó"
    assert finding.where == "one (chirpstack_v4): said in English"
    assert finding.todo is not None
    assert "su dirección y puerto" in finding.todo.es


def test_a_port_that_is_away_is_left_to_the_look_at_ports() -> None:
    source = settings("nmea_gps", port="/dev/ttyNobody")
    assert judge_sources([source], state("lost", "nmea_gps"), 5001.0) == []


def test_a_source_that_starts_is_given_time() -> None:
    assert not troubles(judge_sources([settings("chirpstack_v4")], state("starting"), 1060.0))
    assert troubles(judge_sources([settings("chirpstack_v4")], state("starting"), 1500.0))
    assert judge_sources([settings("chirpstack_v4")], None, 1.0) == []


def test_sensors_never_heard_are_named() -> None:
    told = GatewayState("/o.db", 1, 1000.0, 5000.0, state().sources, ("clima-1", "grabadora"))
    well, unheard = judge_sources([settings("chirpstack_v4")], told, 1001.0)
    assert well.code == "sources"
    assert unheard.what.es == (
        "2 sensores de la configuración nunca se oyeron: clima-1, grabadora (prendido hace 1 segundo)"
    )


def test_a_layout_that_fits_no_message_is_wrong_settings() -> None:
    counters = (CounterWord("one", "too_short", 9, 4900.0),)
    totals = {("one", "too_short"): 9, ("accepted", "reading"): 100_000}
    (finding,) = discard_findings(totals, [settings("chirpstack_v4")], state(counters=counters), 5000.0)
    assert finding.code == "discarded_too_short"
    assert finding.what.es.startswith("Descartadas 9: mensajes demasiado cortos para su formato (too_short)")
    assert finding.todo is not None
    assert "minimum_bytes" in finding.todo.es


@pytest.mark.parametrize(
    ("accepted", "count", "is_told"), [(0, 2, False), (0, 3, True), (90, 10, False), (90, 11, True)]
)
def test_noise_is_judged_by_what_its_source_gave(accepted: int, count: int, is_told: bool) -> None:
    counters = (CounterWord("one", "bad_crc", count, 4900.0),)
    totals = {("one", "bad_crc"): count, ("accepted", "reading"): 100_000}
    findings = discard_findings(totals, [], state(accepted=accepted, counters=counters), 5000.0)
    assert bool(troubles(findings)) == is_told


def test_what_was_mended_is_of_before() -> None:
    totals = {("one", "bad_tag"): 17, ("accepted", "reading"): 4}
    well, before = discard_findings(totals, [], state(), 5000.0)
    assert well.code == "discards"
    assert (before.mark, before.what.es) == (Mark.OK, "De antes, ya no crece: one bad_tag 17")
    counters = (CounterWord("one", "bad_tag", 2, 4880.0),)
    (again,) = discard_findings(totals, [], state(counters=counters), 5000.0)
    assert again.what.es.endswith(
        "Descartadas 2: firma que no corresponde (bad_tag); la última hace 2 minutos; 15 más antes del último "
        "arranque, hace 67 minutos"
    )
    a_day_later = discard_findings(totals, [], state(counters=counters), 5000.0 + 86_400)
    assert not troubles(a_day_later)
    assert troubles(discard_findings(totals)) == {"discarded_bad_tag": Mark.ATTENTION}  # no gateway runs: all counts


def test_only_a_gateway_that_runs_now_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    path = tmp_path / "outbox.db"
    now_s = time.monotonic()
    told = GatewayState(str(path), 1, now_s - 10, now_s - 1, (SourceWord("one", "nmea_gps", "well"),))
    StateFile(state_path(path)).tell(told)
    assert running_state(path) is None  # left by one that was killed
    outbox = Outbox(path, max_bytes=2**24, memory_bytes=2**20, clock=Clock("system"))
    outbox.open()
    try:
        assert running_state(path) == told
        StateFile(state_path(path)).tell(msgspec.structs.replace(told, told_s=now_s - 1000))
        assert running_state(path) is None
    finally:
        outbox.close()
