"""A source on a UDP port: a link that brings datagrams and a server that understands and answers them, in a loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from firmware_bridge.delivery import Deliver, Delivery, SourceStanding
from firmware_bridge.links.udp_link import Peer, UdpLink
from firmware_bridge.readings import Downlink, DownlinkError, Rejected

_POLL_S: Final = 0.2


class DatagramServer(Protocol):
    """Datagrams in, answers and deliveries out: pure but for its clock. `downlink` may be called from any thread."""

    def hear(self, datagram: bytes, peer: Peer) -> tuple[bytes, Delivery | None]:
        """The answer to send back at once, b"" for none, and what the datagram gave. Never raises, whatever it is."""

    def rest(self) -> Delivery | None:
        """Called now and then, also when nothing comes: what has become of waiting in vain."""

    def repeats(self) -> Iterator[tuple[bytes, Peer]]:
        """What a device is to be told again, after it has answered, and where to send it."""

    def downlink(self, downlink: Downlink) -> tuple[bytes, Peer]:
        """The datagram that says it, and where to send it. Raises DownlinkError."""


class UdpSource:
    """A `Source` and a `Speaker`. The server is made when it is run, since its making may read files.

    Reason beside those of the server: datagrams_overrun (dropped by the system: they came faster than they were read).
    """

    def __init__(
        self, name: str, link: UdpLink, new_server: Callable[[], DatagramServer], knows: Callable[[str], bool]
    ) -> None:
        """knows: see `Speaker.knows`."""
        self._name = name
        self._link = link
        self._new_server = new_server
        self._knows = knows
        self._server: DatagramServer | None = None

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._name

    @property
    def state(self) -> str:
        """How the port stands, in words."""
        return self._link.words

    @property
    def standing(self) -> SourceStanding:
        """See `Source.standing`."""
        return self._link.standing

    def run(self, deliver: Deliver, stop: threading.Event) -> None:
        """See `Source.run`. Datagrams are answered first: the answer says that they came, no more."""
        server = self._server = self._new_server()
        try:
            while not stop.is_set():
                received = self._link.read(_POLL_S)
                if received is not None:
                    answer, delivery = server.hear(*received)
                    if answer:
                        self._link.send(answer, received.peer)
                    if delivery is not None:
                        deliver(delivery)
                    for datagram, peer in server.repeats():
                        self._link.send(datagram, peer)
                    if overrun := self._link.take_overrun():
                        lost = Rejected("datagrams_overrun", overrun, "they came faster than they were read")
                        deliver(Delivery(self._name, [], [lost], {}))
                if (rest := server.rest()) is not None:
                    deliver(rest)
        finally:
            self._server = None
            self._link.close()

    def knows(self, device: str) -> bool:
        """See `Speaker.knows`."""
        return self._knows(device)

    def say(self, downlink: Downlink) -> None:
        """See `Speaker.say`. Reasons: not_connected, those of the server."""
        server = self._server
        if server is None:
            raise DownlinkError("not_connected", self._link.words)
        datagram, peer = server.downlink(downlink)
        if not self._link.send(datagram, peer):
            raise DownlinkError("not_connected", f"{self._link.words}; nothing could be sent to {peer[0]}")
