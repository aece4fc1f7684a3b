"""What the board says, its versions, and what is new since one."""

from __future__ import annotations

import threading
import time

from firmware_bridge.readings import Kind, make_reading
from firmware_bridge.sources import RadioText
from gateway.rules.facts import Step
from gateway.watch.board import MAX_DETECTIONS, MAX_INCIDENTS, MAX_TEXTS, Board
from gateway.watch.words import SensorCard
from tests.gateway.watch.facts_made import WALL_MS, fact, heard, raised

DAY_MS = 86_400_000


def test_a_sensors_last_word_its_battery_and_signal_and_its_silence() -> None:
    board = Board([SensorCard("norte", "Quebrada Norte", ("alto",), 60.0), SensorCard("sur")])
    before = {word.name: word for word in board.snapshot().sensors}
    assert (before["norte"].title, before["sur"].title) == ("Quebrada Norte", "sur")
    assert (before["norte"].heard_ms, before["norte"].is_silent, before["norte"].age_s) == (None, False, None)
    board.hear(fact(10_000, heard("chainsaw", age_s=4.0)))
    board.hear(fact(12_000, make_reading(Kind.ENVIRONMENT, "norte", {"temperature_celsius": 27.5})))
    board.tick(190_000)
    word = board.snapshot().sensors[0]
    assert (word.kind, word.label, word.values) == ("environment", "", {"temperature_celsius": 27.5})
    assert (word.battery_volts, word.rssi_dbm, word.groups) == (3.7, -101.0, ("alto",))
    assert (word.heard_ms, word.age_s, word.is_silent) == (WALL_MS + 12_000, 178.0, False)
    board.tick(192_001)
    assert board.snapshot().sensors[0].is_silent
    board.hear(fact(192_002))
    assert not board.snapshot().sensors[0].is_silent
    assert board.snapshot().detections[1].heard_ms == WALL_MS + 6_000  # four seconds before it was received


def test_how_long_ago_something_was_is_told_by_the_steady_clock() -> None:
    board = Board()
    board.hear(fact(10_000))
    board.tick(70_000)
    changes = board.wait_changes(0, 0.0)
    assert changes is not None
    assert (board.snapshot().steady_ms, changes.steady_ms) == (70_000, 70_000)


def test_a_post_that_was_off_calls_nobody_silent() -> None:
    board = Board([SensorCard("norte", expected_s=60.0)])
    board.was_deaf(20_000, 7_220_000)
    board.hear(fact(10_000))
    board.tick(7_220_000)
    assert not board.snapshot().sensors[0].is_silent
    board.tick(7_220_000 + 170_001)  # with the ten seconds before: three minutes that it listened
    assert board.snapshot().sensors[0].is_silent
    board.hear(fact(7_400_000))
    board.tick(7_580_001)
    assert board.snapshot().sensors[0].is_silent


def test_its_hour_is_the_posts_and_not_the_machines() -> None:
    """Where a GPS is believed and nobody sets the machine's clock, a boat must not be expected in fifty years."""
    known = [WALL_MS]
    board = Board(wall_ms=lambda: known[0])
    assert board.snapshot().made_ms == WALL_MS
    known[0] += 60_000
    changes = board.wait_changes(0, 0.0)
    assert changes is not None
    assert changes.made_ms == WALL_MS + 60_000


def test_the_rules_may_say_that_a_sensor_is_silent() -> None:
    board = Board()
    board.hear(fact(1))
    board.change(raised(1, label="silence"))
    board.tick(2)
    assert board.snapshot().sensors[0].is_silent
    board.change(raised(1, Step.CLOSED, label="silence", state="closed"))
    board.tick(3)
    assert not board.snapshot().sensors[0].is_silent


def test_only_what_is_new_is_told() -> None:
    board = Board()
    whole = board.wait_changes(0, 0.0)
    assert whole is not None
    assert whole.is_whole
    assert board.wait_changes(whole.version, 0.0) is None
    board.hear(fact(1, heard(sensor="sur")), is_alert=True)
    board.change(raised(1))
    first = board.wait_changes(whole.version, 0.0)
    assert first is not None
    assert [word.name for word in first.sensors] == ["sur"]
    assert [word.is_alert for word in first.detections] == [True]
    assert first.incidents == (raised(1),)
    assert (first.patrols_out, first.texts, first.post, first.is_whole) == (None, (), None, False)
    board.read_text("malla", RadioText("patrulla-1", "vamos", age_s=2.0), WALL_MS)
    board.hear(fact(2, make_reading(Kind.PATROL, "Los Tigres", {"duration_seconds": 60}, label="out")))
    second = board.wait_changes(first.version, 0.0)
    assert second is not None
    assert (second.sensors, second.detections, second.incidents) == ((), (), ())
    assert [(text.text, text.heard_ms) for text in second.texts] == [("vamos", WALL_MS - 2000)]
    assert second.patrols_out is not None
    assert second.patrols_out[0].until_ms == WALL_MS + 2 + 60_000
    other = Board().wait_changes(second.version, 0.0)
    assert other is not None
    assert other.is_whole  # a page that was open before a restart


def test_whoever_waits_is_woken() -> None:
    board = Board()
    version = board.snapshot().version
    found: list[object] = []
    waiting = threading.Thread(target=lambda: found.append(board.wait_changes(version, 20.0)))
    waiting.start()
    board.change(raised(4))
    waiting.join(20.0)
    assert len(found) == 1
    assert found[0] is not None


def test_a_patrol_comes_back_or_its_time_is_up() -> None:
    board = Board()
    out = {"duration_seconds": 60}
    board.hear(fact(0, make_reading(Kind.PATROL, "A", out, label="out")))
    board.hear(fact(0, make_reading(Kind.PATROL, "B", out, label="out")))
    board.hear(fact(1, make_reading(Kind.PATROL, "A", {"duration_seconds": 0}, label="back")))
    assert [patrol.name for patrol in board.patrols_out()] == ["B"]
    board.tick(60_000)
    assert board.patrols_out() == ()


def test_it_shows_what_is_open_and_the_last_day() -> None:
    board = Board()
    board.change(raised(1, state="closed", last_steady_ms=0))
    board.change(raised(2, last_steady_ms=0))
    board.change(raised(3, state="closed", last_steady_ms=DAY_MS))
    version = board.snapshot().version
    board.tick(DAY_MS + 1)
    assert [change.incident.number for change in board.snapshot().incidents] == [3, 2]
    told = board.wait_changes(version, 0.0)
    assert told is not None
    assert told.gone == (1,)


def test_no_flood_of_notices_takes_an_open_alert_off_it() -> None:
    board = Board()
    board.change(raised(1))
    for number in range(2, MAX_INCIDENTS + 10):
        board.change(raised(number, level="notice"))
    assert board.incident(1) is not None
    assert board.incident(2) is None


def test_everything_on_it_is_bounded() -> None:
    board = Board()
    began = time.monotonic()
    for n in range(1, 1001):
        board.change(raised(n, state="open" if n <= 10 else "closed"))
        board.hear(fact(n, heard(sensor=f"s{n}")))
        board.read_text("malla", RadioText("x", str(n)), 0)
    state = board.snapshot()
    assert (len(state.incidents), len(state.detections), len(state.texts)) == (MAX_INCIDENTS, MAX_DETECTIONS, MAX_TEXTS)
    numbers = {change.incident.number for change in state.incidents}
    assert set(range(1, 11)) <= numbers  # an open one stays before a later one that is closed
    assert (state.detections[0].sensor, state.texts[0].text) == ("s1000", "1000")
    assert time.monotonic() - began < 20.0
