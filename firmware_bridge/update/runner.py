"""Runs an update on a serial port: what `vigia sensors update` calls. The gateway must not have the port open."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from firmware_bridge.framing.downlinks import CommandCode, Result, UpdateBlock, code_of
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.update.conversation import Conversation
from firmware_bridge.update.counters import DownlinkCounters
from firmware_bridge.update.errors import UpdateError
from firmware_bridge.update.image import check_signature, load_image, version_words
from firmware_bridge.update.updater import Phase, Progress, Updater

log = logging.getLogger(__name__)

_SLOW: Final = frozenset((CommandCode.UPDATE_BEGIN, CommandCode.UPDATE_FINISH))
"""The device erases or reads all its flash, and verifies a signature, before it answers."""
_LATER: Final = frozenset((Result.BUSY, Result.FLASH_FAILED))


class Patience(msgspec.Struct, frozen=True):
    """How long to wait for an answer before a command is said again, and for any answer at all before giving up."""

    answer_s: float = 1.0
    slow_answer_s: float = 15.0
    give_up_s: float = 120.0


_PATIENCE: Final = Patience()


class UpdateReport(msgspec.Struct, frozen=True):
    """How an update went. phase: UPDATED or UP_TO_DATE. blocks_sent: with repeats. others: contents of the line that
    were not answers. rejected: bytes and frames that were nothing, by reason."""

    phase: Phase
    version: str
    blocks_sent: int
    repeats: int
    others: int
    rejected: dict[str, int]


def _ignore(_: object) -> None:
    pass


def update_firmware(
    file: Path,
    *,
    port: str,
    baud: int,
    device: str,
    key: bytes,
    counters: Path,
    maker: bytes | None = None,
    force: bool = False,
    on_progress: Callable[[Progress], None] = _ignore,
    on_other: Callable[[bytes], None] = _ignore,
    stop: threading.Event | None = None,
    patience: Patience = _PATIENCE,
) -> UpdateReport:
    """Bring a device to the firmware in a file; return when it has started it and says so.

    port, baud, device (8 hex digits), key (16 bytes): as in the gateway's settings. counters: the post's file of
    downlink counters. maker: the maker's public key (32 bytes), to check the signature before the device does. force:
    send an older version, or the same. on_progress: after each answer. on_other: the content (envelope and frame) of
    every reading that the device tells meanwhile, for who wants to keep it. stop: to give up from another thread.

    What was begun is gone on with, by this or any later call with the same file, whichever side stopped and why.
    Raises UpdateError; ValueError for a key that is not 16 bytes.
    """
    image = load_image(file)
    if maker is not None:
        check_signature(image, maker)
    stop = stop or threading.Event()
    link = SerialLink(port, baud, name=f"update {device}")
    conversation = Conversation(link, device, key, DownlinkCounters(counters), on_other=on_other, stop=stop)
    updater = Updater(image, force=force)
    said = blocks = repeats = 0
    heard = time.monotonic()
    try:
        while (command := updater.command()) is not None:
            code = code_of(command)
            said += 1
            blocks += isinstance(command, UpdateBlock)
            answer = conversation.ask(command, patience.slow_answer_s if code in _SLOW else patience.answer_s)
            if stop.is_set():
                raise UpdateError("stopped", "stopped on request; say the same again to go on where it stopped")
            if answer is None:
                repeats += 1
                if time.monotonic() - heard > patience.give_up_s:
                    raise UpdateError("no_answer", _silence(link, device))
                continue
            heard = time.monotonic()
            updater.answered(answer)
            on_progress(updater.progress)
            if answer.result in _LATER:
                stop.wait(patience.answer_s)
    finally:
        link.close()
    log.debug("update %s: %d commands, %d repeats, rejected %s", device, said, repeats, conversation.rejected)
    return UpdateReport(
        updater.progress.phase,
        version_words(image.version),
        blocks,
        repeats,
        conversation.others,
        conversation.rejected,
    )


def _silence(link: SerialLink, device: str) -> str:
    return (
        f"device {device} does not answer ({link.words}): is it on and on this line, is its key right, is the gateway"
        " stopped? What it has, it keeps: say the same again to go on"
    )
