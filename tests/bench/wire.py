"""A relay that counts what a link carries, as MQTT control packets and as TCP segments."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

from deploy.parts.processes import free_port

IP_TCP_HEADER_BYTES: Final = 20 + 20 + 12
"""IPv4, TCP, and the timestamps that Linux adds."""

_SEGMENT_BYTES: Final = 1448  # what Ethernet and most links leave of 1500
_TCP_INFO_SEGMENTS: Final = struct.Struct("=II")
_SEGMENTS_AT: Final = 136  # tcpi_segs_out, tcpi_segs_in of struct tcp_info, linux/tcp.h
_PACKETS: Final = {
    1: "CONNECT",
    2: "CONNACK",
    3: "PUBLISH",
    4: "PUBACK",
    8: "SUBSCRIBE",
    9: "SUBACK",
    12: "PINGREQ",
    13: "PINGRESP",
    14: "DISCONNECT",
}


class MqttCounter:
    """MQTT control packets of one direction: how many and how many bytes of each; a PUBLISH by its topic."""

    def __init__(self) -> None:
        self.packets: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Count what a chunk ends."""
        self._rest += chunk
        while (size := _packet_bytes(self._rest)) and len(self._rest) >= size:
            packet, self._rest = self._rest[:size], self._rest[size:]
            name = _name(packet)
            self.packets[name] += 1
            self.bytes[name] += size


def _packet_bytes(data: bytes) -> int:
    """The size of the packet that begins here, 0 when that cannot be told yet (MQTT 5, section 2.1)."""
    size = shift = 0
    for at, byte in enumerate(data[1:5], start=2):
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return at + size
    return 0


def _name(packet: bytes) -> str:
    name = _PACKETS.get(packet[0] >> 4, f"type {packet[0] >> 4}")
    if name != "PUBLISH":
        return name
    at = next(i for i in range(1, 5) if packet[i] < 0x80) + 1
    length = int.from_bytes(packet[at : at + 2], "big")
    return packet[at + 2 : at + 2 + length].decode()


class CountingRelay:
    """One connection at a time from `port` to a broker on loopback. `up` and `down` count what passed."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.up = MqttCounter()
        self.down = MqttCounter()
        self._target_port = target_port
        self._segments = Counter[str]()
        self._near: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to listen."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT_BYTES)
        self._run(self._accept)

    def stop(self) -> None:
        """End it."""
        for end in (self._listener, self._near):
            if end is not None:
                end.close()
        for thread in self._threads:
            thread.join(5.0)

    def segments(self) -> tuple[int, int]:
        """TCP segments of the connection so far, acknowledgements in: (up, down)."""
        if self._near is not None:
            info = self._near.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            out, into = _TCP_INFO_SEGMENTS.unpack_from(info, _SEGMENTS_AT)
            self._segments.update(up=into - self._segments["up"], down=out - self._segments["down"])
        return self._segments["up"], self._segments["down"]

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="relay", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._target_port), timeout=5.0)
        except OSError:
            return
        far.settimeout(None)
        self._near = near
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._run(lambda: _pump(near, far, self.up))
        self._run(lambda: _pump(far, near, self.down))


def _pump(source: socket.socket, target: socket.socket, counter: MqttCounter) -> None:
    try:
        while chunk := source.recv(65536):
            counter.feed(chunk)
            target.sendall(chunk)
    except OSError:
        pass  # whichever side it was, both go
    for end in (source, target):
        end.close()
