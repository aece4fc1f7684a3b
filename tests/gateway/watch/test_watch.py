"""From what the intake accepted to people: warned once, at once, over restarts, in a flood, whatever fails."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from firmware_bridge.readings import Kind, Reading, make_reading
from firmware_bridge.sources import Delivery, RadioText
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted
from gateway.rules.facts import Change, Incident
from tests.gateway.watch.facts_made import heard
from tests.gateway.watch.lookouts import Post, Receiver, lookout, webhook
from tests.support.waiting import wait_until

_PATROLS = """
[[suppressions]]
name = "patrulla"
when = "patrol"
longest_s = 14400

[[suppressions]]
name = "voces"
when = "patrol"
holds_back = ["voices"]
longest_s = 7200
"""


def test_a_detection_becomes_an_incident_a_warning_and_a_reading(tmp_path: Path) -> None:
    with Receiver() as receiver, lookout(tmp_path, webhook(receiver)) as post:
        post.deliver(heard("chainsaw"))
        wait_until("a warning", lambda: receiver.numbers() == [1])
        moment, (_, warned) = post.clock.now(), receiver.got[0]
        assert (warned["incident"]["first_within_ms"] is not None) == moment.is_trusted
        wait_until("headquarters is told", lambda: len(post.entries(Lane.ALERT)) == 2)
        alert, incident = post.entries(Lane.ALERT)
        assert (alert.reading.label, incident.reading.label, incident.reading.kind) == (
            "chainsaw",
            "chainsaw",
            Kind.INCIDENT,
        )
        assert incident.reading.values() == {
            "incident_number": 1,
            "incident_step": 1,
            "detections_count": 1,
            "sensors_count": 1,
            "confidence_ratio": 0.9,
        }
        assert incident.reading.note.startswith("chainsaw: Motosierra")
        post.deliver(heard("chainsaw"), heard("rain"))
        post.actions.acknowledge(1, "vamos", "Rosa")
        wait_until("acknowledged", lambda: post.lookout.board.incident(1).incident.state == "acknowledged")
        assert "Rosa: vamos" in post.lookout.board.incident(1).incident.note
        (act,) = [entry for entry in post.entries(Lane.DETECTION) if entry.reading.kind == Kind.INCIDENT]
        assert (act.reading.values()["incident_step"], act.reading.note) == (3, "Rosa: vamos")
        assert post.outbox.tallies()["watch", "incident_alerts"] == 1
    assert receiver.numbers() == [1]


def test_after_a_restart_it_is_there_once_and_nobody_is_warned_again(tmp_path: Path) -> None:
    with Receiver() as receiver:
        with lookout(tmp_path, webhook(receiver)) as post:
            post.deliver(heard("chainsaw"), heard("gunshot"))
            wait_until("two warnings", lambda: receiver.numbers() == [1, 2])
            post.deliver(make_reading(Kind.ENVIRONMENT, "clima", {"temperature_celsius": 27.5}))
            post.actions.patrol_out("Los Tigres", 2)
            post.actions.acknowledge(2, "", "Rosa")
            wait_until("acknowledged", lambda: post.lookout.board.incident(2).incident.state == "acknowledged")
        for _ in range(2):
            with lookout(tmp_path, webhook(receiver)) as post:
                state = post.lookout.board.snapshot()
                assert sorted((c.incident.number, c.incident.state) for c in state.incidents) == [
                    (1, "open"),
                    (2, "acknowledged"),
                ]
                assert [word.name for word in state.sensors] == ["clima", "norte"]
                assert [word.label for word in state.detections][-2:] == ["gunshot", "chainsaw"]
                assert [patrol.name for patrol in state.patrols_out] == ["Los Tigres"]
                post.deliver(heard("chainsaw"))
                detections = len(state.detections) + 1
                wait_until("it is heard", lambda: len(post.lookout.board.snapshot().detections) == detections)  # noqa: B023  # at once
        with lookout(tmp_path, webhook(receiver)) as post:
            post.deliver(heard("explosion"))
            wait_until("a new one", lambda: receiver.numbers() == [1, 2, 3])
        assert len(receiver.got) == 3


def test_what_came_while_the_post_was_ending_is_warned_of_at_the_next_start(tmp_path: Path) -> None:
    with Receiver() as receiver:
        post, stop = Post(tmp_path, [webhook(receiver)], None), threading.Event()
        post.outbox.open()
        post.lookout.open()
        watch = threading.Thread(target=post.watch.run, args=(stop,))
        watch.start()
        wait_until("it has begun", lambda: post.watch.is_live)
        stop.set()
        watch.join()
        post.deliver(heard("gunshot"))  # a source ends after the watch
        post.lookout.close()
        post.outbox.close()
        for _ in range(2):
            with lookout(tmp_path, webhook(receiver)) as again:
                wait_until("a warning", lambda: receiver.numbers() == [1])
                assert again.open_numbers() == [1]


def test_a_patrol_that_is_out_holds_its_own_noise_back(tmp_path: Path) -> None:
    with Receiver() as receiver, lookout(tmp_path, webhook(receiver)) as post:
        post.actions.patrol_out("Los Tigres", 2)
        post.deliver(heard("voices"), heard("gunshot"))
        wait_until("the shot", lambda: receiver.numbers() != [])
        wait_until("both are shown", lambda: len(post.lookout.board.snapshot().incidents) == 2)
        held = [c.incident for c in post.lookout.board.snapshot().incidents if c.incident.suppressed_by]
        assert [incident.label for incident in held] == ["voices"]
        assert [told["incident"]["label"] for _, told in receiver.got] == ["gunshot"]


@pytest.mark.parametrize(
    ("rules", "hours"), [(None, 12.0), ("[storm]\n", 24.0), (_PATROLS, 2.0)], ids=["default", "none", "two"]
)
def test_a_patrol_is_out_for_as_long_as_the_rules_believe_it(tmp_path: Path, rules: str | None, hours: float) -> None:
    path = tmp_path / "rules.toml" if rules is not None else None
    if path is not None:
        path.write_text(rules or "")
    assert Post(tmp_path, [], path).actions.max_patrol_hours == hours


def test_texts_of_radios_are_shown(tmp_path: Path) -> None:
    with lookout(tmp_path) as post:
        post.intake.deliver(Delivery("malla", [], [], {}, texts=[RadioText("patrulla-1", "llegamos", "#1", True)]))
        assert [text.text for text in post.lookout.board.snapshot().texts] == ["llegamos"]


def test_a_flood_warns_at_once_and_stays_bounded(tmp_path: Path) -> None:
    with Receiver() as receiver, lookout(tmp_path, webhook(receiver)) as post:
        began = time.monotonic()
        for _ in range(500):
            post.deliver(*(heard("chainsaw", f"s{n}") for n in range(10)))
        wait_until("warned", lambda: len(receiver.got) >= 1)
        assert receiver.got[0][0] - began < 2.0
        wait_until("all is looked at", lambda: heard_by_the_rules(post) == 5000, timeout_s=60)
        incidents = len(post.lookout.board.snapshot().incidents)
        assert incidents <= 11  # one a sensor, and one for the storm
        assert sum(1 + told["more"] for _, told in receiver.got) <= incidents
        tallies = post.outbox.tallies()
        assert (tallies["accepted", "alert"], tallies["watch", "incident_alerts"]) == (5000 + incidents, incidents)
        assert not {place for place, _ in tallies} - {"accepted", "watch"}


def heard_by_the_rules(post: Post) -> int:
    return len(post.lookout.history._waiting) + len(list(post.lookout.history.facts()))


@pytest.mark.expects_warnings
def test_a_reading_that_the_rules_fail_on_costs_nobody_a_warning(tmp_path: Path) -> None:
    """A stage that failed begins again, at last without the history that it fails on."""
    broken = Reading(int(Kind.ACOUSTIC_DETECTION), "norte", "chainsaw", (1,), ("x",))  # type: ignore[arg-type]  # so it fails
    failed: list[str] = []
    with Receiver() as receiver, lookout(tmp_path, webhook(receiver), failed=failed) as post:
        moment = post.clock.now()
        post.watch.hear([Accepted(Lane.ALERT, moment, broken), Accepted(Lane.ALERT, moment, heard("gunshot"))])
        wait_until("the shot is warned of", lambda: len(receiver.got) == 1, timeout_s=60)
        assert failed
        assert set(failed) == {"watch"}


@pytest.mark.expects_warnings
def test_rules_or_a_map_that_cannot_be_used_do_not_keep_the_post_from_warning(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rules]]\nwhen = 'oído'\n")
    with Receiver() as receiver, lookout(tmp_path, webhook(receiver), rules=rules) as post:
        post.deliver(heard("chainsaw"))
        wait_until("a warning", lambda: receiver.numbers() == [1])


def test_from_intake_to_the_outputs_queue_is_quick(tmp_path: Path) -> None:
    """A median, and generous: the figure is for whoever reads the output."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rules]]\nname = "m"\nwhen = "heard"\nlabels = ["chainsaw"]\n[storm]\nincidents = 1000\n')
    took: list[float] = []
    with lookout(tmp_path, rules=rules) as post:
        warned = threading.Event()
        warn = post.lookout.warnings.warn

        def tapped(change: Change, age_s: float = 0.0, before: Incident | None = None) -> None:
            warn(change, age_s, before)
            warned.set()

        post.lookout.warnings.warn = tapped  # type: ignore[method-assign]  # a tap: all parts are real

        def told() -> int:
            return post.outbox.tallies().get(("watch", "incident_alerts"), 0)

        for n in range(200):
            warned.clear()
            item = Accepted(Lane.ALERT, post.clock.now(), heard("chainsaw", f"s{n}"))
            at = time.perf_counter()
            post.watch.hear([item])
            assert warned.wait(10.0)
            took.append(time.perf_counter() - at)
            wait_until("all is on disk", lambda: told() == len(took), every_s=0.001)
    took.sort()
    print(f"intake to outputs: median {took[100] * 1e6:.0f} us, p99 {took[198] * 1e6:.0f} us")
    assert took[100] < 0.05


def test_a_lost_history_gives_no_number_out_again(tmp_path: Path) -> None:
    """A phone that rang for incident 2 would be silent for another one of that number."""
    with Receiver() as receiver:
        with lookout(tmp_path, webhook(receiver)) as post:
            post.deliver(heard("chainsaw"), heard("gunshot"))
            wait_until("two warnings", lambda: receiver.numbers() == [1, 2])
        for part in tmp_path.glob("history.db*"):
            part.unlink()
        for number in (3, 4):
            with lookout(tmp_path, webhook(receiver)) as post:
                post.deliver(heard("voices" if number == 3 else "vehicle"))
                wait_until("another", lambda: receiver.numbers() == [1, 2, *range(3, number + 1)])  # noqa: B023  at once


def test_history_holds_an_incident_as_soon_as_people_know(tmp_path: Path) -> None:
    with Receiver() as receiver, lookout(tmp_path, webhook(receiver)) as post:
        post.deliver(heard("chainsaw"))
        wait_until("warned", lambda: receiver.numbers() == [1])

        def kept() -> int:
            with sqlite3.connect(tmp_path / "history.db") as db:
                return int(db.execute("SELECT count(*) FROM incident").fetchone()[0])

        wait_until("kept", lambda: kept() == 1, timeout_s=3.0)  # and not with the group commit after ten seconds
        assert len(list(post.lookout.history.facts())) == 1
