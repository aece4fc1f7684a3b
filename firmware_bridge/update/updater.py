"""An update, step by step: pure, with neither clock nor line. The other side is firmware_bridge/device/vigia_update.c.

    query -> begin -> block, block, ... -> finish -> boot -> query

Each step is one command and its answer, and may be repeated: the device takes a block that it has for done, an update
that it has begun for begun. So either side may stop at any instant and the update goes on from what the device has.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from firmware_bridge.framing.downlinks import (
    Answer,
    Command,
    Result,
    UpdateBegin,
    UpdateBlock,
    UpdateBoot,
    UpdateFinish,
    UpdateQuery,
    UpdateState,
    UpdateStatus,
    progress_of,
    status_of,
)
from firmware_bridge.update.errors import UpdateError
from firmware_bridge.update.image import FirmwareImage, version_words

_MOST_SETBACKS: Final = 20
_MOST_BAD_DIGESTS: Final = 2

_NEVER: Final = {
    Result.UNKNOWN_COMMAND: "its firmware is too old to be updated over the line: use the programming cable",
    Result.REFUSED: "it refuses updates: see its own manual",
    Result.BAD_SIGNATURE: "it does not know the maker who signed this image: ask its maker for another",
    Result.WRONG_MODEL: "this image is for another model",
    Result.OLDER_VERSION: "it runs this version or a newer one: force the update if that is meant",
    Result.TOO_LARGE: "it has no room for this image",
}
"""Answers after which trying again changes nothing."""


class Phase(Enum):
    """Where an update stands."""

    ASKING = "asking"
    BEGINNING = "beginning"
    SENDING = "sending"
    FINISHING = "verifying"
    BOOTING = "starting"
    UPDATED = "updated"
    UP_TO_DATE = "up_to_date"  # it ran this version before anything was sent


class Progress(msgspec.Struct, frozen=True):
    """How far an update is: bytes that the device has, of all."""

    phase: Phase
    held_bytes: int
    total_bytes: int


class Updater:
    """One image for one device. Say `command`, tell `answered` what came; after silence just say it again."""

    def __init__(self, image: FirmwareImage, *, force: bool = False) -> None:
        """force: send it though the device runs this version or a newer one."""
        self._image = image
        self._force = force
        self._phase = Phase.ASKING
        self._block_bytes = 0
        self._held = 0
        self._boot_said = False
        self._setbacks = 0
        self._bad_digests = 0

    @property
    def progress(self) -> Progress:
        """How far it is."""
        total = len(self._image.program)
        return Progress(self._phase, min(self._held * self._block_bytes, total), total)

    def command(self) -> Command | None:
        """What to say now; None when it is over and the device runs the image's version."""
        match self._phase:
            case Phase.ASKING:
                return UpdateQuery()
            case Phase.BEGINNING:
                return UpdateBegin(self._image.manifest, self._image.signature, self._force)
            case Phase.SENDING:
                at = self._held * self._block_bytes
                return UpdateBlock(self._held, self._image.program[at : at + self._block_bytes])
            case Phase.FINISHING:
                return UpdateFinish()
            case Phase.BOOTING:
                self._boot_said = True
                return UpdateBoot()
            case _:
                return None

    def answered(self, answer: Answer) -> None:
        """Take the answer to the last command. Raises UpdateError when there is no going on."""
        if answer.result in _NEVER:
            raise UpdateError(Result(answer.result).name.lower(), f"the device says: {_NEVER[Result(answer.result)]}")
        if self._phase is Phase.ASKING:
            status = status_of(answer)
            if status is None:
                self._set_back(answer)
            else:
                self._learn(status)
            return
        if answer.result == Result.BAD_DIGEST:
            self._bad_digests += 1
            if self._bad_digests >= _MOST_BAD_DIGESTS:
                raise UpdateError(
                    "bad_digest",
                    "what the device keeps is not what was sent, twice: its flash is worn or broken, replace it",
                )
        progress = progress_of(answer)
        if progress is None or answer.result != Result.DONE:
            if progress is not None and answer.result == Result.OUT_OF_ORDER:
                self._has(progress[1])
            self._set_back(answer)
            return
        if self._phase is Phase.FINISHING:
            self._phase = Phase.BOOTING
        elif self._phase is Phase.BOOTING:
            self._phase = Phase.ASKING
        else:
            self._has(progress[1])

    def _learn(self, status: UpdateStatus) -> None:
        wanted = self._image.version
        if status.model != self._image.model_bytes:
            model = status.model.rstrip(b"\0").decode("ascii", errors="replace")
            raise UpdateError("wrong_model", f"the device is a {model!r}, the image is for a {self._image.model!r}")
        idle = status.state == UpdateState.IDLE
        if status.running == wanted and (self._boot_said or not self._force):
            self._phase = Phase.UPDATED if self._boot_said else Phase.UP_TO_DATE
            self._held = self._blocks(status.block_bytes)
            self._block_bytes = status.block_bytes
            return
        if self._boot_said and idle:
            raise UpdateError(
                "not_booted",
                f"the device came back with {version_words(status.running)}: its boot loader did not take the image",
            )
        if status.running > wanted and not self._force:
            raise UpdateError(
                "older_version",
                f"the device runs {version_words(status.running)}, the image is {version_words(wanted)}: force the"
                " update if that is meant",
            )
        self._block_bytes = status.block_bytes
        if self._blocks(self._block_bytes) > 0xFFFF or len(self._image.program) > status.capacity:
            raise UpdateError(
                "too_large", f"{len(self._image.program)} bytes, the device has room for {status.capacity}"
            )
        self._phase = Phase.BEGINNING

    def _has(self, held: int) -> None:
        blocks = self._blocks(self._block_bytes)
        if held > self._held:
            self._setbacks = 0
        self._held = min(held, blocks)
        self._phase = Phase.FINISHING if self._held == blocks else Phase.SENDING

    def _set_back(self, answer: Answer) -> None:
        """Ask anew what the device has, but not for ever."""
        self._setbacks += 1
        if self._setbacks > _MOST_SETBACKS:
            raise UpdateError(
                "no_progress", f"the device answers {answer.words} again and again; restart it and try anew"
            )
        if self._phase is not Phase.SENDING or answer.result != Result.OUT_OF_ORDER:
            self._phase = Phase.ASKING

    def _blocks(self, block_bytes: int) -> int:
        return -(-len(self._image.program) // block_bytes)
