"""Whatever the desk of commands counts has words of its own."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

import gateway
from deploy.cli.main import app
from deploy.doctor.reasons import OTHER, advice
from deploy.doctor.reasons_of_orders import REASONS_OF_ORDERS
from gateway.commands.places import ORDERS

_OPTION = re.compile(r"--[a-z][a-z-]*")
_COUNTED = re.compile(r'_count\("(\w+)"\)|return "(\w+)"|else "(\w+)"|ContractError\("(\w+)"')


def test_every_reason_has_words() -> None:
    root = Path(gateway.__path__[0])
    texts = [(root / file).read_text() for file in ("commands/desk.py", "contract/commands.py", "contract/topics.py")]
    found = {name for text in texts for names in _COUNTED.findall(text) for name in names if name}
    assert found - {"bad_topic"} == set(REASONS_OF_ORDERS)  # no command names a topic


def test_a_name_means_what_its_place_says() -> None:
    assert advice("too_large", ORDERS) != advice("too_large")
    assert advice("repeated", ORDERS).harmless
    assert advice("bad_crc", ORDERS) == advice("bad_crc") != OTHER


def test_the_options_that_it_advises_are_there() -> None:
    advised = {option for told in REASONS_OF_ORDERS.values() for option in _OPTION.findall(told.todo.es + told.todo.en)}
    help_of_rules = CliRunner().invoke(app, ["commands", "rules", "--help"]).output
    assert advised == {"--any-time", "--hours"}
    assert advised <= set(_OPTION.findall(help_of_rules))
