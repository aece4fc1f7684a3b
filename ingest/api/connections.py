"""Bounds how many connections clients may hold at the API, and how long without a complete request.

Each connection costs a file descriptor, and the broker's and the journal's come from the same purse: idle clients must
never be able to spend them all.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

_BETWEEN_NOTICES_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`most`: connections open at once; further ones are closed unanswered. `request_within_s`: the time, in seconds,
    that a client has for a complete request, from connecting or from the last answer."""

    most: int = 100
    request_within_s: float = 10.0


class Doorkeeper:
    """Counts one server's refused connections, and says so at most once a minute. For its event loop only."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.refused = 0
        self._next_notice_s = float("-inf")

    def refuse(self, transport: asyncio.Transport, now_s: float) -> None:
        """Close the connection unanswered. `now_s`: the loop's clock."""
        # Not close(): there is nothing to flush, and nothing may keep the descriptor.
        transport.abort()
        self.refused += 1
        if now_s >= self._next_notice_s:
            self._next_notice_s = now_s + _BETWEEN_NOTICES_S
            log.warning(
                "the API has its %d connections open and refuses more (%d refused since the start)",
                self.limits.most,
                self.refused,
            )


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol, which by itself waits for ever for the rest of a request. Made by `bounded_protocol`."""

    doorkeeper: ClassVar[Doorkeeper]
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        if len(self.connections) >= self.doorkeeper.limits.most:
            self.transport = transport  # connection_lost needs it
            self.doorkeeper.refuse(transport, self.loop.time())
            return
        super().connection_made(transport)
        self._expect_request()

    def handle_events(self) -> None:
        """Runs after each piece of input and after each answer."""
        super().handle_events()
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._expect_request()
        else:
            self._forget_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        # A deadline that runs is not prolonged: else a byte now and then would hold the connection.
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.doorkeeper.limits.request_within_s, self._give_up)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        # Not abort(): a slow link may still be taking in the last answer.
        self.transport.close()


def bounded_protocol(limits: ConnectionLimits) -> type[BoundedProtocol]:
    """The protocol for one server: uvicorn makes the instances, so what they share is on a class of their own."""
    return type("_BoundedProtocol", (BoundedProtocol,), {"doorkeeper": Doorkeeper(limits)})
