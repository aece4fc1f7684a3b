"""A kill between the outbox's commit and the rules: what nobody was warned of is warned of at the next start, once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_bridge.readings import Kind, Reading, make_reading
from gateway.clock.moments import Moment
from gateway.clock.steady import SteadyPoint
from gateway.contract.entries import Entry, TimeQuality
from gateway.contract.topics import Lane
from gateway.rules.facts import Step
from gateway.watch.heard import mark_of
from gateway.watch.missed import as_facts, missed
from tests.gateway.watch.facts_made import heard
from tests.gateway.watch.lookouts import Receiver, lookout, webhook
from tests.support.waiting import wait_until

_KILLED = """
import os, signal, sys
from pathlib import Path
from firmware_bridge.sources import Delivery
from gateway.intake import Intake, Lanes
from gateway.settings import LaneSettings
from tests.gateway.watch.facts_made import heard
from tests.gateway.watch.lookouts import lookout
from tests.support.waiting import wait_until
with lookout(Path(sys.argv[1])) as post:
    post.deliver(heard("chainsaw", confidence=0.8))
    wait_until("it is heard", lambda: len(post.lookout.board.snapshot().detections) == 2)
    kill = lambda accepted: os.kill(os.getpid(), signal.SIGKILL)
    Intake(post.outbox, Lanes(LaneSettings()), post.clock, kill).deliver(Delivery("radio", [heard("gunshot")], [], {}))
"""
STOOD = SteadyPoint(50_000, "boot", Moment(9_000, 1_763_829_000_000, TimeQuality.NTP, 16))


@pytest.mark.slow
def test_a_kill_between_the_outbox_and_the_rules_keeps_nobody_from_being_warned(tmp_path: Path) -> None:
    with Receiver() as receiver:
        with lookout(tmp_path, webhook(receiver)) as post:
            post.deliver(heard("chainsaw"))
            wait_until("a warning", lambda: receiver.numbers() == [1])
        child = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], cwd=Path.cwd(), timeout=60, check=False)
        assert child.returncode == -signal.SIGKILL
        for _ in range(3):
            with lookout(tmp_path, webhook(receiver)) as post:
                wait_until("a warning of the shot", lambda: receiver.numbers() == [1, 2])
                saw, shot = (post.lookout.board.incident(number) for number in (1, 2))
                assert saw is not None
                assert shot is not None
                assert (saw.incident.count, shot.incident.label, shot.incident.count) == (2, "gunshot", 1)
        assert receiver.numbers() == [1, 2]


def entry(reading: Reading, after_ms: int = 0) -> tuple[Lane, Entry]:
    lane = Lane.DETECTION if reading.values().get("incident_step") == Step.ACKNOWLEDGED else Lane.ALERT
    return lane, Entry(1, STOOD.moment.wall_ms + after_ms, TimeQuality.NTP, 16, reading)


def of_incident(number: int, step: Step, label: str = "gunshot") -> Reading:
    return make_reading(Kind.INCIDENT, "norte", {"incident_number": number, "incident_step": int(step)}, label=label)


def test_what_was_heard_and_what_the_post_itself_said_is_not_missed() -> None:
    own, heard_once, again = entry(of_incident(1, Step.RAISED)), entry(heard("chainsaw")), entry(heard("chainsaw"))
    mark = mark_of(heard("chainsaw", age_s=2.0))
    assert missed([own, heard_once], [mark], {1}) == []
    assert missed([own, heard_once, again], [mark], {1}) == [again[1]]
    rustle = (Lane.DETECTION, entry(heard("voices"))[1])
    assert missed([rustle], [], ()) == []  # no alert: it need not be on disk before it is heard


def test_what_came_no_later_than_an_incident_that_the_history_does_not_know_was_heard() -> None:
    """The history had no room for a day, and what it says is as old."""
    heard_by_the_rules = [entry(heard("voices"), 1000), entry(heard("gunshot"), 2000)]
    act, last = entry(of_incident(6, Step.ACKNOWLEDGED)), entry(heard("chainsaw"), 3000)
    entries = [*heard_by_the_rules, act, entry(of_incident(7, Step.RAISED)), last]
    assert missed(entries, [], {5, 6}) == [act[1], last[1]]
    assert missed(entries, [], {5, 6, 7}) == [one for _, one in (*heard_by_the_rules, act, last)]


def test_missed_alerts_are_facts_in_the_order_of_the_outbox_and_none_is_to_come() -> None:
    """The wall clock may have been set meanwhile, and not only forwards."""
    entries = [entry(heard(label), ms)[1] for label, ms in [("gunshot", -9), ("chainsaw", 700), ("voices", 86_400_000)]]
    found = as_facts([*entries, entries[0]], STOOD, 50_000, 60_000)
    assert [(one.steady_ms, one.reading.label) for one in found] == [
        (50_000, "gunshot"),
        (50_700, "chainsaw"),
        (60_000, "voices"),
        (60_000, "gunshot"),
    ]
    assert found[0].wall_ms == entries[0].time_ms
