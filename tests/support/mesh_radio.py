"""A Meshtastic radio for tests: the other end of a pty or a TCP connection, made by the protocol's specification."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable

from firmware_bridge.framing.protobuf_wire import Message, put_blob, put_fixed32, put_float32, put_uint
from firmware_bridge.meshtastic.stream import Deframer, frame
from firmware_bridge.readings import Rejected

NODE = 0xA1B2C3D4
STRANGER = 0x0BADCAFE


def from_radio(packet: bytes) -> bytes:
    """A frame with a packet in it."""
    return frame(put_blob(2, packet))


def packet(
    port: int,
    payload: bytes,
    *,
    sender: int = NODE,
    number: int = 0,
    rx_time: int = 0,
    signal: tuple[int, float] | None = None,
    channel: int = 0,
    request: int = 0,
) -> bytes:
    """A MeshPacket. signal: RSSI and SNR."""
    data = put_uint(1, port) + put_blob(2, payload) + (put_fixed32(6, request) if request else b"")
    made = put_fixed32(1, sender) + put_fixed32(2, 0xFFFF_FFFF) + (put_uint(3, channel) if channel else b"")
    made += put_blob(4, data) + put_fixed32(6, number) + (put_fixed32(7, rx_time) if rx_time else b"")
    if signal is not None:
        made += put_float32(8, signal[1]) + put_uint(12, signal[0])
    return made


def text(words: str, **more: int) -> bytes:
    """A frame with a text."""
    return from_radio(packet(1, words.encode(), **more))  # type: ignore[arg-type]  # signal is not among them


def device_metrics(battery: int, volts: float, *, at: int = 0) -> bytes:
    """The payload of telemetry."""
    metrics = put_uint(1, battery) + put_float32(2, volts) + put_float32(3, 12.5) + put_float32(4, 1.5)
    return (put_fixed32(1, at) if at else b"") + put_blob(2, metrics + put_uint(5, 86_400))


class MeshRadio:
    """Answers what a host asks over `read` and `write` until stopped; `heard` are the ToRadio messages that came."""

    def __init__(self, read: Callable[[float], bytes], write: Callable[[bytes], None]) -> None:
        self._read = read
        self.say = write
        self.heard: list[Message] = []
        self.wakes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mesh radio", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5.0)

    def askings(self) -> int:
        """How often the host has asked for the configuration."""
        return sum(message.unsigned(3) is not None for message in list(self.heard))

    def texts(self) -> list[Message]:
        """The packets that the host wanted sent."""
        packets = [message.message(1) for message in list(self.heard)]
        return [held for held in packets if held is not None]

    def _run(self) -> None:
        deframer = Deframer(Message)
        while not self._stop.is_set():
            try:
                chunk = self._read(0.05)
            except OSError:
                return
            self.wakes += chunk.count(b"\xc3" * 32)
            for message in deframer.feed(chunk) if chunk else ():
                if isinstance(message, Rejected):
                    continue
                self.heard.append(message)
                if (number := message.unsigned(3)) is not None:
                    self._tell(number)

    def _tell(self, number: int) -> None:
        """What a radio says to a host that asks for its configuration."""
        user = put_blob(1, b"!0badcafe") + put_blob(2, "Cazador Ñ".encode()) + put_blob(3, b"CZ")
        told = [
            put_blob(3, put_uint(1, NODE)),
            put_blob(4, put_uint(1, STRANGER) + put_blob(2, user)),
            put_blob(5, put_blob(6, b"")),
            put_blob(10, put_uint(1, 0) + put_blob(2, put_blob(3, b"")) + put_uint(3, 1)),
            put_blob(10, put_uint(1, 1) + put_blob(2, put_blob(3, b"guardas")) + put_uint(3, 2)),
            put_uint(7, number),
        ]
        self.say(b"".join(b"INFO | boot\r\n" + frame(message) for message in told))


def on_descriptor(descriptor: int) -> MeshRadio:
    """A radio at the device's end of a pty."""

    def read(timeout_s: float) -> bytes:
        return os.read(descriptor, 4096) if select.select([descriptor], [], [], timeout_s)[0] else b""

    def write(data: bytes) -> None:
        while data:
            data = data[os.write(descriptor, data) :]

    return MeshRadio(read, write)


def on_socket(connection: socket.socket) -> MeshRadio:
    """A radio at the server's end of a TCP connection."""

    def read(timeout_s: float) -> bytes:
        if not select.select([connection], [], [], timeout_s)[0]:
            return b""
        if not (chunk := connection.recv(4096)):
            raise ConnectionResetError
        return chunk

    return MeshRadio(read, connection.sendall)
