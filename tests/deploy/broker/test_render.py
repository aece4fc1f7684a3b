"""The broker's files, and what a broker that runs by them keeps for who is away."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from deploy.broker.render import render_broker
from deploy.errors import DeployError
from gateway.contract import topics
from gateway.contract.topics import Lane
from tests.deploy.broker.clients import client
from tests.deploy.broker.hub import GROUP, A, Hub
from tests.support.waiting import wait_until

slow = pytest.mark.slow


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
