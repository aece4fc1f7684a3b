"""A label that is none is told, with the one that was meant."""

from __future__ import annotations

import pytest

from firmware_bridge.readings import LABELS
from ingest.api.labels import is_listed, not_a_label


def test_the_vocabulary_and_codes_of_newer_firmware_are_listed() -> None:
    assert all(is_listed(label) for label in LABELS)
    assert is_listed("unlisted_200")
    assert not any(map(is_listed, ("Chainsaw", "unlisted_", "unlisted_1", "unlisted_0200", "unlisted_x", "200")))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("motosierra", "chainsaw (Motosierra)"),
        ("Motosierras", "chainsaw"),
        ("chainsw", "chainsaw"),
        ("PEQUE PEQUE", "long_tail_motor (Peque-peque)"),
        ("arbol", "tree_fall (Caída de árbol)"),
        ("otorongo", "jaguar"),
        ("sajino", "peccary"),
        ("outboard-motor", "outboard_motor"),
    ],
)
def test_what_was_meant(given: str, meant: str) -> None:
    assert f"do you mean {meant}" in not_a_label(given)


def test_where_nothing_is_alike_all_are_named() -> None:
    assert "there are: unknown, chainsaw, gunshot" in not_a_label("qqq")
