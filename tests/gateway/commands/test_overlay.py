"""Settings changed from afar: refused with reasons, tried, kept or taken back."""

import errno
import os
import stat
from pathlib import Path

import pytest

from gateway.commands.errors import OrderError
from gateway.commands.overlay import MOST_STARTS, MOST_TOGETHER, Overlay, changed
from gateway.settings import GatewaySettings

OWN = GatewaySettings.model_validate(
    {
        "station": {"name": "puesto-a"},
        "sources": [{"driver": "nmea_gps", "name": "gps", "port": "/dev/gps", "sensor": "gps-puesto"}],
    }
)


def opened(path: Path) -> Overlay:
    overlay = Overlay(path / "headquarters.json")
    assert overlay.open() == ""
    return overlay


def test_values_are_changed_and_the_rest_stays() -> None:
    new = changed(
        OWN,
        {
            "health.every_s": 5,
            "uplink.budget_bytes.media": 1000,
            "sources.gps.sensor": "otro",
            "lanes.alert_labels": ["dredge"],
        },
    )
    assert (new.health.every_s, new.uplink.budget_bytes.media, new.lanes.alert_labels) == (5, 1000, ["dredge"])
    assert getattr(new.sources[0], "sensor", "") == "otro"
    assert new.station == OWN.station
    assert new.uplink.host == OWN.uplink.host


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("health.every_s", -1, "health.every_s: Input should be greater"),
        ("station.name", "otro", "not changed from afar"),
        ("commands.key_file", "/tmp/mine", "not changed from afar"),
        ("outbox.path", "/dev/null", "not changed from afar"),
        ("page.enabled", False, "not changed from afar"),
        ("page.acting", "free", "not changed from afar"),
        ("place.map", "a\0b", "do not print"),  # no path has that, and what opens one says so in its own way
        ("nothing.here", 1, "no such setting"),
        ("health.nothing", 1, "no such setting"),
        ("health", 1, "no such setting"),
        ("sources.radar.port", "/dev/x", "no source radar"),
        ("sources.gps.port", 7, "valid string"),
        ("lanes.alert_labels", ["motosiera"], "chainsaw"),
    ],
)
def test_a_bad_value_is_refused_with_the_reason(name: str, value: object, words: str) -> None:
    with pytest.raises(OrderError, match=words):
        changed(OWN, {name: value})


def test_a_trial_that_reaches_headquarters_is_kept(tmp_path: Path) -> None:
    overlay = opened(tmp_path)
    overlay.propose("c1", OWN, {"health.every_s": 5})
    after_restart = opened(tmp_path)
    assert after_restart.settings(OWN).health.every_s == 5
    after_restart.confirm()
    kept = opened(tmp_path)
    assert kept.confirmed() == ("c1",)  # over a kill, until it is answered
    kept.end_answered()
    assert opened(tmp_path).confirmed() == ()
    assert kept.settings(OWN).health.every_s == 5
    assert kept.trial is None
    kept.propose("c2", OWN, {"health.every_s": None, "uplink.batch_entries": 7})
    both = opened(tmp_path).settings(OWN)
    assert (both.health.every_s, both.uplink.batch_entries) == (OWN.health.every_s, 7)


def test_what_is_proposed_after_a_trial_of_this_start_is_not_tried_before_the_next(tmp_path: Path) -> None:
    opened(tmp_path).propose("c1", OWN, {"health.every_s": 5})
    overlay = opened(tmp_path)
    overlay.settings(OWN)
    assert overlay.is_tried
    overlay.confirm()
    overlay.propose("c2", OWN, {"uplink.port": 9})
    assert not overlay.is_tried


def test_a_trial_that_does_not_is_taken_back(tmp_path: Path) -> None:
    overlay = opened(tmp_path)
    overlay.propose("c1", OWN, {"uplink.host": "nowhere.invalid"})
    tried = opened(tmp_path)
    assert tried.settings(OWN).uplink.host == "nowhere.invalid"
    assert tried.roll_back() == ("c1",)
    back = opened(tmp_path)
    assert back.settings(OWN) == OWN
    assert back.failed() == ("c1",)
    back.end_answered()
    assert opened(tmp_path).failed() == ()


def test_what_is_proposed_during_a_trial_joins_it_and_is_kept_or_taken_back_with_it(tmp_path: Path) -> None:
    opened(tmp_path).propose("c1", OWN, {"health.every_s": 5, "uplink.batch_entries": 7})
    tried = opened(tmp_path)
    tried.settings(OWN)
    with pytest.raises(OrderError, match="greater than or equal"):
        tried.propose("bad", OWN, {"health.every_s": -1})
    tried.propose("c2", OWN, {"uplink.batch_entries": None, "uplink.window_messages": 3})
    assert not tried.is_tried  # headquarters is heard under less than the whole
    for _ in range(MOST_STARTS):  # the count of starts begins anew
        both = opened(tmp_path)
        settings = both.settings(OWN)
        assert (settings.health.every_s, settings.uplink.window_messages) == (5, 3)
        assert settings.uplink.batch_entries == OWN.uplink.batch_entries
    both.confirm()
    assert opened(tmp_path).confirmed() == ("c1", "c2")
    for number in range(MOST_TOGETHER):
        both.propose(f"d{number}", OWN, {"health.every_s": 9})
    with pytest.raises(OrderError, match="again when d0 is done"):
        both.propose("d9", OWN, {"health.every_s": 9})
    assert opened(tmp_path).roll_back() == tuple(f"d{number}" for number in range(MOST_TOGETHER))
    assert opened(tmp_path).settings(OWN).health.every_s == 5


def test_settings_under_which_the_gateway_ends_again_and_again_are_taken_back(tmp_path: Path) -> None:
    opened(tmp_path).propose("c1", OWN, {"health.every_s": 5})
    for _ in range(MOST_STARTS):
        assert opened(tmp_path).settings(OWN).health.every_s == 5
    last = opened(tmp_path)
    assert last.settings(OWN) == OWN
    assert last.failed() == ("c1",)


def test_a_damaged_file_is_set_aside_and_the_post_starts_with_its_own_settings(tmp_path: Path) -> None:
    (tmp_path / "headquarters.json").write_bytes(b'{"changes": ')
    overlay = Overlay(tmp_path / "headquarters.json")
    assert "set aside" in overlay.open()
    assert overlay.settings(OWN) == OWN
    assert (tmp_path / "headquarters.json.damaged").exists()


def test_a_trial_waits_while_the_disk_takes_nothing_and_the_post_starts(tmp_path: Path) -> None:
    opened(tmp_path).propose("c1", OWN, {"health.every_s": 5})
    before = (tmp_path / "headquarters.json").read_bytes()
    (tmp_path / "headquarters.json.part").mkdir()  # no file can be begun there
    full = opened(tmp_path)
    assert full.settings(OWN) == OWN
    assert not full.is_tried
    assert (tmp_path / "headquarters.json").read_bytes() == before
    (tmp_path / "headquarters.json.part").rmdir()
    mended = opened(tmp_path)
    assert mended.settings(OWN).health.every_s == 5
    assert mended.is_tried


@pytest.fixture
def unsure_disk(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """While it holds something, no directory can be synced."""
    unsure: list[bool] = []
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if unsure and stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return unsure


@pytest.mark.expects_warnings
def test_on_a_disk_that_is_not_sure_a_trial_goes_on_and_nothing_is_called_kept_or_taken_back(
    tmp_path: Path, unsure_disk: list[bool]
) -> None:
    unsure_disk.append(True)
    proposed = opened(tmp_path)
    assert not proposed.propose("c1", OWN, {"health.every_s": 5})
    assert proposed.trial is not None
    tried = opened(tmp_path)
    assert tried.settings(OWN).health.every_s == 5
    assert tried.is_tried
    with pytest.raises(OSError, match="Input/output error"):
        tried.confirm()
    assert tried.confirmed() == ()
    with pytest.raises(OSError, match="Input/output error"):
        tried.roll_back()
    assert tried.failed() == ()
    unsure_disk.clear()
    tried.confirm()
    assert tried.confirmed() == opened(tmp_path).confirmed() == ("c1",)


def test_a_file_that_cannot_be_read_keeps_no_post_from_starting(tmp_path: Path) -> None:
    (tmp_path / "headquarters.json").mkdir()
    overlay = Overlay(tmp_path / "headquarters.json")
    assert "cannot be read" in overlay.open()
    assert overlay.settings(OWN) == OWN


def test_kept_changes_that_no_longer_fit_the_posts_own_file_are_left_out(tmp_path: Path) -> None:
    overlay = opened(tmp_path)
    overlay.propose("c1", OWN, {"sources.gps.sensor": "otro"})
    opened(tmp_path).confirm()
    without = OWN.model_copy(update={"sources": []})
    assert opened(tmp_path).settings(without) == without
