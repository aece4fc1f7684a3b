"""Who gets in and who does not: certificates good, copied, forged, ended and revoked; plain lines; old TLS."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import ssl
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from deploy.pki import authority, certificates
from gateway.contract import topics
from tests.deploy.broker.clients import RefusedError, client
from tests.deploy.broker.hub import A, B, Hub
from tests.support.waiting import wait_until

slow = pytest.mark.slow


@slow
def test_a_copied_certificate_cannot_be_used_unnoticed(hub: Hub) -> None:
    """Two with one certificate are one session to the broker: they throw each other out, which shows."""
    with client(hub.port, hub.pki, A, client_id="one") as first, client(hub.port, hub.pki, A, client_id="two"):
        wait_until("the first is thrown out", lambda: not first.connected)


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
