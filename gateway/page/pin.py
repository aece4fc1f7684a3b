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
import pwd
import secrets
from pathlib import Path
from typing import Final

from gateway.page.errors import PinError

LEAST_PIN: Final = 4
MOST_PIN: Final = 12
_MOST_TYPED: Final = 64
"""Of what is tried: a PIN of an earlier version may be longer, and have letters."""
_SERVICE_USER: Final = "vigia"
"""As in deploy/systemd/vigia.sysusers.conf."""
# RFC 7914: 4 MiB of memory for a moment, and a tenth of a second on a small Pi.
_COST: Final = 4096
_BLOCK: Final = 8
_PARALLEL: Final = 4
_MAX_FILE_BYTES: Final = 1024


def write_pin(path: Path, pin: str) -> None:
    """Put the PIN's hash into the file, for its owner alone; makes the file's directory, as before a gateway's first
    start. Raises PinError: not 4 to 12 digits, or not writable."""
    if not (LEAST_PIN <= len(pin) <= MOST_PIN and pin.isascii() and pin.isdecimal()):
        raise PinError(
            f"un PIN es de {LEAST_PIN} a {MOST_PIN} cifras, sin letras ni espacios: el teclado de la página solo tiene"
            " cifras",
            f"a PIN is {LEAST_PIN} to {MOST_PIN} digits, without letters and spaces: the page's keyboard has digits"
            " alone",
        )
    _make_directory(path.parent)
    salt = secrets.token_bytes(16)
    told = (base64.b64encode(part).decode() for part in (salt, _digest(pin, salt, _COST, _BLOCK, _PARALLEL)))
    line = "$".join(("scrypt", str(_COST), str(_BLOCK), str(_PARALLEL), *told)) + "\n"
    write_secret(path, line.encode())


def _make_directory(path: Path) -> None:
    """If it is not there yet. When root makes it, it is the service's where there is one on this machine. Raises
    PinError."""
    try:
        if path.is_dir():
            return
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            with contextlib.suppress(KeyError):  # no such user
                service = pwd.getpwnam(_SERVICE_USER)
                os.chown(path, service.pw_uid, service.pw_gid)
    except OSError as error:
        raise PinError(
            f"no se puede crear el directorio {path}: {error.strerror}; use sudo, o diga pin_file en [page]",
            f"the directory {path} cannot be made: {error.strerror}; use sudo, or say pin_file in [page]",
        ) from error


def write_secret(path: Path, content: bytes) -> None:
    """Write the whole file or nothing, readable by its owner alone: when root writes, whoever owns the directory.
    Raises PinError."""
    unfinished = path.with_name(path.name + ".part")
    try:
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if os.geteuid() == 0:  # the gateway, which is not root, must be able to read it
                owner = path.parent.stat()
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        unfinished.replace(path)
    except OSError as error:
        raise PinError(
            f"no se puede escribir {path}: {error.strerror}", f"{path} cannot be written: {error.strerror}"
        ) from error


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
            raise PinError(
                f"no se puede leer {self.path}: {error.strerror}", f"{self.path} cannot be read: {error.strerror}"
            ) from error

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
            raise self._spoilt() from None
        if name != "scrypt" or not (2 <= numbers[0] <= 65536 and 1 <= numbers[1] <= 16 and 1 <= numbers[2] <= 16):
            raise self._spoilt()
        try:
            found = _digest(pin[:_MOST_TYPED], known[0], *numbers)
        except ValueError:
            raise self._spoilt() from None
        return hmac.compare_digest(found, known[1])

    def _spoilt(self) -> PinError:
        return PinError(
            f"{self.path} no es un archivo de PIN: escríbalo otra vez con vigia gateway pin",
            f"{self.path} is no PIN file: write it again with vigia gateway pin",
        )


def _digest(pin: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    room = 128 * block * (cost + parallel + 2) + 1024
    return hashlib.scrypt(pin.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=room, dklen=32)
