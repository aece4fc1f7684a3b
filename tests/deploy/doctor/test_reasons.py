"""Whatever the bridge counts has words: every reason in its source and in the contracts of its docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import firmware_bridge
import gateway
from deploy.doctor.reasons import OTHER, advice
from firmware_bridge.readings import MAX_NAME_BYTES, QUANTITIES

_BRIDGE: Final = Path(firmware_bridge.__path__[0])
_GATEWAY: Final = Path(gateway.__path__[0])
_COUNTED: Final = {
    # a function's name, and the place of the reason among its arguments
    "Rejected": 0,
    "ReadingError": 0,
    "ContractError": 0,
    "Refusal": 2,
    "Absence": 1,
    "lack": 1,
    "_count": 0,
    "count": 0,
    "_reject": 0,
    "_refuse": 1,
}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*_?")
_CONTRACT: Final = re.compile(r"[Rr]easons?\b[^:\n]*:(.*?)(?:\n\s*\n|\Z)", re.DOTALL)
_SNAKE: Final = re.compile(r"(?<![`\w.])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w(.<])")
_NOT_COUNTED: Final = frozenset({"sentinel", "oldest_s", "not_connected", "radio_away", "no_transmit"})
"""Words of a contract that are none; and reasons that are raised, to be told to whoever wanted to say something."""
_OF_UPDATES: Final = ("update", "simulator", "downlinks.py")
"""What is raised or answered there is told to the person who updates a sensor, and counted nowhere."""


def _literals(node: ast.AST) -> Iterator[str]:
    """The texts that an expression can be; of one that is put together, how it begins."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)
    elif isinstance(node, ast.Subscript):  # cut to a name's length
        yield from _literals(node.value)
    elif isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
        yield str(node.values[0].value)
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "reason_of":
        yield f"{next(_literals(node.args[0]))}_"


def _in_calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        of, _, called = ast.unparse(node.func).rpartition(".")
        place = 0 if called == "add" and of.endswith(("tally", "_dropped")) else _COUNTED.get(called)
        place = 0 if called == "append" and of.endswith("reasons") else place
        if place is not None and len(node.args) > place:
            yield from _literals(node.args[place])


def _in_guards(tree: ast.AST) -> Iterator[str]:
    """What a function called admit gives: "" or why not."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name in ("admit", "_put", "_copied"):
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value is not None:
                    yield from _literals(node.value)


def _in_contracts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for told in _CONTRACT.findall(ast.get_docstring(node) or ""):
                yield from _SNAKE.findall(told)


def reasons() -> dict[str, str]:
    """Each to the file where it was found last."""
    found = {}
    files = [file for file in _BRIDGE.rglob("*.py") if not set(_OF_UPDATES) & set(file.parts)]
    files += [*(_GATEWAY / "media").glob("*.py"), _GATEWAY / "contract" / "rows.py"]
    for file in files:
        tree = ast.parse(file.read_text())
        for reason in (*_in_calls(tree), *_in_guards(tree), *_in_contracts(tree)):
            if _NAME.fullmatch(reason) and reason not in _NOT_COUNTED and reason not in QUANTITIES:
                found[reason] = file.name
    return found


REASONS: Final = reasons()


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_has_words(reason: str) -> None:
    assert advice(reason) is not OTHER, f"{REASONS[reason]} counts {reason}: say in deploy/doctor/reasons.py what it is"
    assert len(reason) <= MAX_NAME_BYTES


def test_the_search_finds_them_wherever_they_stand() -> None:
    """One of each way in which a reason is written."""
    assert REASONS.keys() >= {
        "bad_tag",  # Rejected
        "topic_mismatch",  # tally.add
        "service_data",  # self._count
        "stalled",  # self._reject
        "other_suffix",  # self._refuse
        "ambiguous_unit",  # lack
        "replayed",  # a guard
        "bad_sha256",  # a contract
        "absent_",  # a family
        "log_",  # by reason_of
        "refused_",  # Refusal
    }
    assert len(REASONS) > 120
