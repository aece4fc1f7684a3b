"""A broker that is not there, goes and comes back, refuses us or does not answer."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from deploy.parts.relay import Relay
from deploy.parts.servers import Mosquitto
from gateway.contract.ranges import RangeSet
from ingest.subscriber import subscriber as module
from tests.ingest.subscriber.conftest import StartSubscriber
from tests.ingest.subscriber.posts import RECEIPT, UP, payload, receipted
from tests.support.mqtt_peer import MqttPeer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.mark.expects_warnings
def test_started_before_the_broker_it_waits_for_it(tmp_path: Path, start: StartSubscriber) -> None:
    broker = Mosquitto(tmp_path / "mosquitto")
    running = start(broker.port)
    broker.start()
    running.wait_connected()
    with MqttPeer(broker.port, RECEIPT) as post:
        post.publish(UP, payload(1))
        wait_until("it is receipted", lambda: receipted(post) == RangeSet([(1, 1)]))
    broker.stop()


@pytest.mark.expects_warnings
def test_a_broker_that_goes_and_comes_back_without_its_memory_is_subscribed_again(
    mosquitto: Mosquitto, start: StartSubscriber, caplog: pytest.LogCaptureFixture
) -> None:
    running = start(mosquitto.port)
    running.wait_connected()
    for number in (1, 2):
        mosquitto.kill()
        wait_until("it knows", lambda: not running.subscriber.connected)
        mosquitto.forget()
        mosquitto.start()
        running.wait_connected()
        with MqttPeer(mosquitto.port, RECEIPT) as post:
            post.publish(UP, payload(number))
            wait_until("it is receipted", lambda number=number: number in receipted(post))  # type: ignore[misc]  # bound now
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 2  # once for each time it went
    assert all("not subscribed at the broker 127.0.0.1:" in words for words in said)


@pytest.mark.expects_warnings
def test_what_the_broker_kept_while_we_were_away_comes_first(mosquitto: Mosquitto, start: StartSubscriber) -> None:
    running = start(mosquitto.port)
    running.wait_connected()
    running.stop()
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        post.publish(UP, payload(1))
        running = start(mosquitto.port)
        wait_until("it is receipted", lambda: receipted(post) == RangeSet([(1, 1)]))


@pytest.mark.expects_warnings
def test_a_link_that_breaks_between_message_and_acknowledgement_loses_nothing(
    mosquitto: Mosquitto, start: StartSubscriber
) -> None:
    relay = Relay(mosquitto.port)
    relay.start()
    running = start(relay.port)
    running.wait_connected()
    with MqttPeer(mosquitto.port, RECEIPT) as post:
        for number in range(1, 201):
            post.publish(UP, payload(number))
            if number in (50, 120):
                relay.cut()
            if number in (60, 130):
                relay.mend()
        wait_until("all is receipted", lambda: receipted(post) == RangeSet([(1, 200)]))
    assert running.accounts()["journaled_messages"] == 200
    relay.stop()


@pytest.mark.expects_warnings
def test_a_refused_subscription_is_said_in_words(
    tmp_path: Path, start: StartSubscriber, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("this Mosquitto has no dynamic security plugin, the one that asks at subscribing")
    rules = tmp_path / "rules.json"
    allowed = {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
    nobody: dict[str, object] = {"groupname": "nobody", "roles": []}
    rules.write_text(
        json.dumps(
            {"defaultACLAccess": allowed, "groups": [nobody], "anonymousGroup": "nobody", "clients": [], "roles": []}
        )
    )
    extra = f"plugin {plugin}\nplugin_opt_config_file {rules}\n"
    broker = Mosquitto(tmp_path / "mosquitto", extra=extra)
    broker.start()
    running = start(broker.port)
    wait_until("it is said", lambda: "our subscription is refused" in caplog.text)
    assert "look at the broker's ACL" in caplog.text
    assert not running.subscriber.connected
    running.stop()
    broker.stop()


@pytest.mark.expects_warnings
def test_a_second_process_of_the_same_name_is_named_as_the_cause(
    mosquitto: Mosquitto, start: StartSubscriber, caplog: pytest.LogCaptureFixture
) -> None:
    start(mosquitto.port).wait_connected()
    start(mosquitto.port, journal="other.db").wait_connected()
    wait_until("it is said", lambda: "has another process client_id 'ingest'?" in caplog.text)


@pytest.mark.expects_warnings
def test_a_broker_that_never_answers_is_given_up(
    start: StartSubscriber, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ANSWER_WITHIN_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        running = start(silent.getsockname()[1])
        wait_until("it is said", lambda: "does not answer" in caplog.text)
        assert not running.subscriber.connected
        running.stop()


@pytest.mark.expects_warnings
def test_a_certificate_that_is_not_there_is_named(
    mosquitto: Mosquitto, start: StartSubscriber, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    start(mosquitto.port, tls=True, ca_file=tmp_path / "ca.crt")
    wait_until("it is said", lambda: str(tmp_path / "ca.crt") in caplog.text)
