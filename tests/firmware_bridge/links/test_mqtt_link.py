"""Messages of a real broker: none lost while it or we are away, none acknowledged before it is safe, drops counted."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path

import pytest
from pydantic import ValidationError

from deploy.parts.processes import free_port
from deploy.parts.servers import Mosquitto
from deploy.pki import authority
from firmware_bridge.links.broker_settings import BrokerSettings
from firmware_bridge.links.mqtt_connection import Message
from firmware_bridge.links.mqtt_link import MAX_MESSAGE_BYTES, BrokerState, MqttLink
from firmware_bridge.readings import DownlinkError
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


def link_to(port: int, *, max_queued: int = 1000, **settings: object) -> MqttLink:
    told = BrokerSettings.model_validate({"host": "127.0.0.1", "port": port, "client_id": "us"} | settings)
    return MqttLink(told, ["t/#"], name="test", max_queued=max_queued, chance=lambda: 0.0)


def connected(link: MqttLink) -> None:
    wait_until("connected", lambda: link.state is BrokerState.CONNECTED)


def read(link: MqttLink) -> Message:
    message = link.read(10.0)
    assert message is not None
    return message


def test_what_is_not_done_comes_again(mosquitto: Mosquitto) -> None:
    link = link_to(mosquitto.port)
    link.open()
    connected(link)
    with MqttPeer(mosquitto.port) as peer:
        for number in range(3):
            peer.publish("t/a", b"%d" % number)
        first = read(link)
        assert (first.topic, first.payload) == ("t/a", b"0")
        link.done(first)
        assert read(link).payload == b"1"  # not done
        link.close()
        peer.publish("t/a", b"while away")
    again = link_to(mosquitto.port)
    again.open()
    assert [read(again).payload for _ in range(3)] == [b"1", b"2", b"while away"]
    again.close()
    assert again.read(0.0) is None


@pytest.mark.expects_warnings
def test_a_message_that_would_fill_the_memory_is_given_up_and_the_next_comes(mosquitto: Mosquitto) -> None:
    link = link_to(mosquitto.port)
    link.open()
    connected(link)
    with MqttPeer(mosquitto.port) as peer:
        peer.publish("t/huge", bytes(17_000_000))
        wait_until("it ends", lambda: link.state is BrokerState.LOST)
        assert "a message of 1700" in link.words
        connected(link)
        peer.publish("t/a", b"small")
        assert read(link).payload == b"small"
    assert {(one.reason, one.count) for one in link.take_dropped()} == {("too_long", 1)}
    link.close()


@pytest.mark.expects_warnings
def test_a_broker_that_restarts_is_found_again(mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    link = link_to(mosquitto.port)
    link.open()
    connected(link)
    mosquitto.kill()
    wait_until("lost", lambda: link.state is BrokerState.LOST)
    with pytest.raises(DownlinkError, match="not_connected"):
        link.publish("x", b"")
    wait_until("the reason is known", lambda: "nothing listens there" in link.words)
    mosquitto.forget()
    mosquitto.start()
    connected(link)
    with MqttPeer(mosquitto.port, "x") as peer:
        peer.publish("t/a", b"after")  # heard: subscribed anew although the broker has forgotten us
        assert read(link).payload == b"after"
        link.publish("x", b"down")
        wait_until("downlink", lambda: peer.payloads("x") == [b"down"])
    link.close()
    told = [record.getMessage() for record in caplog.records if record.name.endswith("mqtt_link")]
    assert len(told) == len(set(told))


def test_a_full_queue_is_counted_and_what_the_broker_holds_comes_again(mosquitto: Mosquitto) -> None:
    link = link_to(mosquitto.port, max_queued=5)
    link.open()
    connected(link)
    with MqttPeer(mosquitto.port) as peer:
        for number in range(12):
            peer.publish("t/a", b"%d" % number)
        peer.publish("t/a", b"x" * (MAX_MESSAGE_BYTES + 1))
    dropped: dict[str, int] = {}

    def counted() -> bool:
        for item in link.take_dropped():
            dropped[item.reason] = dropped.get(item.reason, 0) + item.count
        return dropped.get("too_long", 0) == 1

    wait_until("the long one is counted", counted)
    assert dropped["queue_full"] == 7
    came = []
    while len(came) < 12:
        message = read(link)
        came.append(int(message.payload))
        link.done(message)
    assert sorted(set(came)) == list(range(12))
    link.close()


@pytest.mark.expects_warnings
def test_what_is_wrong_is_said_in_words(tmp_path: Path) -> None:
    port = free_port()
    password = tmp_path / "password"
    mosquitto_files = f"allow_anonymous false\npassword_file {tmp_path}/users\n"
    (tmp_path / "users").write_text("")
    with socket.create_server(("127.0.0.1", port)) as mute:
        link = link_to(port, tls=True)
        link.open()
        mute.accept()[0].close()
        wait_until(
            "no encryption", lambda: "no encrypted connection" in link.words or "cannot be reached" in link.words
        )
        link.close()
    link = link_to(port, username="u", password_file=password)
    link.open()
    wait_until("no such file", lambda: f"{password} cannot be read" in link.words)
    link.close()
    closed = Mosquitto(tmp_path / "closed", extra=mosquitto_files)
    closed.start()
    try:
        link = link_to(closed.port, username="u", password="wrong")
        link.open()
        wait_until("refused", lambda: "it refuses us" in link.words)
        link.close()
        assert "wrong" not in link.words
    finally:
        closed.stop()
    link = link_to(port, host="no-such-host.invalid")
    link.open()
    wait_until("no such name", lambda: "no machine of that name" in link.words)
    link.close()


@pytest.mark.expects_warnings
def test_encrypted_with_certificates_of_both_sides(tmp_path: Path) -> None:
    ours, strangers = tmp_path / "pki", tmp_path / "other"
    for directory in (ours, strangers):
        authority.create_authority(directory)
    server = authority.issue_server(ours, ["127.0.0.1"])
    station = authority.issue_station(ours, "puesto-1")
    certificate, key = authority.current_files(ours, server.name)
    broker = Mosquitto(
        tmp_path / "mosquitto",
        extra=f"cafile {ours}/ca.crt\ncertfile {certificate}\nkeyfile {key}\nrequire_certificate true\n",
    )
    broker.start()
    mine, my_key = authority.current_files(ours, station.name)
    for files, words in (
        ({"ca_file": ours / "ca.crt", "cert_file": mine, "key_file": my_key}, "connected to"),
        ({"ca_file": strangers / "ca.crt", "cert_file": mine, "key_file": my_key}, "certificate is not to be trusted"),
        ({"ca_file": ours / "ca.crt"}, "is not reached yet: "),
        ({"ca_file": ours / "ca.crt", "cert_file": mine, "key_file": tmp_path / "none"}, "none cannot be read"),
    ):
        link = link_to(broker.port, tls=True, **files)
        link.open()
        wait_until(words, lambda link=link, words=words: words in link.words)
        link.close()
    broker.stop()


@pytest.mark.expects_warnings
def test_a_topic_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    access = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    roles = tmp_path / "roles.json"
    roles.write_text(json.dumps({"defaultACLAccess": access, "clients": [], "groups": [], "roles": []}))
    plugin = f"plugin {find_plugin()}\nplugin_opt_config_file {roles}\n"
    broker = Mosquitto(tmp_path / "mosquitto", extra=plugin)
    broker.start()
    link = link_to(broker.port)
    link.open()
    wait_until("said", lambda: "does not let us read t/#" in link.words)
    assert link.state is BrokerState.CONNECTED
    link.close()
    broker.stop()


def find_plugin() -> str:
    found = list(Path("/usr/lib").rglob("mosquitto_dynamic_security.so"))
    if not found:
        pytest.skip("this Mosquitto came without its dynamic security plugin")
    return str(found[0])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"password": "secret"}, "needs a username"),
        ({"username": "u", "password": "secret", "password_file": "/x"}, "not both"),
        ({"ca_file": "/x"}, "need tls"),
        ({"tls": True, "cert_file": "/x"}, "go together"),
        ({"port": 0}, "port"),
        ({"client_id": "a b"}, "client_id"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        BrokerSettings.model_validate(settings)
    assert "secret" not in str(caught.value)
