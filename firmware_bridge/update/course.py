"""The course of an update: each command said until it is answered, with bounds on patience, whoever carries it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple

import msgspec

from firmware_bridge.framing.downlinks import Answer, Command, CommandCode, Result, UpdateBlock, code_of
from firmware_bridge.update.errors import UpdateError
from firmware_bridge.update.updater import Progress, Updater

_SLOW: Final = frozenset((CommandCode.UPDATE_BEGIN, CommandCode.UPDATE_FINISH))
"""The device erases or reads all its flash, and verifies a signature, before it answers."""
_LATER: Final = frozenset((Result.BUSY, Result.FLASH_FAILED))
_EXCHANGE_BITS: Final = 8_000
"""A block, its answer and a reading or two in between, on the line: as much as may have to pass before an answer."""


class Patience(msgspec.Struct, frozen=True):
    """How long to wait for an answer before a command is said again, for any answer at all, and for the whole before
    giving up."""

    answer_s: float = 1.0
    slow_answer_s: float = 15.0
    give_up_s: float = 120.0
    whole_s: float = inf


PATIENCE: Final = Patience()


def patience_at(baud: int) -> Patience:
    """For a line of that speed, when nobody stands by: an hour for the whole."""
    line_s = _EXCHANGE_BITS / baud
    return Patience(1.0 + line_s, 15.0 + line_s, 120.0 + 4 * line_s, 3600.0)


class Effort(NamedTuple):
    """What it took. said: commands, repeats included. blocks: of these, blocks. repeats: of these, unanswered."""

    said: int
    blocks: int
    repeats: int


def ignore(_: object) -> None:
    """For whoever wants to hear of no progress."""


def see_through(
    updater: Updater,
    ask: Callable[[Command, float], Answer | None],
    patience: Patience,
    stop: threading.Event,
    *,
    silence: Callable[[], str],
    on_progress: Callable[[Progress], None] = ignore,
) -> Effort:
    """Return when the device runs the image. ask: as `Conversation.ask`. silence: words for a device that does not
    answer, with what to do. on_progress: told after each answer.

    Raises UpdateError: stopped, no_answer, too_long, those of `Updater.answered`; and what ask raises.
    """
    said = blocks = repeats = 0
    began = heard = time.monotonic()
    while (command := updater.command()) is not None:
        code = code_of(command)
        said += 1
        blocks += isinstance(command, UpdateBlock)
        answer = ask(command, patience.slow_answer_s if code in _SLOW else patience.answer_s)
        if stop.is_set():
            raise UpdateError("stopped", "stopped in the middle; say the same again to go on where it stopped")
        now = time.monotonic()
        if answer is None:
            repeats += 1
            if now - heard > patience.give_up_s:
                raise UpdateError("no_answer", silence())
            continue
        heard = now
        updater.answered(answer)
        on_progress(updater.progress)
        if now - began > patience.whole_s and updater.command() is not None:
            held, total = updater.progress.held_bytes, updater.progress.total_bytes
            raise UpdateError("too_long", f"{held} of {total} bytes are there; say the same again to go on")
        if answer.result in _LATER:
            stop.wait(patience.answer_s)
    return Effort(said, blocks, repeats)
