"""The sentences about settings, in both languages."""

from __future__ import annotations

import string

import pytest

from deploy.language import Text
from deploy.settings.words import FAULTS, meaning, sentence


@pytest.mark.parametrize("words", FAULTS.values(), ids=FAULTS)
def test_both_languages_have_the_same_places(words: Text) -> None:
    es, en = ({name for _, name, _, _ in string.Formatter().parse(text) if name} for text in words)
    assert es == en or words is FAULTS["label_misspelt"]
    assert words.es != words.en


def test_a_sentence_of_our_own_settings_keeps_what_it_names() -> None:
    told = sentence("915 Hz is not in the band us915 (902000000 to 928000000 Hz)")
    assert told.es == "915 Hz no está en la banda us915 (de 902000000 a 928000000 Hz)"


def test_what_has_no_spanish_is_said_to_be_english() -> None:
    assert sentence("a float has 16 bits").es == "no sirve así; en inglés: a float has 16 bits"
    assert meaning("Something new") is None
