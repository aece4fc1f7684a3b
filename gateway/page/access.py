"""Who may read and who may act."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from concurrent.futures import Executor
from enum import Enum
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from gateway.page.errors import PinError
from gateway.page.guesses import Guesses
from gateway.page.pin import PinFile
from gateway.page.requests import address
from gateway.page.sessions import MAX_NAME, Sessions
from gateway.page.settings import PageSettings

log = logging.getLogger(__name__)

COOKIE: Final = "vigia"
_YEAR_S: Final = 365 * 86_400


class Verdict(Enum):
    """What became of a PIN."""

    RIGHT = "right"
    WRONG = "wrong"
    WAIT = "wait"  # not looked at: too many wrong ones
    NONE_SET = "none set"
    UNREADABLE = "unreadable"


class Trial(NamedTuple):
    """wait_s: how long until the next is looked at."""

    verdict: Verdict
    wait_s: int = 0


class Access:
    """See the module. For the page's event loop; `workers` does what takes time."""

    def __init__(self, settings: PageSettings, pin: PinFile, sessions: Sessions, workers: Executor) -> None:
        self._settings = settings
        self._pin = pin
        self._sessions = sessions
        self._workers = workers
        self._guesses = Guesses()
        self._guessed_at = b""

    def who(self, request: Request) -> str | None:
        """The name in the phone's session, "" for one without; None when it has not shown the PIN."""
        token = request.cookies.get(COOKIE, "")
        return self._sessions.who(token) if token else None

    def may_read(self, request: Request) -> bool:
        """Whether it is shown anything."""
        return self._settings.reading == "free" or self.who(request) is not None

    def may_act(self, request: Request) -> bool:
        """Whether it may do anything. Who may not even read may not."""
        return (self._settings.acting == "free" and self.may_read(request)) or self.who(request) is not None

    def has_pin(self) -> bool:
        """Whether a PIN was set."""
        try:
            return bool(self._pin.stored())
        except PinError as error:
            log.debug("%s", error)
            return True

    async def try_pin(self, request: Request, pin: str) -> Trial:
        """Look at a PIN, unless there were too many wrong ones."""
        try:
            stored = self._pin.stored()
        except PinError as error:
            log.error("%s", error)
            return Trial(Verdict.UNREADABLE)
        if not stored:
            return Trial(Verdict.NONE_SET)
        if stored != self._guessed_at:  # a new PIN begins anew: whoever can set one can end a lock-out
            self._guesses, self._guessed_at = Guesses(), stored
        known = self._sessions.phone(request.cookies.get(COOKIE, ""))
        phone, is_known = known or address(request), known is not None
        wait_s = self._guesses.begin(phone, time.monotonic(), is_known=is_known)
        if wait_s > 0:
            return Trial(Verdict.WAIT, math.ceil(wait_s))
        try:
            right = await asyncio.get_running_loop().run_in_executor(self._workers, self._pin.is_right, pin)
        except PinError as error:
            log.error("%s", error)
            return Trial(Verdict.UNREADABLE)
        if not right:
            log.warning("a wrong PIN on the page, from %s", address(request))
            return Trial(Verdict.WRONG)
        self._guesses.right(phone, time.monotonic(), is_known=is_known)
        return Trial(Verdict.RIGHT)

    def welcome(self, response: Response, fields: Mapping[str, str]) -> str:
        """Remember on the phone that it has shown the PIN, for longer than that is good: see `Guesses`. Returns the
        name that was told."""
        who = " ".join(fields.get("who", "").split())[:MAX_NAME]
        response.set_cookie(
            COOKIE, self._sessions.issue(who), max_age=_YEAR_S, path="/", httponly=True, samesite="strict"
        )
        return who
