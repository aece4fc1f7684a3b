"""What is said to a device, and what it answers: the bodies of downlink frames and of answers, version 1. Big-endian.

A command is the body of a device frame with direction 1 (`device_frames`); its counter is the sender's own, apart from
the device's, always higher than any before it. An answer is the body of an uplink and names the command's counter, so
that an old answer is never taken for a new one.

    command             code  parameters
    ping                   1
    identify               2  seconds 1                  blink or beep so long; 0 to stop
    set interval           3  kind 1 | seconds 4         tell environment (3), status (4) or position (5) so often
    request status         4                             a device status frame follows the answer
    reboot                 5  delay 1, seconds           after the answer
    update query          16
    update begin          17  flags 1 | manifest 92 | signature 64         flag 1: an older or the same version too
    update block          18  number 2 | data 1 to 256
    update finish         19
    update boot           20

    answer              128 | counter 4 | command code 1 | result 1 | detail
    detail of behind    highest 4            the highest counter that the device may have accepted
    detail of query     state 1 | held 2 | block bytes 2 | running 4 | pending 4 | capacity 4 | model 16
    detail of the rest of the update         state 1 | held 2

The manifest is in `firmware_bridge.update.image`. `held`: how many blocks the device has, from the first
on and without a gap.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, TypeAlias

import msgspec

from firmware_bridge.framing.frame_bodies import ANSWER
from firmware_bridge.readings import Kind, Rejected

MANIFEST_BYTES: Final = 92
SIGNATURE_BYTES: Final = 64
MODEL_BYTES: Final = 16
MIN_BLOCK_BYTES: Final = 16
MAX_BLOCK_BYTES: Final = 256
MAX_BLOCKS: Final = 65_535
LONGEST_INTERVAL_S: Final = 7 * 86_400
MAX_ANSWER_DETAIL_BYTES: Final = 93

_FORCE: Final = 1
_INTERVAL: Final = struct.Struct(">BI")
_NUMBER: Final = struct.Struct(">H")
_ANSWER: Final = struct.Struct(">BIBB")
_HIGHEST: Final = struct.Struct(">I")
_PROGRESS: Final = struct.Struct(">BH")
_UPDATE: Final = struct.Struct(f">BHHIII{MODEL_BYTES}s")
_INTERVAL_KINDS: Final = frozenset((Kind.ENVIRONMENT, Kind.DEVICE_STATUS, Kind.POSITION))


class CommandCode(IntEnum):
    """First byte of a command. A code, once given, is never reused."""

    PING = 1
    IDENTIFY = 2
    SET_INTERVAL = 3
    REQUEST_STATUS = 4
    REBOOT = 5
    UPDATE_QUERY = 16
    UPDATE_BEGIN = 17
    UPDATE_BLOCK = 18
    UPDATE_FINISH = 19
    UPDATE_BOOT = 20


class Result(IntEnum):
    """What became of a command. A code, once given, is never reused; one from newer firmware stays a number."""

    DONE = 0
    UNKNOWN_COMMAND = 1  # older firmware
    BAD_LENGTH = 2
    BAD_VALUE = 3
    BEHIND = 4  # the counter is not above the highest: a replay, or a sender that has lost count
    BUSY = 5
    REFUSED = 6  # the device will not, for a reason of its own
    NO_UPDATE = 16  # no update has begun, or it is not ready to be booted
    BAD_SIGNATURE = 17  # not the maker's
    WRONG_MODEL = 18  # firmware for another device
    OLDER_VERSION = 19  # not newer than what runs, and not forced
    TOO_LARGE = 20
    OUT_OF_ORDER = 21  # not the block after the last that it has
    FLASH_FAILED = 22
    INCOMPLETE = 23  # blocks are missing
    BAD_DIGEST = 24  # what is in the flash is not what was signed; it is forgotten


class UpdateState(IntEnum):
    """Where a device stands in its update."""

    IDLE = 0
    RECEIVING = 1
    READY = 2  # complete and verified; not remembered through a restart


_KNOWN_CODES: Final = frozenset(CommandCode)
_KNOWN_RESULTS: Final = frozenset(Result)


class Ping(msgspec.Struct, frozen=True):
    """Are you there?"""


class Identify(msgspec.Struct, frozen=True):
    """Blink or beep so many seconds (0 to 255; 0 stops it), so that a person finds the device."""

    seconds: int


class SetInterval(msgspec.Struct, frozen=True):
    """Tell readings of a kind (environment, device status or position) so often: 1 second to 7 days."""

    kind: Kind
    seconds: int


class RequestStatus(msgspec.Struct, frozen=True):
    """Tell your status now."""


class Reboot(msgspec.Struct, frozen=True):
    """Start again, so many seconds (0 to 255) after the answer."""

    delay_s: int


class UpdateQuery(msgspec.Struct, frozen=True):
    """What are you, what do you run, and what of an update do you have?"""


class UpdateBegin(msgspec.Struct, frozen=True):
    """Take this firmware: manifest and signature as in `firmware_bridge.update.image`."""

    manifest: bytes
    signature: bytes
    force: bool = False


class UpdateBlock(msgspec.Struct, frozen=True):
    """Block `number` (from 0) of the firmware; all but the last are as long as the device said."""

    number: int
    data: bytes


class UpdateFinish(msgspec.Struct, frozen=True):
    """That was all: verify it."""


class UpdateBoot(msgspec.Struct, frozen=True):
    """Run what was verified."""


Command: TypeAlias = (
    Ping
    | Identify
    | SetInterval
    | RequestStatus
    | Reboot
    | UpdateQuery
    | UpdateBegin
    | UpdateBlock
    | UpdateFinish
    | UpdateBoot
)

_BARE: Final[dict[CommandCode, Command]] = {
    CommandCode.PING: Ping(),
    CommandCode.REQUEST_STATUS: RequestStatus(),
    CommandCode.UPDATE_QUERY: UpdateQuery(),
    CommandCode.UPDATE_FINISH: UpdateFinish(),
    CommandCode.UPDATE_BOOT: UpdateBoot(),
}
_CODES: Final[dict[type[Command], CommandCode]] = {type(bare): code for code, bare in _BARE.items()} | {
    Identify: CommandCode.IDENTIFY,
    SetInterval: CommandCode.SET_INTERVAL,
    Reboot: CommandCode.REBOOT,
    UpdateBegin: CommandCode.UPDATE_BEGIN,
    UpdateBlock: CommandCode.UPDATE_BLOCK,
}


def code_of(command: Command) -> CommandCode:
    """The code of a command."""
    return _CODES[type(command)]


def encode_command(command: Command) -> bytes:
    """The body of a downlink frame. Raises ValueError for what no device would take."""
    code = bytes((code_of(command),))
    if isinstance(command, Identify):
        return code + bytes((_fit("seconds", command.seconds, 0, 255),))
    if isinstance(command, SetInterval):
        if command.kind not in _INTERVAL_KINDS:
            raise ValueError(f"{Kind(command.kind).slug} readings have no interval")
        return code + _INTERVAL.pack(command.kind, _fit("seconds", command.seconds, 1, LONGEST_INTERVAL_S))
    if isinstance(command, Reboot):
        return code + bytes((_fit("delay_s", command.delay_s, 0, 255),))
    if isinstance(command, UpdateBegin):
        if len(command.manifest) != MANIFEST_BYTES or len(command.signature) != SIGNATURE_BYTES:
            raise ValueError(f"a manifest is {MANIFEST_BYTES} bytes and a signature {SIGNATURE_BYTES}")
        return code + bytes((_FORCE if command.force else 0,)) + command.manifest + command.signature
    if isinstance(command, UpdateBlock):
        _fit("bytes of a block", len(command.data), 1, MAX_BLOCK_BYTES)
        return code + _NUMBER.pack(_fit("block", command.number, 0, MAX_BLOCKS - 1)) + command.data
    return code


def decode_command(body: bytes) -> Command | Rejected:
    """The command of a downlink's body, as a device understands it. Never raises.

    Reasons, each the name of the `Result` that the device answers: unknown_command, bad_length, bad_value.
    """
    rest = body[1:]
    if not body or body[0] not in _KNOWN_CODES:
        return Rejected("unknown_command", 1, f"command {body[:1].hex()}")
    code = CommandCode(body[0])
    lowest, highest = _LENGTHS.get(code, (0, 0))
    if not lowest <= len(rest) <= highest:
        return Rejected("bad_length", 1, f"{code.name.lower()} with {len(rest)} bytes")
    if bare := _BARE.get(code):
        return bare
    if code is CommandCode.IDENTIFY:
        return Identify(rest[0])
    if code is CommandCode.REBOOT:
        return Reboot(rest[0])
    if code is CommandCode.SET_INTERVAL:
        kind, seconds = _INTERVAL.unpack(rest)
        if kind not in _INTERVAL_KINDS or not 1 <= seconds <= LONGEST_INTERVAL_S:
            return Rejected("bad_value", 1, f"an interval of {seconds} s for kind {kind}")
        return SetInterval(Kind(kind), seconds)
    if code is CommandCode.UPDATE_BLOCK:
        return UpdateBlock(_NUMBER.unpack_from(rest)[0], rest[_NUMBER.size :])
    if rest[0] & ~_FORCE:
        return Rejected("bad_value", 1, f"update flags {rest[0]}")
    return UpdateBegin(rest[1 : 1 + MANIFEST_BYTES], rest[1 + MANIFEST_BYTES :], bool(rest[0]))


_BEGIN_BYTES: Final = 1 + MANIFEST_BYTES + SIGNATURE_BYTES
_LENGTHS: Final = {
    CommandCode.IDENTIFY: (1, 1),
    CommandCode.SET_INTERVAL: (_INTERVAL.size, _INTERVAL.size),
    CommandCode.REBOOT: (1, 1),
    CommandCode.UPDATE_BEGIN: (_BEGIN_BYTES, _BEGIN_BYTES),
    CommandCode.UPDATE_BLOCK: (_NUMBER.size + 1, _NUMBER.size + MAX_BLOCK_BYTES),
}


class Answer(msgspec.Struct, frozen=True):
    """A device's answer. counter: of the command answered. code, result: numbers, as newer firmware may have more."""

    counter: int
    code: int
    result: int
    detail: bytes = b""

    @property
    def words(self) -> str:
        """The result by name, such as `older_version`."""
        return Result(self.result).name.lower() if self.result in _KNOWN_RESULTS else f"result {self.result}"


class UpdateStatus(msgspec.Struct, frozen=True):
    """A device's answer to `UpdateQuery`. pending: version of the update it has begun, 0 for none."""

    state: int
    held: int
    block_bytes: int
    running: int
    pending: int
    capacity: int
    model: bytes


def encode_answer(answer: Answer) -> bytes:
    """The body of an uplink that answers. Raises ValueError for a detail that is too long."""
    _fit("bytes of detail", len(answer.detail), 0, MAX_ANSWER_DETAIL_BYTES)
    return _ANSWER.pack(ANSWER[0], answer.counter, answer.code, answer.result) + answer.detail


def decode_answer(body: bytes) -> Answer | None:
    """The answer that an uplink's body is, None when it is something else. Never raises."""
    if body[:1] != ANSWER or len(body) < _ANSWER.size:
        return None
    _, counter, code, result = _ANSWER.unpack_from(body)
    return Answer(counter, code, result, body[_ANSWER.size :])


def highest_of(answer: Answer) -> int | None:
    """The highest counter that a device has accepted, of an answer `behind`; None of any other."""
    if answer.result != Result.BEHIND or len(answer.detail) != _HIGHEST.size:
        return None
    highest: int = _HIGHEST.unpack(answer.detail)[0]
    return highest


def progress_of(answer: Answer) -> tuple[int, int] | None:
    """(state, blocks held) of an answer to begin, block, finish or boot; None of one that does not say."""
    if len(answer.detail) != _PROGRESS.size:
        return None
    state, held = _PROGRESS.unpack(answer.detail)
    return state, held


def status_of(answer: Answer) -> UpdateStatus | None:
    """What an answer to a query says; None when it is not of that form or the block size cannot be."""
    if answer.code != CommandCode.UPDATE_QUERY or answer.result != Result.DONE or len(answer.detail) != _UPDATE.size:
        return None
    status = UpdateStatus(*_UPDATE.unpack(answer.detail))
    return status if MIN_BLOCK_BYTES <= status.block_bytes <= MAX_BLOCK_BYTES else None


def _fit(name: str, value: int, lowest: int, highest: int) -> int:
    if not lowest <= value <= highest:
        raise ValueError(f"{name}: {value} is not in {lowest} to {highest}")
    return value
