"""Notes on an incident add up, also once it is over and after a restart, and each goes to headquarters."""

from __future__ import annotations

from pathlib import Path

from firmware_bridge.readings import Kind
from gateway.contract.topics import Lane
from tests.gateway.watch.facts_made import heard
from tests.gateway.watch.lookouts import Post, lookout
from tests.support.waiting import wait_until

RULES = """
[[rules]]
name = "motosierra"
when = "heard"
labels = ["chainsaw"]
quiet_s = 1
"""


def notes(post: Post) -> list[str]:
    shown = post.lookout.board.incident(1)
    return [note.words for note in shown.incident.notes] if shown is not None else []


def state(post: Post) -> str:
    shown = post.lookout.board.incident(1)
    return shown.incident.state if shown is not None else ""


def test_notes_add_up_also_when_it_is_over_and_after_a_restart(tmp_path: Path) -> None:
    rules = tmp_path / "reglas.toml"
    rules.write_text(RULES)
    with lookout(tmp_path, rules=rules) as post:
        post.deliver(heard("chainsaw"))
        wait_until("it is told", lambda: state(post) == "open")
        post.actions.acknowledge(1, "", "Rosa")
        post.actions.acknowledge(1, "vamos en bote", "Juan")
        wait_until("it is over", lambda: state(post) == "closed")
        post.actions.acknowledge(1, "eran dos, de la comunidad", "Juan")
        wait_until("the last note", lambda: len(notes(post)) == 3)
        assert state(post) == "closed"
        told = [entry.reading.note for entry in post.entries(Lane.DETECTION) if entry.reading.kind == Kind.INCIDENT]
    with lookout(tmp_path, rules=rules) as post:
        assert notes(post) == told == ["Rosa", "Juan: vamos en bote", "Juan: eran dos, de la comunidad"]
        assert state(post) == "closed"
