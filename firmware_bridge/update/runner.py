"""Runs an update on a serial port: what `vigia sensors update` calls. The gateway must not have the port open;
while it has, `carrier` does the same."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.update.conversation import Conversation
from firmware_bridge.update.counters import DownlinkCounters
from firmware_bridge.update.course import PATIENCE, Patience, ignore, see_through
from firmware_bridge.update.image import check_signature, load_image, version_words
from firmware_bridge.update.updater import Phase, Progress, Updater

log = logging.getLogger(__name__)


class UpdateReport(msgspec.Struct, frozen=True):
    """How an update went. phase: UPDATED or UP_TO_DATE. blocks_sent: with repeats. others: contents of the line that
    were not answers. rejected: bytes and frames that were nothing, by reason."""

    phase: Phase
    version: str
    blocks_sent: int
    repeats: int
    others: int
    rejected: dict[str, int]


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
    on_progress: Callable[[Progress], None] = ignore,
    on_other: Callable[[bytes], None] = ignore,
    stop: threading.Event | None = None,
    patience: Patience = PATIENCE,
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
    try:
        effort = see_through(
            updater, conversation.ask, patience, stop, silence=lambda: _silence(link, device), on_progress=on_progress
        )
    finally:
        link.close()
    rejected = conversation.rejected
    log.debug("update %s: %d commands, %d repeats, rejected %s", device, effort.said, effort.repeats, rejected)
    version = version_words(image.version)
    return UpdateReport(updater.progress.phase, version, effort.blocks, effort.repeats, conversation.others, rejected)


def _silence(link: SerialLink, device: str) -> str:
    return (
        f"device {device} does not answer ({link.words}): is it on and on this line, is its key right, is the gateway"
        " stopped? What it has, it keeps: say the same again to go on"
    )
