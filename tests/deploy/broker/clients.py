"""An MQTT 5 client over TLS that tells what the broker answered: the other end of the tests of the broker."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

_ANSWER_S = 10.0


class RefusedError(Exception):
    """The broker did not let it in."""


class Client:
    """Connected. `publish` and `subscribe` give the reason code; `received` what has come so far."""

    def __init__(self, port: int, **settings: Any) -> None:
        self.received: list[tuple[str, bytes]] = []
        self._answers: queue.Queue[tuple[str, int]] = queue.Queue()
        self._packets: mqtt.Client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=settings.get("client_id", ""),
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        client = self._packets
        client.on_message = lambda _c, _u, message: self.received.append((message.topic, message.payload))
        client.on_connect = self._connected
        client.on_disconnect = lambda _c, _u, _f, code, _p: self._answers.put(("disconnect", code.value))
        client.on_subscribe = lambda _c, _u, _m, codes, _p: self._answers.put(("subscribe", codes[0].value))
        client.on_publish = lambda _c, _u, _m, code, _p: self._answers.put(("publish", code.value))
        if settings.get("authority") is not None:
            client.tls_set(
                ca_certs=str(settings["authority"]),
                certfile=_text(settings.get("certificate")),
                keyfile=_text(settings.get("key")),
                cert_reqs=ssl.CERT_REQUIRED,
            )
        if settings.get("username"):
            client.username_pw_set(settings["username"], "whatever")
        if settings.get("will"):
            client.will_set(settings["will"], b"will", qos=1, retain=True)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = settings.get("session_s", 0)
        try:
            client.connect("localhost", port, clean_start=settings.get("clean", True), properties=properties)
        except OSError as error:
            raise RefusedError(str(error)) from error
        client.loop_start()
        what, code = self._answer()
        if (what, code) != ("connect", 0):
            self.close()
            raise RefusedError(f"{what} {code}")

    def _connected(self, _c: Any, _u: Any, flags: Any, code: Any, properties: Any) -> None:
        self.session_present = flags.session_present
        self.maximum_packet_size = getattr(properties, "MaximumPacketSize", None)
        self._answers.put(("connect", code.value))

    def _answer(self) -> tuple[str, int]:
        try:
            return self._answers.get(timeout=_ANSWER_S)
        except queue.Empty:
            raise AssertionError(f"the broker said nothing in {_ANSWER_S:.0f} s") from None

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> tuple[str, int]:
        """QoS 1: ("publish", reason) from its PUBACK, or ("disconnect", reason) when there was none."""
        self._packets.publish(topic, payload, qos=1, retain=retain)
        return self._answer()

    def subscribe(self, pattern: str) -> int:
        """QoS 1: the reason code of the SUBACK."""
        self._packets.subscribe(pattern, qos=1)
        what, code = self._answer()
        assert what == "subscribe"
        return code

    @property
    def connected(self) -> bool:
        """Whether the connection stands."""
        return self._packets.is_connected()

    def cut(self) -> None:
        """Break the connection without a farewell, so that the broker publishes the last will."""
        raw = self._packets.socket()
        assert raw is not None
        raw.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say farewell and end the thread."""
        self._packets.disconnect()
        self._packets.loop_stop()


@contextlib.contextmanager
def client(port: int, pki: Path, name: str | None, **settings: Any) -> Iterator[Client]:
    """A client with the current certificate of a name of the authority `pki` (without any when None)."""
    if name is not None:
        settings.setdefault("certificate", pki / "current" / f"{name}.crt")
        settings.setdefault("key", pki / "current" / f"{name}.key")
    settings.setdefault("authority", pki / "ca.crt")
    made = Client(port, **settings)
    try:
        yield made
    finally:
        made.close()


def stays_empty(member: Client, *, for_s: float = 0.3) -> bool:
    """Whether nothing comes for a while: for what must not happen, and so cannot be waited for."""
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        if member.received:
            return False
        time.sleep(0.02)
    return True


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
