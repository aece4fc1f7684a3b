"""Words are looked at where they are for a sensor of ours; a radio takes any."""

from __future__ import annotations

import pytest

from deploy.orders.checking import Post, Weight
from deploy.orders.sensor_words import FORMS, words_remarks
from firmware_bridge.commands.words import KNOWN

POST = Post("puesto-a", ("rio-arriba",))


def test_every_word_that_sensors_know_is_suggested() -> None:
    assert list(FORMS) == [form.split()[0] for form in KNOWN.split(", ")]


@pytest.mark.parametrize(
    "text", ["ping", "STATUS", "identify", "identify 30", "interval environment 600", "reboot 5", ""]
)
def test_what_a_sensor_understands_passes(text: str) -> None:
    assert not list(words_remarks(POST, "rio-arriba", text))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("pin", "¿quiso decir ping?"),
        ("estatus", "¿quiso decir status?"),
        ("identify 900", "¿quiso decir identify SEGUNDOS (0 a 255)?"),
        (
            "interval environment",
            "¿quiso decir interval TIPO SEGUNDOS (environment, device_status o position; 1 a 604800)?",
        ),
        ("interval detection 60", "¿quiso decir interval TIPO"),
        ("buenos días", "conoce: ping; status; "),
        (" ", "conoce: ping; status; "),
    ],
)
def test_what_it_does_not_is_a_fault_with_the_nearest(text: str, meant: str) -> None:
    (remark,) = words_remarks(POST, "rio-arriba", text)
    assert meant in remark.words.es
    assert remark.weight is Weight.FAULT


def test_a_name_that_is_no_sensor_is_a_radio_where_the_registry_lists_sensors() -> None:
    assert not list(words_remarks(POST, "malla", "buenos días"))
    assert list(words_remarks(Post("puesto-a"), "malla", "buenos días"))
    assert list(words_remarks(None, "malla", "buenos días"))
