"""PUBLISHED. Commands from headquarters to a post, signed, so that whoever holds the broker cannot give any.

    version 1 | Ed25519 signature 64 | body: JSON of `Command`

What is signed is a domain word and the body, so that no other signature of that key can pass for one. A command has an
expiry and an id; a post carries each id out at most once, however often it comes. Answers come back as readings of kind
COMMAND_ANSWER: sensor is the id, label an `Outcome`, note the words.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.contract.topics import ROOT, ContractError, check_station

VERSION: Final = 1
MAX_COMMAND_BYTES: Final = 64 * 1024
MAX_LIFE_MS: Final = 90 * 86_400_000
"""No command is good for longer than this after it was given: so long a post remembers which it has carried out."""
ID_HEX_DIGITS: Final = 16
PIECE_BYTES: Final = 32 * 1024
"""Most of a firmware image in one command."""
_SIGNATURE_BYTES: Final = 64
_DOMAIN: Final = b"vigia/1/command\0"

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Id = Annotated[str, msgspec.Meta(pattern=rf"^[0-9a-f]{{{ID_HEX_DIGITS}}}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
Setting = bool | int | float | str | list[int | float | str] | None


class Outcome(StrEnum):
    """What became of a command. ON_TRIAL is followed by another; the others are the last word."""

    STARTED = "started"  # a restart, which nobody is left to answer for
    ON_TRIAL = "on_trial"
    DONE = "done"
    REFUSED = "refused"  # it was not begun: the note says why
    FAILED = "failed"  # it was begun
    ROLLED_BACK = "rolled_back"  # a configuration under which headquarters could not be reached
    INTERRUPTED = "interrupted"  # the gateway ended in the middle; it is not begun again


class SendMedia(msgspec.Struct, frozen=True, tag="send_media", tag_field="order", forbid_unknown_fields=True):
    """Send a whole picture or clip."""

    sha256: Sha256


class SetRules(msgspec.Struct, frozen=True, tag="set_rules", tag_field="order", forbid_unknown_fields=True):
    """Take these rules (TOML) on trial; with an empty text, those of the post's own settings."""

    text: Annotated[str, msgspec.Meta(max_length=MAX_COMMAND_BYTES)]


class ChangeSettings(msgspec.Struct, frozen=True, tag="change_settings", tag_field="order", forbid_unknown_fields=True):
    """Take these settings on trial: dotted names such as health.every_s or sources.muelle.poll_s; None takes what the
    post's own file says."""

    changes: Annotated[dict[str, Setting], msgspec.Meta(min_length=1, max_length=64)]


class SayToSensor(msgspec.Struct, frozen=True, tag="downlink", tag_field="order", forbid_unknown_fields=True):
    """Say this to a sensor or radio: bytes as hex digits on a port, or text."""

    sensor: Name
    payload: Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{2}){0,242}$")] = ""
    port: Annotated[int, msgspec.Meta(ge=1, le=255)] = 1
    text: Annotated[str, msgspec.Meta(max_length=240)] = ""


class PutFirmware(msgspec.Struct, frozen=True, tag="put_firmware", tag_field="order", forbid_unknown_fields=True):
    """Keep a piece of a firmware image: `data` at `offset` of `size_bytes` in all."""

    sha256: Sha256
    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=4 * 1024 * 1024)]
    offset: Annotated[int, msgspec.Meta(ge=0)]
    data: Annotated[bytes, msgspec.Meta(min_length=1, max_length=PIECE_BYTES)]


class UpdateFirmware(msgspec.Struct, frozen=True, tag="update_firmware", tag_field="order", forbid_unknown_fields=True):
    """Bring an image that is at the post onto a sensor."""

    sensor: Name
    sha256: Sha256


class Restart(msgspec.Struct, frozen=True, tag="restart", tag_field="order", forbid_unknown_fields=True):
    """Start the gateway's stages anew, or the machine."""

    what: Literal["gateway", "machine"]


Order = SendMedia | SetRules | ChangeSettings | SayToSensor | PutFirmware | UpdateFirmware | Restart


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command. id: 16 hex digits, new for each. issued_ms, expires_ms: Unix time by headquarters. despite_clock:
    carry it out also while the post does not know what time it is and so cannot tell whether it has expired."""

    id: Id
    station: str
    issued_ms: Annotated[int, msgspec.Meta(ge=0)]
    expires_ms: Annotated[int, msgspec.Meta(ge=0)]
    order: Order
    despite_clock: bool = False


_decode: Final = msgspec.json.Decoder(Command).decode


def new_id() -> str:
    """An id that no other command has."""
    return secrets.token_hex(ID_HEX_DIGITS // 2)


def topic(station: str) -> str:
    """Where a post hears its commands. Raises ContractError for a name that no post can have."""
    return f"{ROOT}/{check_station(station)}/command"


def encode_command(command: Command, key: Ed25519PrivateKey) -> bytes:
    """The signed message. Raises ContractError for what a post would refuse whoever signs it."""
    body = msgspec.json.encode(command)
    if len(body) + 1 + _SIGNATURE_BYTES > MAX_COMMAND_BYTES:
        raise ContractError("too_large", f"a command of {len(body)} bytes (at most {MAX_COMMAND_BYTES})")
    _check(body)
    return bytes((VERSION,)) + key.sign(_DOMAIN + body) + body


def decode_command(message: bytes, key: Ed25519PublicKey) -> Command:
    """The command of a message that this key signed. Raises ContractError: too_large, unknown_version, bad_signature or
    bad_command. Nothing of the body is looked at before the signature is found good."""
    if len(message) > MAX_COMMAND_BYTES:
        raise ContractError("too_large", f"a command of {len(message)} bytes (at most {MAX_COMMAND_BYTES})")
    if message[:1] != bytes((VERSION,)):
        raise ContractError("unknown_version", f"command version {message[:1].hex()}, this is {VERSION:02x}")
    signature, body = message[1 : 1 + _SIGNATURE_BYTES], message[1 + _SIGNATURE_BYTES :]
    try:
        key.verify(signature, _DOMAIN + body)
    except InvalidSignature:
        raise ContractError("bad_signature", "a command that headquarters did not sign") from None
    return _check(body)


def _check(body: bytes) -> Command:
    try:
        command = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError("bad_command", str(error)[:200]) from error
    check_station(command.station)
    if not command.issued_ms < command.expires_ms <= command.issued_ms + MAX_LIFE_MS:
        raise ContractError("bad_command", "an expiry before the command was given, or more than 90 days after")
    order = command.order
    if isinstance(order, PutFirmware) and order.offset + len(order.data) > order.size_bytes:
        raise ContractError("bad_command", "a piece beyond the end of its image")
    if isinstance(order, SayToSensor) and bool(order.payload) == bool(order.text):
        raise ContractError("bad_command", "say either bytes or a text")
    return command
