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
from gateway.watch.missed import missed
from tests.gateway.watch.facts_made import fact, heard
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


def entry(reading: Reading, after_ms: int) -> Entry:
    return Entry(1, STOOD.moment.wall_ms + after_ms, TimeQuality.NTP, 16, reading)


def test_what_was_heard_and_what_the_post_itself_said_is_not_missed() -> None:
    incident = make_reading(Kind.INCIDENT, "norte", {"incident_number": 1, "incident_step": 1}, label="gunshot")
    before, known, own = entry(heard("gunshot"), -1), entry(heard("chainsaw"), 0), entry(incident, 5)
    assert missed([before, known, own], [fact(50_000, heard("chainsaw", age_s=2.0))], STOOD, 60_000) == []
    assert len(missed([before, known, own], [], STOOD, 60_000)) == 1


def test_what_came_no_later_than_one_whose_incident_is_there_was_heard() -> None:
    """The history had no room for a day, and its last commit is as old."""
    incident = make_reading(Kind.INCIDENT, "norte", {"incident_number": 1, "incident_step": 1}, label="gunshot")
    heard_by_the_rules = [entry(heard("voices"), 1000), entry(heard("gunshot"), 2000)]
    meanwhile, last = entry(heard("vehicle"), 2100), entry(heard("chainsaw"), 3000)
    entries = [*heard_by_the_rules, meanwhile, entry(incident, 2200), last]
    found = missed(entries, [], STOOD, 60_000)
    assert [fact.reading for fact in found] == [meanwhile.reading, last.reading]


def test_missed_alerts_are_facts_in_order_and_none_is_to_come() -> None:
    """The wall clock may have been set meanwhile."""
    late, early = entry(heard("chainsaw"), 86_400_000), entry(heard("gunshot"), 700)
    found = missed([late, early], [], STOOD, 60_000)
    assert [(one.steady_ms, one.reading.label) for one in found] == [(50_700, "gunshot"), (60_000, "chainsaw")]
    assert found[0].wall_ms == early.time_ms
