"""Bounds what a phone, or whoever is on the Wi-Fi, may hold: connections in all and for an address, the time for a
request, and the time without taking what it is sent."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

_BETWEEN_NOTICES_S: Final = 600.0
_WRITE_BUFFER_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """most: connections open at once. most_of_one: of one address. request_within_s: for a whole request, from
    connecting or from the last answer. take_within_s: how long a reader may take nothing of what is sent to it."""

    most: int
    most_of_one: int
    request_within_s: float = 15.0
    take_within_s: float = 20.0


@dataclass
class Doorkeeper:
    """What the connections of one server share. For its event loop only."""

    limits: ConnectionLimits
    of_address: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    next_notice_s: float = float("-inf")

    def refuse(self, transport: asyncio.Transport, now_s: float) -> None:
        """Close the connection unanswered; tell the log now and then."""
        transport.abort()
        self.refused += 1
        if now_s >= self.next_notice_s:
            self.next_notice_s = now_s + _BETWEEN_NOTICES_S
            log.warning("the page has as many connections open as it may and refuses more (%d so far)", self.refused)


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol with the bounds above. Made by `bounded_protocol`."""

    doorkeeper: ClassVar[Doorkeeper]
    _deadline: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None
    _address: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        keeper = self.doorkeeper
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        if len(self.connections) >= keeper.limits.most or keeper.of_address[address] >= keeper.limits.most_of_one:
            self.transport = transport  # connection_lost needs it
            keeper.refuse(transport, self.loop.time())
            return
        self._address = address
        keeper.of_address[address] += 1
        transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        super().connection_made(transport)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        self._forget_stuck()
        if self._address is not None:
            of_address = self.doorkeeper.of_address
            of_address[self._address] -= 1
            if of_address[self._address] <= 0:
                del of_address[self._address]
            self._address = None
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Runs after each piece of input and after each answer."""
        super().handle_events()
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._expect_request()
        else:
            self._forget_deadline()

    def pause_writing(self) -> None:
        """The reader takes less than it is sent."""
        super().pause_writing()
        if self._stuck is None:
            self._stuck = self.loop.call_later(self.doorkeeper.limits.take_within_s, self._drop)

    def resume_writing(self) -> None:
        self._forget_stuck()
        super().resume_writing()

    def _expect_request(self) -> None:
        # A deadline that runs is not prolonged: else a byte now and then would hold the connection.
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.doorkeeper.limits.request_within_s, self._give_up)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _forget_stuck(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _give_up(self) -> None:
        # A slow phone may still be taking in the last answer; but not for ever.
        self._deadline = self.loop.call_later(self.doorkeeper.limits.take_within_s, self.transport.abort)
        self.transport.close()

    def _drop(self) -> None:
        self._stuck = None
        self.transport.abort()


def bounded_protocol(limits: ConnectionLimits) -> type[BoundedProtocol]:
    """The protocol for one server: uvicorn makes the instances, so what they share is on a class of their own."""
    return type("_BoundedProtocol", (BoundedProtocol,), {"doorkeeper": Doorkeeper(limits)})
