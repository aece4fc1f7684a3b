"""What posts answer is told in Spanish: the words are those that the gateway really says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deploy.orders.answers import answer_words, state_words
from firmware_bridge.readings import Downlink, DownlinkError
from gateway.commands.errors import OrderError
from gateway.commands.images import Images
from gateway.commands.overlay import MOST_TOGETHER, Overlay, changed
from gateway.contract.commands import Outcome, Setting
from gateway.settings import GatewaySettings
from gateway.speakers import Speakers


def refusal(of: Callable[[], object]) -> str:
    with pytest.raises((OrderError, DownlinkError)) as caught:
        of()
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"page.enabled": False}, "page.enabled no se cambia desde lejos"),
        ({"health.often": 3}, "health.often: no existe ese ajuste"),
        ({"sources.cable.baud": 3}, "sources.cable.baud: este puesto no tiene una fuente cable"),
    ],
)
def test_why_settings_are_refused(changes: Mapping[str, Setting], words: str) -> None:
    assert answer_words(refusal(lambda: changed(GatewaySettings(), changes)), "es") == words


def test_why_another_change_waits(tmp_path: Path) -> None:
    overlay = Overlay(tmp_path / "overlay")
    for number in range(MOST_TOGETHER):
        overlay.propose(f"{number:016x}", GatewaySettings(), {"health.every_s": 30 + number})
    said = refusal(lambda: overlay.propose("f" * 16, GatewaySettings(), {"health.every_s": 60}))
    told = f"ya se prueban {MOST_TOGETHER} órdenes juntas; dé esta otra vez cuando {0:016x} esté hecha o deshecha"
    assert answer_words(said, "es") == told


def test_why_firmware_is_refused(tmp_path: Path) -> None:
    images = Images(tmp_path)
    assert answer_words(refusal(lambda: images.read("ab" * 32)), "es") == "el firmware no está allí: envíelo otra vez"
    assert "falta un pedazo" in answer_words(refusal(lambda: images.keep("ab" * 32, 9, 5, b"x")), "es")
    assert "llegó dañado" in answer_words(refusal(lambda: images.keep("ab" * 32, 1, 0, b"x")), "es")


def test_why_nobody_says_it() -> None:
    said = refusal(lambda: Speakers().say("malla", Downlink("malla", text="hola")))
    assert answer_words(said, "es").startswith("unknown_speaker: en ese puesto no hay sensor ni fuente")
    assert answer_words(said, "en") == said


def test_what_has_no_spanish_stays_as_it_came() -> None:
    assert answer_words("health.every_s: Input should be more", "es") == "health.every_s: Input should be more"
    assert answer_words("", "es") == ""


@pytest.mark.parametrize("state", ["queued", "sent", "expired", *Outcome])
def test_every_state_has_its_spanish(state: str) -> None:
    assert state_words(state, "es") != state_words(state, "en")
