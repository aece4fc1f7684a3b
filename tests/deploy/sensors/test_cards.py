"""What is known of every driver, and how it is shown: to a person, to a program, as the index of the pages."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from rich.console import Console

from deploy.errors import DeployError
from deploy.reference.generated import source_tree
from deploy.sensors.cards import Card, Extra, card, cards, sections
from deploy.sensors.listing import as_json, as_lines, as_table, index_page
from deploy.sensors.spanish import TITLES, link_words
from firmware_bridge.sources import DRIVERS

HEADER = """Maker Model: what it is,
in two lines.

Device          a thing (it says; so)
Link            serial, 9600 baud, 8N1; the device
                only talks
Data layout     lines

    Integrity   within the layout is no section

Integrity       none
Extra           modbus (pymodbus)
"""


def test_every_driver_has_a_card() -> None:
    known = cards()
    extras = tomllib.loads((source_tree() / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [c.name for c in known] == sorted(DRIVERS)
    for one in known:
        assert one.title, one.name
        assert one.link, one.name
        assert one.quantities, one.name
        assert {extra.name for extra in one.extras} <= extras.keys(), one.name


def test_the_header_is_read_by_section() -> None:
    assert sections(HEADER) == {
        "Device": "a thing (it says; so)",
        "Link": "serial, 9600 baud, 8N1; the device only talks",
        "Data layout": "lines",
        "Integrity": "none",
        "Extra": "modbus (pymodbus)",
    }


def test_a_driver_that_there_is_not() -> None:
    with pytest.raises(DeployError, match=r"no hay un driver 'no_such'\. Los que hay: .*vigia_sensor"):
        card("no_such")


def test_what_is_missing_is_said_with_the_command_that_brings_it() -> None:
    extras = (Extra("modbus", "pymodbus", "", installed=False),)
    one = Card("a_b", "A B: | a thing", "", "serial", ("water_level_metres",), extras, has_page=True)
    assert as_lines([one], "es") == [
        "a_b\tA B: | a thing\tserie\twater_level_metres\tvigia[modbus] (falta: pip install vigia[modbus])"
    ]
    assert as_lines([one], "en") == [
        "a_b\tA B: | a thing\tserial\twater_level_metres\tvigia[modbus] (missing: pip install vigia[modbus])"
    ]
    console = Console(width=80)
    with console.capture() as shown:
        console.print(as_table([one], "es"))
    told = shown.get()
    for words in ("Qué oye", "serie", "Nivel del río", "falta: pip install vigia[modbus]", "vigia sensors sample"):
        assert words in told
    assert "| [a_b](a_b.md) | A B: / a thing | serial | `water_level_metres` | `vigia[modbus]` |" in index_page([one])
    assert json.loads(as_json([one]))[0]["extras"][0]["installed"] is False


def test_spanish_comes_first_and_a_new_driver_needs_none() -> None:
    assert set(TITLES) <= set(DRIVERS)
    told = {card.name: link_words(card.link) for card in cards()}
    english = {"serial", "port", "flow", "directory", "baud", "unless", "parity", "adapter", "newer", "server", "kept"}
    for name in TITLES:
        assert not english & set(re.findall(r"[a-z]+", told[name])), told[name]


def test_the_index_names_every_page() -> None:
    text = index_page(cards())
    pages = source_tree() / "firmware_bridge/docs"
    for page in pages.glob("*_*.md"):
        assert f"({page.name})" in text, page
    assert all(Path(pages, name).is_file() for name in re.findall(r"\]\(([a-z0-9_]+\.md)\)", text))
