"""The PIN for acting at the post: kept as a scrypt hash in a file of its own.

A PIN is short, so whoever reads the file can try them all in hours: the file's permissions are the lock, the hash only
keeps a PIN that is used elsewhere too from lying about in clear. What keeps guesses at the page out is `Guesses`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from gateway.page.errors import PinError

LEAST_PIN: Final = 4
MOST_PIN: Final = 64
# RFC 7914: 4 MiB of memory for a moment, and a tenth of a second on a small Pi.
_COST: Final = 4096
_BLOCK: Final = 8
_PARALLEL: Final = 4
_MAX_FILE_BYTES: Final = 1024


def write_pin(path: Path, pin: str) -> None:
    """Put the PIN's hash into the file, for its owner alone. Raises PinError: too short or long, or not writable."""
    if not LEAST_PIN <= len(pin) <= MOST_PIN or pin != pin.strip():
        raise PinError(f"a PIN has {LEAST_PIN} to {MOST_PIN} characters and no spaces around it")
    salt = secrets.token_bytes(16)
    told = (base64.b64encode(part).decode() for part in (salt, _digest(pin, salt, _COST, _BLOCK, _PARALLEL)))
    line = "$".join(("scrypt", str(_COST), str(_BLOCK), str(_PARALLEL), *told)) + "\n"
    write_secret(path, line.encode())


def write_secret(path: Path, content: bytes) -> None:
    """Write the whole file or nothing, readable by its owner alone. Raises PinError."""
    unfinished = path.with_name(path.name + ".part")
    try:
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise PinError(f"{path} cannot be written: {error.strerror}") from error


class PinFile:
    """The stored PIN, read anew at each question, so that a new PIN needs no restart."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stored(self) -> bytes:
        """The file's content, b"" where there is none: sessions are bound to it. Raises PinError: cannot be read."""
        try:
            with self.path.open("rb") as file:
                return file.read(_MAX_FILE_BYTES)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise PinError(f"{self.path} cannot be read: {error.strerror}") from error

    def is_right(self, pin: str) -> bool:
        """Whether it is this PIN. Takes a tenth of a second. Raises PinError: the file is no PIN file."""
        stored = self.stored()
        if not stored:
            return False
        try:
            name, cost, block, parallel, salt, digest = stored.decode("ascii").strip().split("$")
            numbers = int(cost), int(block), int(parallel)
            known = base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
        except (UnicodeDecodeError, ValueError, binascii.Error):
            raise PinError(f"{self.path} is no PIN file: write it again with vigia gateway pin") from None
        if name != "scrypt" or not (2 <= numbers[0] <= 65536 and 1 <= numbers[1] <= 16 and 1 <= numbers[2] <= 16):
            raise PinError(f"{self.path} is no PIN file: write it again with vigia gateway pin")
        try:
            found = _digest(pin[:MOST_PIN], known[0], *numbers)
        except ValueError:
            raise PinError(f"{self.path} is no PIN file: write it again with vigia gateway pin") from None
        return hmac.compare_digest(found, known[1])


def _digest(pin: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    room = 128 * block * (cost + parallel + 2) + 1024
    return hashlib.scrypt(pin.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=room, dklen=32)
