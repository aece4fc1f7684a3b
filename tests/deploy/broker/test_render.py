"""Nobody sees what is not theirs, nobody speaks for another: a real Mosquitto, a good post and a hostile one."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import signal
import socket
import ssl
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from deploy.broker.render import render_broker
from deploy.errors import DeployError
from deploy.parts.processes import Part, answers, find_program, free_port
from deploy.pki import authority, certificates
from gateway.contract import topics
from gateway.contract.batches import MAX_MESSAGE_BYTES
from gateway.contract.topics import Lane
from tests.deploy.broker.clients import Client, RefusedError, client, stays_empty
from tests.support.waiting import wait_until

NOT_AUTHORIZED = 0x87
PACKET_TOO_LARGE = 0x95
GROUP = "5f0c2f7e-known-to-headquarters-only"
A, B = "puesto-a", "puesto-b"

slow = pytest.mark.slow


@dataclass
class Hub:
    """A running broker and the authority that vouches for its clients."""

    pki: Path
    directory: Path
    port: int
    part: Part

    def render(self) -> Path:
        return render_broker(
            self.directory,
            pki_directory=self.pki,
            port=self.port,
            host="127.0.0.1",
            services=("ingest", "ingest-2"),
            user=pwd.getpwuid(os.geteuid()).pw_name,
        )


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    directory = tmp_path / "pki"
    authority.create_authority(directory)
    authority.issue_server(directory, ["localhost"])
    for station in (A, B):
        authority.issue_station(directory, station)
    for service in ("ingest", "ingest-2"):
        authority.issue_service(directory, service)
    return directory


@pytest.fixture
def hub(pki: Path, tmp_path: Path) -> Iterator[Hub]:
    port, directory = free_port(), tmp_path / "broker"
    part = Part(
        "mosquitto",
        [find_program("mosquitto", "mosquitto"), "-c", str(directory / "mosquitto.conf")],
        tmp_path / "mosquitto.log",
        ready=lambda: answers(port),
    )
    made = Hub(pki, directory, port, part)
    made.render()
    part.start()
    yield made
    part.stop()


@pytest.fixture
def ingest(hub: Hub) -> Iterator[Client]:
    """The ingest service, subscribed to all that posts send."""
    with client(hub.port, hub.pki, "service.ingest") as member:
        assert member.subscribe(topics.ALL_UP) == 1
        assert member.subscribe(topics.ALL_STATES) == 1
        yield member


@slow
def test_a_post_sends_its_lanes_and_state_and_hears_what_headquarters_has_of_it(hub: Hub, ingest: Client) -> None:
    with client(hub.port, hub.pki, A) as post:
        assert post.subscribe(topics.receipt(A)) == 1
        for lane in Lane:
            assert post.publish(topics.up(A, lane), lane.slug.encode()) == ("publish", 0)
        assert post.publish(topics.state(A), b"{}", retain=True) == ("publish", 0)
        wait_until("ingest hears everything", lambda: len(ingest.received) == len(Lane) + 1)
        assert ingest.publish(topics.receipt(A), b"stored") == ("publish", 0)
        wait_until("the receipt comes", lambda: post.received == [(topics.receipt(A), b"stored")])
        assert post.subscribe(topics.media(A)) == 1
        assert ingest.publish(topics.media(A), b"held") == ("publish", 0)
        wait_until("it hears of its pictures", lambda: post.received[1:] == [(topics.media(A), b"held")])


@slow
def test_the_largest_message_of_the_contract_passes_and_a_larger_one_does_not(hub: Hub, ingest: Client) -> None:
    largest = bytes(MAX_MESSAGE_BYTES)
    with client(hub.port, hub.pki, A) as post:
        assert post.maximum_packet_size is not None
        assert post.maximum_packet_size > MAX_MESSAGE_BYTES
        assert post.publish(topics.up(A, Lane.MEDIA), largest) == ("publish", 0)
        wait_until("the largest comes", lambda: ingest.received == [(topics.up(A, Lane.MEDIA), largest)])
        ingest.received.clear()
        what, code = post.publish(topics.up(A, Lane.MEDIA), largest + b"x")
        assert what == "disconnect" or code == PACKET_TOO_LARGE
    with client(hub.port, hub.pki, A) as post:
        # Beyond the packet limit the broker does not even take it in.
        assert post.publish(topics.up(A, Lane.MEDIA), bytes(MAX_MESSAGE_BYTES + 100_000))[0] == "disconnect"
    assert stays_empty(ingest)


HOSTILE_TOPICS = [
    *(topics.up(A, lane) for lane in (Lane.ALERT, Lane.MEDIA)),
    topics.state(A),
    topics.receipt(A),
    topics.media(A),
    topics.media(B),
    topics.receipt(B),  # not even its own: headquarters alone says what is stored
    "vigia/1/puesto-b/up",
    "vigia/1/puesto-b/up/x",  # its own branch, but no lane: each such topic could keep a retained message
    "vigia/1/puesto-b/up/ALERT",
    "vigia/1/puesto-b/up/alert/more",
    "vigia/2/puesto-b/up/alert",
    "vigia/1//up/alert",
    "vigia/1/service.ingest/up/alert",
    "$SYS/broker/uptime",
    "$CONTROL/dynamic-security/v1",
    "anything",
]


@slow
def test_a_hostile_post_cannot_publish_outside_its_branch(hub: Hub, ingest: Client) -> None:
    with client(hub.port, hub.pki, A) as post:
        assert post.subscribe(topics.receipt(A)) == 1
        for topic in HOSTILE_TOPICS:
            # Mosquitto 2.0 says not authorized and then ends the connection: each attempt needs a new one.
            with client(hub.port, hub.pki, B) as hostile:
                what, code = hostile.publish(topic, b"forged", retain=True)
                assert what == "disconnect" or code == NOT_AUTHORIZED, topic
        assert post.connected
        assert stays_empty(post)
        assert stays_empty(ingest)
    # Nor was anything kept for later.
    with client(hub.port, hub.pki, "service.ingest-2") as later:
        later.subscribe("#")
        assert stays_empty(later)


@slow
def test_a_hostile_post_hears_nothing_of_others_whatever_it_subscribes_to(hub: Hub, ingest: Client) -> None:
    patterns = [
        "#", "+/+/+/+", "$SYS/#", "vigia/1/+/receipt", "vigia/1/+/state", topics.receipt(A), topics.state(A),
        topics.ALL_UP, topics.up(A, Lane.ALERT), topics.shared("mine", topics.ALL_UP), topics.shared("mine", "#"),
        topics.shared("mine", "vigia/1/+/receipt"), topics.media(A),
    ]  # fmt: skip
    with client(hub.port, hub.pki, A) as post, client(hub.port, hub.pki, B) as hostile:
        post.subscribe(topics.receipt(A))
        post.publish(topics.state(A), b"{}", retain=True)
        for pattern in patterns:
            hostile.subscribe(pattern)
        post.publish(topics.up(A, Lane.ALERT))
        ingest.publish(topics.media(A))
        ingest.publish(topics.receipt(A))
        wait_until("the rightful ones hear", lambda: len(ingest.received) == 2 and len(post.received) == 1)
        assert stays_empty(hostile)
        # That silence was the list's doing: what is meant for it does come, once for each subscription it falls under.
        ingest.publish(topics.receipt(B))
        wait_until("its own receipt comes", lambda: bool(hostile.received))
        assert {topic for topic, _ in hostile.received} == {topics.receipt(B)}


@slow
def test_a_last_will_in_anothers_name_is_not_published(hub: Hub, ingest: Client) -> None:
    with client(hub.port, hub.pki, B, will=topics.state(B)) as honest:
        honest.cut()
        wait_until("an honest will comes", lambda: ingest.received == [(topics.state(B), b"will")])
    ingest.received.clear()
    try:
        with client(hub.port, hub.pki, B, will=topics.state(A)) as hostile:
            hostile.cut()
    except RefusedError:
        pass  # as good
    assert stays_empty(ingest)


@slow
def test_neither_user_nor_client_id_make_it_another_post(hub: Hub, ingest: Client) -> None:
    """The user and the session come from the certificate: a client id of another takes nothing over."""
    with client(hub.port, hub.pki, A, client_id=A, session_s=3600, clean=False) as post:
        post.subscribe(topics.receipt(A))
        with client(hub.port, hub.pki, B, client_id=A, username=A, session_s=3600, clean=False) as hostile:
            assert not hostile.session_present
            ingest.publish(topics.receipt(A), b"first")
            wait_until("the rightful post hears it", lambda: post.received == [(topics.receipt(A), b"first")])
            assert post.connected
            assert stays_empty(hostile)
            what, code = hostile.publish(topics.up(A, Lane.ALERT))
            assert what == "disconnect" or code == NOT_AUTHORIZED
    # And not while the post is away, when its receipts are queued.
    ingest.publish(topics.receipt(A), b"second")
    with client(hub.port, hub.pki, B, client_id=A, username=A, session_s=3600, clean=False) as hostile:
        assert stays_empty(hostile)
    with client(hub.port, hub.pki, A, client_id="whatever", session_s=3600, clean=False) as post:
        assert post.session_present
        wait_until("the queued receipt comes", lambda: post.received == [(topics.receipt(A), b"second")])


@slow
def test_a_copied_certificate_cannot_be_used_unnoticed(hub: Hub) -> None:
    """Two with one certificate are one session to the broker: they throw each other out, which shows."""
    with client(hub.port, hub.pki, A, client_id="one") as first, client(hub.port, hub.pki, A, client_id="two"):
        wait_until("the first is thrown out", lambda: not first.connected)


@slow
def test_two_ingest_members_share_the_load(hub: Hub) -> None:
    shared = topics.shared(GROUP, topics.ALL_UP)
    with (
        client(hub.port, hub.pki, "service.ingest") as one,
        client(hub.port, hub.pki, "service.ingest-2") as two,
        client(hub.port, hub.pki, A) as post,
    ):
        assert one.subscribe(shared) == 1
        assert two.subscribe(shared) == 1
        sent = [f"{number}".encode() for number in range(40)]
        for payload in sent:
            assert post.publish(topics.up(A, Lane.READING), payload) == ("publish", 0)
        wait_until("every message came once", lambda: len(one.received) + len(two.received) == len(sent))
        assert sorted(payload for _, payload in one.received + two.received) == sorted(sent)
        assert min(len(one.received), len(two.received)) >= len(sent) // 4


@slow
def test_the_shared_group_must_be_a_secret_of_headquarters(hub: Hub) -> None:
    """Mosquitto 2.0 lets anyone join a group whose name it knows, and then drops what it may not deliver.

    Should this ever fail, Mosquitto has learnt to check subscriptions: then the group need not be secret any more.
    """
    with client(hub.port, hub.pki, A) as post, client(hub.port, hub.pki, "service.ingest") as ingest:
        assert ingest.subscribe(topics.shared(GROUP, topics.ALL_UP)) == 1
        with client(hub.port, hub.pki, B) as hostile:
            hostile.subscribe(topics.shared("a-guess", topics.ALL_UP))
            for _ in range(10):
                post.publish(topics.up(A, Lane.READING))
            wait_until("a guess takes nothing away", lambda: len(ingest.received) == 10)
            ingest.received.clear()
            hostile.subscribe(topics.shared(GROUP, topics.ALL_UP))
            for _ in range(10):
                post.publish(topics.up(A, Lane.READING))
            wait_until("half comes", lambda: len(ingest.received) >= 5)
            assert stays_empty(hostile)  # it swallows, but it does not hear
            assert len(ingest.received) == 5


@slow
def test_a_service_may_not_speak_for_posts(hub: Hub, ingest: Client) -> None:
    with client(hub.port, hub.pki, "service.ingest-2") as service:
        what, code = service.publish(topics.up(A, Lane.ALERT))
        assert what == "disconnect" or code == NOT_AUTHORIZED
    assert stays_empty(ingest)


def _forged(pki: Path, into: Path, *, not_after: dt.datetime) -> dict[str, Path]:
    """A certificate of puesto-a by the authority in `pki`, with an end of our choice."""
    signer = x509.load_pem_x509_certificate((pki / "ca.crt").read_bytes())
    signer_key = serialization.load_pem_private_key((pki / "ca.key").read_bytes(), None)
    key = certificates.new_key()
    made = certificates.leaf_certificate(
        signer,
        signer_key,  # type: ignore[arg-type]  # ours is P-256
        key.public_key(),
        name=A,
        role=certificates.Role.STATION,
        not_after=not_after,
    )
    paths = {"certificate": into / "forged.crt", "key": into / "forged.key"}
    paths["certificate"].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths["key"].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@slow
def test_who_has_no_good_certificate_does_not_get_in(hub: Hub, tmp_path: Path) -> None:
    other = tmp_path / "other"
    authority.create_authority(other, "Vigia")  # the same name, another key
    authority.issue_station(other, A)
    now = dt.datetime.now(dt.UTC)
    refused = {
        "no certificate": {"name": None},
        "another authority": {"name": None, **_forged(other, tmp_path / "other", not_after=now + dt.timedelta(days=9))},
        "expired": {"name": None, **_forged(hub.pki, tmp_path, not_after=now - dt.timedelta(minutes=1))},
        "a server's certificate": {"name": "service.broker"},
        "no certificate but a user": {"name": None, "username": A},
    }
    for why, settings in refused.items():
        with pytest.raises(RefusedError), client(hub.port, hub.pki, **settings):  # type: ignore[arg-type]  # mixed settings
            pytest.fail(f"let in: {why}")
    good = _forged(hub.pki, tmp_path, not_after=now + dt.timedelta(days=9))
    with client(
        hub.port, hub.pki, None, **good
    ) as post:  # the same by the right authority, in time: it was not the way
        assert post.connected


@slow
def test_a_plain_client_does_not_get_in(hub: Hub) -> None:
    plain = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=A, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
    ends: list[int] = []
    plain.on_connect = lambda *_: pytest.fail("let in without TLS")
    plain.on_disconnect = lambda _c, _u, _f, code, _p: ends.append(code.value)
    plain.connect("127.0.0.1", hub.port)
    plain.loop_start()
    wait_until("the broker hangs up", lambda: bool(ends))
    plain.loop_stop()


def _shake_hands(hub: Hub, context: ssl.SSLContext) -> None:
    with (
        socket.create_connection(("127.0.0.1", hub.port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname="localhost"),
    ):
        pass


@slow
def test_a_post_can_tell_a_false_broker(hub: Hub, tmp_path: Path) -> None:
    _shake_hands(hub, ssl.create_default_context(cafile=hub.pki / "ca.crt"))
    other = tmp_path / "other"
    authority.create_authority(other)
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(hub, ssl.create_default_context(cafile=other / "ca.crt"))


@slow
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(hub: Hub) -> None:
    context = ssl.create_default_context(cafile=hub.pki / "ca.crt")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):  # an alert: it is the broker that refuses
        _shake_hands(hub, context)


@slow
def test_a_revoked_post_is_shut_out_and_the_others_are_not(hub: Hub) -> None:
    with client(hub.port, hub.pki, B):
        pass
    authority.revoke(hub.pki, B)
    hub.render()
    hub.part.stop()
    hub.part.start()
    with pytest.raises(RefusedError), client(hub.port, hub.pki, B):
        pytest.fail("a revoked post was let in")
    with client(hub.port, hub.pki, A) as other:
        assert other.connected
    authority.issue_station(hub.pki, B)  # enrolled anew, with no word to the broker
    with client(hub.port, hub.pki, B) as again:
        assert again.connected


@slow
def test_a_reload_shuts_out_a_revoked_post_only_when_it_comes_again(hub: Hub) -> None:
    """Why a revocation asks for a restart: a reload reads the list, and leaves open connections alone."""
    with client(hub.port, hub.pki, B) as revoked:
        authority.revoke(hub.pki, B)
        hub.render()
        os.kill(hub.part.pid, signal.SIGHUP)
        wait_until("the list is read", lambda: "Reloading" in hub.part.log_end())
        with pytest.raises(RefusedError), client(hub.port, hub.pki, B):
            pytest.fail("a revoked post was let in")
        what, code = revoked.publish(topics.state(B), b"{}")
        assert what == "publish"
        assert code < 0x80  # taken


@slow
def test_a_member_that_is_away_keeps_its_share_while_its_session_is_kept(hub: Hub) -> None:
    """Why several ingest processes should have short sessions."""
    shared = topics.shared(GROUP, topics.ALL_UP)
    with client(hub.port, hub.pki, "service.ingest") as one, client(hub.port, hub.pki, A) as post:
        one.subscribe(shared)
        with client(hub.port, hub.pki, "service.ingest-2", session_s=60) as two:
            two.subscribe(shared)
        for number in range(10):
            post.publish(topics.up(A, Lane.READING), str(number).encode())
        with client(hub.port, hub.pki, "service.ingest-2", session_s=60, clean=False) as two:
            wait_until("its share waited for it", lambda: len(two.received) == 5)
        assert len(one.received) == 5


@slow
def test_what_it_keeps_outlives_a_restart(hub: Hub) -> None:
    with client(hub.port, hub.pki, A) as post:
        post.publish(topics.state(A), b"{}", retain=True)
    hub.part.stop()
    hub.part.start()
    with client(hub.port, hub.pki, "service.ingest") as ingest:
        ingest.subscribe(topics.ALL_STATES)
        wait_until("the retained state is there", lambda: ingest.received == [(topics.state(A), b"{}")])


def test_the_broker_gets_what_it_needs_and_never_the_authoritys_key(pki: Path, tmp_path: Path) -> None:
    directory = tmp_path / "broker"
    written = render_broker(directory, pki_directory=pki, user="nobody-of-here")
    assert written == directory / "mosquitto.conf"
    found = {str(path.relative_to(directory)) for path in directory.rglob("*")}
    assert found == {
        "mosquitto.conf",
        "acl",
        "data",
        "tls",
        *(f"tls/{n}" for n in ("ca.crt", "crl.pem", "broker.crt", "broker.key")),
    }
    assert (pki / "ca.key").read_bytes() not in {path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    for path in directory.rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    text = written.read_text()
    assert [line for line in text.splitlines() if line.startswith("listener")] == ["listener 8883"]
    assert "@" not in text


def test_for_a_container_paths_are_as_the_container_sees_them(pki: Path, tmp_path: Path) -> None:
    written = render_broker(
        tmp_path / "broker", pki_directory=pki, seen_as=Path("/mosquitto/config"), data=Path("/mosquitto/data")
    )
    text = written.read_text()
    assert "\ncertfile /mosquitto/config/tls/broker.crt\n" in text
    assert "\npersistence_location /mosquitto/data/\n" in text
    assert str(tmp_path) not in text
    assert not (tmp_path / "broker" / "data").exists()


def test_settings_that_make_no_sense_are_told(pki: Path, tmp_path: Path) -> None:
    out = tmp_path / "broker"
    with pytest.raises(DeployError, match="is not a TCP port"):
        render_broker(out, pki_directory=pki, port=0)
    with pytest.raises(DeployError, match="is not an IP address"):
        render_broker(out, pki_directory=pki, host="127.0.0.1\nallow_anonymous true")
    with pytest.raises(DeployError, match="is not 1 to 32"):
        render_broker(out, pki_directory=pki, services=("ingest\ntopic write #",))
    with pytest.raises(DeployError, match="choose a plain path"):
        render_broker(out, pki_directory=pki, data=tmp_path / "a\nb")
    with pytest.raises(DeployError, match="is not a user name"):
        render_broker(out, pki_directory=pki, user="mosquitto\nallow_anonymous true")
    with pytest.raises(DeployError, match="is not an authority"):
        render_broker(out, pki_directory=tmp_path / "nowhere")
    assert not out.exists()
