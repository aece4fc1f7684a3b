"""The sentences about settings, in both languages."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from deploy.language import Text
from deploy.settings.faults import spanish_of
from deploy.settings.file import load_settings
from deploy.settings.problems import SettingsFileError
from deploy.settings.words import FAULTS, meaning, sentence
from gateway.settings import GatewaySettings
from ingest.settings import IngestSettings


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


def test_the_form_of_hours_is_told_with_an_example_in_both_languages(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('[[warnings]]\noutput = "siren"\nname = "patio"\npin = 17\nhours = "5:30-21"\n')
    with pytest.raises(SettingsFileError) as caught:
        load_settings(file, GatewaySettings)
    (only,) = caught.value.problems
    assert only("es").startswith("línea 5: warnings.hours: no tiene la forma correcta (solo a estas horas")
    assert only.words.es.count("05:30-21:00") == only.words.en.count("05:30-21:00") == 1


@pytest.mark.parametrize("section", [GatewaySettings, IngestSettings])
def test_every_form_and_all_that_may_be_missing_is_explained_in_spanish(section: type[BaseModel]) -> None:
    forms = [(model, name) for model in set(_models(section)) for name in model.model_fields]
    unexplained = [
        f"{model.__name__}.{name}"
        for model, name in forms
        if name != "driver"  # its fault lists the drivers
        and (
            model.model_fields[name].is_required()
            or any(getattr(m, "pattern", None) for m in model.model_fields[name].metadata)
        )
        and (about := model.model_fields[name].description)
        and not spanish_of(about)
    ]
    assert not unexplained


def _models(node: Any) -> Iterator[type[BaseModel]]:
    if isinstance(node, type) and issubclass(node, BaseModel):
        yield node
        for field in node.model_fields.values():
            yield from _models(field.annotation)
    for inner in get_args(node):
        yield from _models(inner)
