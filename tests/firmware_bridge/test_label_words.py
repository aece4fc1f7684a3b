"""What was detected, as people write it, becomes the label that warns."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from firmware_bridge.label_words import LabelWord, LabelWordOrNone, known_label
from firmware_bridge.readings import LABELS

_SETTING: TypeAdapter[str] = TypeAdapter(LabelWord)


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("chainsaw", "chainsaw"),
        ("motosierra", "chainsaw"),
        ("MOTOSIERRA", "chainsaw"),
        ("peque-peque", "long_tail_motor"),
        ("peque_peque", "long_tail_motor"),
        ("Jaguar (otorongo)", "jaguar"),
        ("vehiculo", "vehicle"),
        ("unlisted_200", "unlisted_200"),
        ("caida_de_arbol", "tree_fall"),
    ],
)
def test_a_label_goes_by_its_name_and_its_titles(word: str, label: str) -> None:
    assert known_label(word) == label
    assert _SETTING.validate_python(word) == label


def test_no_two_labels_share_a_title() -> None:
    for label in LABELS.values():
        assert {known_label(label.title_es), known_label(label.title_en), known_label(label.name)} == {label.name}


@pytest.mark.parametrize("word", ["mono_choro", "guacamayo", "rana_toro"])
def test_a_word_of_the_recorder_is_kept(word: str) -> None:
    assert known_label(word) == ""
    assert _SETTING.validate_python(word) == word


@pytest.mark.parametrize(
    ("word", "meant"), [("motosiera", "chainsaw"), ("chainsw", "chainsaw"), ("disparos", "gunshot")]
)
def test_a_label_misspelt_is_refused(word: str, meant: str) -> None:
    with pytest.raises(ValidationError, match=f"do you mean {meant}"):
        _SETTING.validate_python(word)


@pytest.mark.parametrize("word", ["", "a" * 33, "con espacio", "9", 7])
def test_what_is_no_word_is_refused(word: Any) -> None:
    with pytest.raises(ValidationError):
        _SETTING.validate_python(word)


def test_nothing_may_be_said_where_nothing_was_detected() -> None:
    assert TypeAdapter(LabelWordOrNone).validate_python("") == ""
