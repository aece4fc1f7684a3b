"""`vigia gateway replay`: rules tried on a post's history before they are trusted."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from deploy.cli.main import app
from gateway.place.place import Place
from gateway.rules.book import default_rules
from gateway.rules.engine import Engine
from gateway.rules.facts import Change, Fact
from gateway.watch.history_file import HistoryFile, row_of
from tests.gateway.rules.facts_made import EXAMPLE, acknowledged, heard, status

SETTINGS = '[place]\nmap = "{map}"\n[rules]\ntimezone = "America/Lima"\n[history]\npath = "{history}"\n'
RULES = """
[[rules]]
name = "tres veces"
when = "heard"
labels = ["chainsaw"]
count = 3
[[suppressions]]
name = "lluvia"
when = "weather"
"""
DAY_S = 86_400


def vigia(*words: object) -> Result:
    return CliRunner().invoke(app, ["gateway", "replay", *(str(word) for word in words)])


def week() -> list[Fact]:
    """Each day at nine in the morning a saw at one sensor, once; on the third day six times, on the fourth in rain."""
    facts = []
    for day in range(7):
        at = day * DAY_S
        facts.append(status(at - 1 if day else 0, "rio-medio"))
        if day == 3:
            facts.append(heard(at, "rio-medio", "rain"))
        facts += [heard(at + 10 * n, "rio-medio") for n in range(6 if day in (2, 3) else 1)]
    return [*facts, acknowledged(6 * DAY_S + 60, 1)]


@pytest.fixture
def post(tmp_path: Path) -> Path:
    """The settings of a post with a history and what the rules without a file made of it."""
    facts = week()
    engine = Engine(default_rules(["chainsaw"], 0.5), Place())
    last: dict[int, Change] = {}
    for fact in facts:
        last |= {change.incident.number: change for change in engine.hear(fact)}
    file = HistoryFile(tmp_path / "history.db")
    file.write([row_of(fact) for fact in facts], last.values(), None, sync=True)
    file.close()
    (tmp_path / "facts.jsonl").write_bytes(b"\n".join(msgspec.json.encode(fact) for fact in facts))
    (tmp_path / "rules.toml").write_text(RULES)
    settings = tmp_path / "gateway.toml"
    settings.write_text(SETTINGS.format(map=EXAMPLE, history=tmp_path / "history.db"))
    return settings


def test_it_says_what_the_rules_would_have_done_beside_what_was_done(post: Path) -> None:
    told = vigia(post.parent / "rules.toml", "--settings", post)
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert lines[0].endswith("rules.toml sobre 26 lecturas de 6.0 días:")
    rows = {words[0]: words[-4:] for line in lines if len(words := line.split()) >= 5}
    assert rows["tres"] == ["1", "1", "0", "0"]
    assert rows["chainsaw"] == ["0", "0", "7", "0"]
    assert rows["todas"] == ["1", "1", "7", "0"]
    assert "mié 23.09.  ████████████████████████████████████████ 1" in lines
    assert sum("░░░░ 1" in line for line in lines) == 7  # a warning a day, now
    assert "23.09. 09:13  Motosierra en Río medio, 6 veces en 50 s  (tres veces)" in lines
    assert "24.09. 09:13  Motosierra en Río medio, 6 veces en 50 s  (tres veces) [lluvia]" in lines


def test_what_two_rules_found_is_one_warning_that_both_had_a_part_in(post: Path) -> None:
    file = post.parent / "rules.toml"
    file.write_text(RULES + '[[rules]]\nname = "sensor"\nwhen = "heard"\nlabels = ["chainsaw"]\ntogether = "sensor"\n')
    lines = vigia(file, "--settings", post).output.splitlines()
    rows = {words[0]: words[-4:-2] for line in lines if len(words := line.split()) >= 5}
    assert (rows["sensor"], rows["tres"], rows["todas"]) == (["6", "1"], ["1", "1"], ["6", "1"])
    assert "23.09. 09:13  Motosierra en Río medio, 6 veces en 50 s  (sensor, tres veces)" in lines


def test_since_is_from_the_last_that_was_heard(post: Path) -> None:
    told = vigia(post.parent / "rules.toml", "--settings", post, "--since", "2d", "--lang", "en")
    assert "on 5 readings of 2.0 days" in told.output
    assert "Warnings: " not in told.output


def test_an_export_of_facts_will_do_and_the_present_rules_are_run_on_it(post: Path) -> None:
    told = vigia(post.parent / "rules.toml", "--settings", post, "--history", post.parent / "facts.jsonl")
    assert told.exit_code == 0, told.output
    rows = [line.split() for line in told.output.splitlines()]
    assert ["chainsaw", "0", "0", "7", "0"] in rows


def test_a_boat_is_listed_when_it_would_have_warned(post: Path) -> None:
    """When it is heard at a second sensor, not when at the first."""
    sounds = [heard(at_s, "rio-arriba", "long_tail_motor") for at_s in (0, 30, 60)]
    sounds += [heard(at_s, "rio-medio", "long_tail_motor") for at_s in (1200, 1230, 1260)]
    facts, rules = post.parent / "boat.jsonl", post.parent / "boat.toml"
    facts.write_bytes(b"\n".join(msgspec.json.encode(fact) for fact in [*sounds, status(1800, "rio-abajo")]))
    rules.write_text('[[rules]]\nname = "bote"\nwhen = "boat"\n')
    told = vigia(rules, "--settings", post, "--history", facts)
    lines = told.output.splitlines()
    assert lines[0].endswith("boat.toml sobre 7 lecturas de 30 min:")
    (boat,) = [line for line in lines if "Peque-peque" in line]
    assert boat.startswith("21.09. 09:3"), boat
    assert ", se oyó desde las 09:13  (bote)" in boat


@pytest.mark.parametrize(("hours", "words"), [(1, "60 min"), (30, "30.0 horas"), (96, "4.0 días")])
def test_how_long_is_in_the_unit_that_fits(post: Path, hours: int, words: str) -> None:
    facts = post.parent / "span.jsonl"
    facts.write_bytes(b"\n".join(msgspec.json.encode(status(at_s)) for at_s in (0, hours * 3600)))
    told = vigia(post.parent / "rules.toml", "--settings", post, "--history", facts)
    assert told.output.splitlines()[0].endswith(f"sobre 2 lecturas de {words}:")


def test_nothing_is_left_beside_a_history_that_nobody_has_open(post: Path) -> None:
    before = sorted(post.parent.iterdir())
    vigia(post.parent / "rules.toml", "--settings", post)
    assert sorted(post.parent.iterdir()) == before


def test_an_empty_history_is_told(post: Path, tmp_path: Path) -> None:
    HistoryFile(tmp_path / "empty.db").close()
    told = vigia(post.parent / "rules.toml", "--settings", post, "--history", tmp_path / "empty.db")
    assert told.output == "La historia está vacía: el puesto no oyó nada.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "soon"), "--since soon: write 7d, 12h or 90m"),
        (("--history", "none.db"), "none.db: cannot be read"),
        (("--history", "broken.db"), "is not the history of a post"),
        (("--history", "broken.jsonl"), "broken.jsonl, line 2: not a fact"),
    ],
)
def test_what_cannot_be_is_told(post: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str], said: str) -> None:
    monkeypatch.chdir(post.parent)
    Path("broken.db").write_bytes(b"SQLite format 3\0" + bytes(100))
    Path("broken.jsonl").write_bytes(msgspec.json.encode(week()[0]) + b"\n{}\n")
    told = vigia("rules.toml", "--settings", post, "--lang", "en", *words)
    assert told.exit_code == 1
    assert said in str(told.exception)


def test_a_fault_in_the_rules_is_told_with_its_line(post: Path) -> None:
    file = post.parent / "rules.toml"
    file.write_text(RULES.replace("chainsaw", "motosiera"))
    told = vigia(file, "--settings", post)
    assert "línea 5: rules.labels: no hay tal etiqueta; ¿quiso decir chainsaw (motosierra)?" in str(told.exception)
