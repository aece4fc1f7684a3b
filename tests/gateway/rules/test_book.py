"""A rules file: what it may say, what is wrong with it, and what each rule does in words."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.readings import LABELS
from gateway.place.place import Place
from gateway.rules.book import HeardRule, PatrolSuppression, RuleBook, default_rules
from gateway.rules.describe import describe, doubts
from gateway.rules.engine import Engine
from gateway.rules.errors import RulesError
from gateway.rules.loading import MAX_FILE_BYTES, load_rules, parse_rules
from tests.gateway.rules.facts_made import BEND, book, heard, patrol, run

REFERENCE = Path(__file__).resolve().parents[3] / "deploy/reference/rules.toml"
SAW = '[[rules]]\nname = "saw"\nwhen = "heard"\nlabels = ["chainsaw"]\n'


def test_without_a_file_each_alert_label_warns_and_a_patrol_wakes_nobody_with_its_own_noise() -> None:
    rules = default_rules(["gunshot", "voices", "gunshot"], 0.7)
    assert [rule.name for rule in rules.rules] == ["gunshot", "voices"]
    assert all(isinstance(rule, HeardRule) and rule.confidence == 0.7 and rule.quiet_s == 300 for rule in rules.rules)
    assert isinstance(rules.suppressions[0], PatrolSuppression)
    changes = run(
        Engine(rules, BEND), [patrol(0, "out", 1), heard(1, "rio-medio", "voices"), heard(2, "rio-medio", "gunshot")]
    )
    assert [change.step.name for change in changes] == ["HELD_BACK", "RAISED"]


def test_a_good_file_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_bytes(b"\xef\xbb\xbf" + SAW.replace("\n", "\r\n").encode())
    assert load_rules(file) == book({"name": "saw", "when": "heard", "labels": ["chainsaw"]})


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (SAW + "count = 0\n", 'rules[1] "saw": count', "greater than or equal to 1"),
        (SAW + "cuont = 1\n", 'rules[1] "saw": cuont', "Extra inputs"),
        (SAW.replace("chainsaw", "chainsw"), 'rules[1] "saw": labels[1]', "do you mean chainsaw"),
        (SAW.replace('"heard"', '"seen"'), 'rules[1] "saw"', "does not match any of the expected tags"),
        ("[[rules]]\nname = 3\n", "rules[1]", "Unable to extract tag"),
        (SAW + SAW, 'rules[2] "saw": name', "another one is called saw too: number 1"),
        (SAW.replace('"saw"', '"storm"'), 'rules[1] "storm": name', "is a word of our own"),
        (SAW + "count = 3\nof = 2\n", 'rules[1] "saw"', "`of` must be at least `count`"),
        (SAW + 'hours = ["25-26"]\n', 'rules[1] "saw": hours[1]', "hours are written as 18:00-06:00"),
        (
            SAW + '[[suppressions]]\nname = "s"\nwhen = "patrol"\nrules = ["saw", "no"]\n',
            'suppressions[1] "s": rules[2]',
            "no rule is called no",
        ),
        ("[storm]\nincidents = 0\n", "storm: incidents", "greater than or equal to 1"),
        ("[[rules]\n", "", "not TOML"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, where: str, said: str) -> None:
    with pytest.raises(RulesError) as caught:
        parse_rules(text.encode(), "rules.toml")
    (fault,) = caught.value.faults
    assert fault.where == where
    assert said in fault.en
    assert caught.value.words("en").startswith("rules.toml cannot be used:\n  ")
    assert str(caught.value).startswith("rules.toml no sirve:\n  ")


@pytest.mark.parametrize("raw", [b"\xff", b"a = " + b"9" * 5000, b" " * (MAX_FILE_BYTES + 1), b"x = " + b"[" * 5000])
def test_what_is_no_rules_file_is_told(raw: bytes) -> None:
    with pytest.raises(RulesError):
        parse_rules(raw, "rules.toml")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="no se puede leer"):
        load_rules(tmp_path / "none.toml")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_rules_or_faults(raw: bytes) -> None:
    with suppress(RulesError):
        parse_rules(SAW.encode() + raw, "rules.toml")


# what each rule does, in words

FULL = book(
    {
        "name": "saw",
        "when": "heard",
        "labels": ["chainsaw", "tree_fall"],
        "groups": ["Monte"],
        "count": 3,
        "of": 5,
        "within_s": 240,
        "hours": ["18:00-06:00"],
        "moon": "dark",
    },
    {"name": "near", "when": "near", "labels": ["gunshot"], "confidence": 0},
    {"name": "boat", "when": "boat", "rivers": ["Río Sereno"]},
    {"name": "silent", "when": "silent", "sensors": ["rio-medio"]},
    suppressions=[
        {"name": "rain", "when": "weather", "wind_speed_metres_per_second": 8},
        {"name": "patrol", "when": "patrol", "holds_back": ["voices"], "rules": ["saw"]},
    ],
)


def test_each_rule_is_told_in_words() -> None:
    assert [said.partition(": ")[2] for said in describe(FULL, "es")[:-1]] == [
        (
            "avisa cuando se detecta motosierra o caída de árbol en Monte, 3 de las últimas 5 veces en 4 min por grupo"
            " de sensores, con confianza desde 50 %, entre 18:00-06:00, con luna oscura, una vez, hasta que pasen 5"
            " min sin más"
        ),
        "avisa cuando 2 sensores a menos de 3 km detectan disparo en 2 min, una vez, hasta que pasen 5 min sin más",
        (
            "avisa cuando una embarcación pasa por 2 sensores de Río Sereno, con confianza desde 50 %, una vez, hasta"
            " que pasen 3 h sin más"
        ),
        "muestra en la página cuando un sensor en rio-medio no dice nada por 3 veces su intervalo",
        "calla todo menos explosión o disparo después de lluvia o viento o 8 m/s en el mismo sensor, por 5 min",
        "calla voces de saw mientras una patrulla está fuera, hasta 12 h",
    ]
    assert describe(FULL, "es")[-1] == "10 avisos de lo mismo en 10 min: los demás se juntan en uno, con su cuenta"
    assert describe(FULL, "en")[1] == (
        "near: warns when 2 sensors within 3 km of each other detect gunshot within 2 min, once, until 5 min without it"
    )
    assert all(a != b for a, b in zip(describe(FULL, "es"), describe(FULL, "en"), strict=True))


def test_rules_that_cannot_work_here_are_doubted() -> None:
    gauge = "rain: a rain or wind gauge holds back at its own sensor alone"
    assert [english.partition(";")[0] for _, english in doubts(FULL, BEND, [], ["chainsaw"])] == [gauge]
    said = [english for _, english in doubts(FULL, Place(), ["rio-medio"], ["voices", "chainsaw"])]
    assert said == [
        "no rule warns of: voices",
        "saw: no sensor belongs to group Monte",
        'rain: a rain or wind gauge holds back at its own sensor alone; write scope = "group"',
        "near: too few sensors have a place on the map",
        "boat: no river Río Sereno on the map",
        "boat: no river has 2 sensors on its banks",
    ]
    assert next(english for _, english in doubts(FULL, BEND, [], ["voices"])) == "no rule warns of: voices"
    sun = book({"name": "sun", "when": "heard", "labels": ["chainsaw"], "sun": ["day"], "sensors": ["x"]})
    assert len(list(doubts(sun, Place(), [], []))) == 2


@pytest.mark.parametrize("when", ["weather", "patrol"])
def test_a_suppression_that_names_a_shot_is_doubted(when: str) -> None:
    told = {"name": "lluvia", "when": when, "holds_back": ["chainsaw", "gunshot"]}
    saw = {"name": "saw", "when": "heard", "labels": ["chainsaw", "gunshot"]}
    ((spanish, english),) = doubts(book(saw, suppressions=[told]), BEND, [], [])
    assert spanish == (
        "lluvia: calla también disparo: si pasa de verdad, nadie lo sabrá a tiempo; quítelo de holds_back"
    )
    assert english.startswith("lluvia: holds back gunshot too")


# the reference file


def test_the_reference_file_works_at_the_example_and_forgets_no_alert_label() -> None:
    rules = load_rules(REFERENCE)
    alerts = sorted(label.name for label in LABELS.values() if label.alert)
    assert list(doubts(rules, BEND, [], alerts)) == []


def test_the_reference_file_warns_once_of_one_chainsaw() -> None:
    on = Engine(load_rules(REFERENCE), BEND)
    changes = run(on, [heard(10 * n, ("rio-medio", "rio-abajo")[n % 2]) for n in range(8)])
    assert {(change.incident.number, change.incident.level) for change in changes} == {(1, "alert")}
    assert set(changes[-1].incident.found_by) == {"motosierra", "motosierra entre dos"}


def test_the_reference_file_uses_every_kind_of_rule_and_suppression() -> None:
    rules = load_rules(REFERENCE)
    assert {rule.when for rule in rules.rules} == {"heard", "near", "silent", "boat"}
    assert {one.when for one in rules.suppressions} == {"weather", "patrol"}
    assert isinstance(rules, RuleBook)


def test_the_reference_file_explains_each_part_in_a_comment_before_it() -> None:
    lines = REFERENCE.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"\[", line):
            assert lines[number - 1].startswith("# "), line
