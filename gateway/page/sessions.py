"""Who has shown the PIN: a signed cookie, valid for this boot of the machine, some hours, and this PIN.

The hours are counted in time since boot: the wall clock of a Pi jumps. The key is kept beside the outbox, so that a
restart of the program asks nobody for the PIN again.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import secrets
import time
from pathlib import Path
from typing import Final

from gateway.clock.machine import boot_id
from gateway.page.errors import PinError
from gateway.page.pin import PinFile, write_secret

_KEY_BYTES: Final = 32
_MAX_TOKEN: Final = 1024
MAX_NAME: Final = 40
"""Longest name of a person, in characters."""


class Sessions:
    """Gives out and reads tokens."""

    def __init__(self, key_path: Path, pin: PinFile, *, hours: float) -> None:
        self._key_path = key_path
        self._pin = pin
        self._valid_s = hours * 3600
        self._key = b""
        self._boot = ""

    def open(self) -> None:
        """Read the key, or make it. One that cannot be kept is good until the program ends."""
        self._boot = boot_id()
        with contextlib.suppress(OSError):
            self._key = self._key_path.read_bytes()[: 2 * _KEY_BYTES]
        if len(self._key) != _KEY_BYTES:
            self._key = secrets.token_bytes(_KEY_BYTES)
            with contextlib.suppress(PinError):
                write_secret(self._key_path, self._key)

    def issue(self, who: str) -> str:
        """A token for whoever has just shown the PIN."""
        until = time.clock_gettime(time.CLOCK_BOOTTIME) + self._valid_s
        claim = json.dumps([self._boot, int(until), who[:MAX_NAME], secrets.token_hex(8)]).encode()
        return _coded(claim) + "." + _coded(self._signature(claim))

    def who(self, token: str) -> str | None:
        """The name that a token was issued for ("" without one); None when it is not good (any more)."""
        claim = self._claim(token)
        if claim is None:
            return None
        boot, until, who, _ = claim
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return who if boot == self._boot and now < until else None

    def phone(self, token: str) -> str | None:
        """What the phone is known by that a token was issued to: it showed this PIN once, however long ago. None for
        a token that is not ours."""
        claim = self._claim(token)
        return f"phone {claim[3]}" if claim is not None else None

    def _claim(self, token: str) -> tuple[str, int, str, str] | None:
        """Boot, end, name and number of a token; None for one that is not ours."""
        if len(token) > _MAX_TOKEN:
            return None
        first, _, second = token.partition(".")
        try:
            claim, signature = _decoded(first), _decoded(second)
        except (ValueError, binascii.Error):
            return None
        if not hmac.compare_digest(signature, self._signature(claim)):
            return None
        boot, until, who, number = json.loads(claim)  # ours: it is signed
        return str(boot), int(until), str(who), str(number)

    def _signature(self, claim: bytes) -> bytes:
        try:
            stored = self._pin.stored()
        except PinError:
            stored = secrets.token_bytes(_KEY_BYTES)  # nobody is let in by a PIN that cannot be read
        return hmac.digest(self._key, hashlib.sha256(stored).digest() + claim, "sha256")


def _coded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
