"""Each step of an update follows from the device's answer; none goes on for ever."""

from __future__ import annotations

import contextlib
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.framing.downlinks import (
    Answer,
    CommandCode,
    Result,
    UpdateBegin,
    UpdateBlock,
    UpdateBoot,
    UpdateFinish,
    UpdateQuery,
    UpdateState,
    code_of,
)
from firmware_bridge.update.errors import UpdateError
from firmware_bridge.update.image import sign_image
from firmware_bridge.update.updater import Phase, Updater

IMAGE = sign_image(bytes(150), "model", "2.0.0", Ed25519PrivateKey.from_private_bytes(bytes(32)))
OLD, NEW = 0x01000000, IMAGE.version


def status(state: int = UpdateState.IDLE, running: int = OLD, block_bytes: int = 64, capacity: int = 1000) -> Answer:
    detail = struct.pack(">BHHIII16s", state, 0, block_bytes, running, 0, capacity, b"model")
    return Answer(1, CommandCode.UPDATE_QUERY, Result.DONE, detail)


def answer(updater: Updater, held: int, result: int = Result.DONE) -> Answer:
    command = updater.command()
    assert command is not None
    return Answer(1, code_of(command), result, struct.pack(">BH", UpdateState.RECEIVING, held))


def begun() -> Updater:
    updater = Updater(IMAGE)
    updater.answered(status())
    updater.answered(answer(updater, 0))
    return updater


def test_the_steps() -> None:
    updater = Updater(IMAGE)
    assert updater.command() == UpdateQuery()
    assert updater.command() == UpdateQuery()  # said again after silence
    updater.answered(status())
    assert updater.command() == UpdateBegin(IMAGE.manifest, IMAGE.signature, False)
    updater.answered(answer(updater, 0))
    for number, size in enumerate((64, 64, 22)):
        assert updater.command() == UpdateBlock(number, bytes(size))
        assert updater.progress.held_bytes == 64 * number
        updater.answered(answer(updater, number + 1))
    assert updater.command() == UpdateFinish()
    assert updater.progress.held_bytes == 150
    updater.answered(answer(updater, 3))
    assert updater.command() == UpdateBoot()
    updater.answered(answer(updater, 3))
    assert updater.command() == UpdateQuery()
    updater.answered(status(running=NEW))
    assert updater.command() is None
    assert updater.progress.phase is Phase.UPDATED


def test_it_goes_on_from_what_the_device_has() -> None:
    updater = Updater(IMAGE)
    updater.answered(status(UpdateState.RECEIVING))
    updater.answered(answer(updater, 2))
    assert updater.command() == UpdateBlock(2, bytes(22))
    updater.answered(answer(updater, 1, Result.OUT_OF_ORDER))  # it lost one
    assert updater.command() == UpdateBlock(1, bytes(64))


def test_a_boot_whose_answer_was_lost_is_known_by_the_version() -> None:
    updater = begun()
    for held in (1, 2, 3, 3):
        updater.answered(answer(updater, held))
    assert updater.command() == UpdateBoot()
    updater.answered(answer(updater, 0, Result.NO_UPDATE))
    updater.answered(status(running=NEW))
    assert updater.progress.phase is Phase.UPDATED


def test_a_device_that_restarted_before_it_booted_is_told_again() -> None:
    updater = begun()
    for held in (1, 2, 3, 3):
        updater.answered(answer(updater, held))
    updater.command()
    updater.answered(answer(updater, 3))
    updater.answered(status(UpdateState.RECEIVING))
    updater.answered(answer(updater, 3))
    assert updater.command() == UpdateFinish()


@pytest.mark.parametrize("result", [r for r in Result if r not in (Result.DONE, Result.BEHIND)])
def test_a_device_that_never_agrees_is_given_up(result: Result) -> None:
    updater = Updater(IMAGE)

    def go_on() -> None:
        for _ in range(200):
            if updater.command() == UpdateQuery():
                updater.answered(status())
            updater.answered(answer(updater, 0, result))

    with pytest.raises(UpdateError) as told:
        go_on()
    assert told.value.reason in (result.name.lower(), "no_progress")


@given(st.lists(st.tuples(st.sampled_from([*Result, 99]), st.binary(max_size=40)), max_size=40))
def test_any_answers_end_it_or_are_borne(answers: list[tuple[int, bytes]]) -> None:
    updater = Updater(IMAGE)
    with contextlib.suppress(UpdateError):  # an end, and the only one beside success
        for result, detail in answers:
            command = updater.command()
            if command is None:
                break
            updater.answered(Answer(1, code_of(command), result, detail))
            assert 0 <= updater.progress.held_bytes <= updater.progress.total_bytes
