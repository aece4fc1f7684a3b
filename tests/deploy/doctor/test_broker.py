"""The way to a real Mosquitto with TLS: open, shut, of another authority, refusing a revoked certificate."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.broker.render import render_broker
from deploy.doctor.broker import AT_POST, broker_check
from deploy.doctor.certificates import Files, look
from deploy.doctor.findings import Mark
from deploy.parts.processes import Part, answers, find_program, free_port
from deploy.parts.servers import Mosquitto
from deploy.pki import authority, certificates
from deploy.pki.bundles import bundle
from tests.deploy.doctor.findings import found


def render(tmp_path: Path, port: int) -> None:
    user = pwd.getpwuid(os.geteuid()).pw_name
    pki = tmp_path / "pki"
    render_broker(tmp_path / "broker", pki_directory=pki, port=port, host="127.0.0.1", services=("ingest",), user=user)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[Part, int, Files]]:
    """A broker, its port, and the files of the post `boca`."""
    pki, port = tmp_path / "pki", free_port()
    authority.create_authority(pki)
    authority.issue_server(pki, ["localhost"])
    authority.issue_station(pki, "boca")
    authority.issue_service(pki, "ingest")
    render(tmp_path, port)
    program = find_program("mosquitto", "mosquitto")
    part = Part(
        "mosquitto",
        [program, "-c", str(tmp_path / "broker" / "mosquitto.conf")],
        tmp_path / "mosquitto.log",
        ready=lambda: answers(port),
    )
    part.start()
    out = bundle(pki, "boca", tmp_path / "boca")
    yield part, port, Files(out / "ca.crt", out / "station.crt", out / "station.key")
    part.stop()


def ask(host: str, port: int, files: Files | None) -> dict[str, Mark]:
    return found(broker_check(AT_POST, host, port, files).look())


@pytest.mark.slow
def test_the_way_to_a_broker(hub: tuple[Part, int, Files], tmp_path: Path) -> None:
    part, port, files = hub
    assert ask("localhost", port, files) == {"broker": Mark.OK}
    assert ask("127.0.0.1", port, files) == {"broker_untrusted": Mark.WRONG}, "the name is not in its certificate"

    authority.create_authority(tmp_path / "foreign")
    authority.issue_station(tmp_path / "foreign", "boca")
    out = bundle(tmp_path / "foreign", "boca", tmp_path / "boca-foreign")
    foreign = Files(out / "ca.crt", out / "station.crt", out / "station.key")
    assert ask("localhost", port, files._replace(ca=foreign.ca)) == {"broker_untrusted": Mark.WRONG}
    assert ask("localhost", port, foreign._replace(ca=files.ca)) == {"broker_refuses_certificate": Mark.WRONG}
    assert ask("localhost", port, files._replace(key=tmp_path / "no")) == {"broker_no_certificate": Mark.UNSEEN}

    ended = expired(tmp_path, files)
    assert found(look(ended, "boca", dt.datetime.now(dt.UTC))) == {"certificate_ended": Mark.WRONG}
    assert ask("localhost", port, ended) == {"broker_refuses_certificate": Mark.WRONG}

    authority.revoke(tmp_path / "pki", "boca")
    render(tmp_path, port)
    part.stop()
    part.start()
    assert ask("localhost", port, files) == {"broker_refuses_certificate": Mark.WRONG}
    part.stop()
    assert ask("localhost", port, files) == {"broker_refused": Mark.WRONG}


def expired(tmp_path: Path, files: Files) -> Files:
    """A certificate of the same authority that ended yesterday."""
    ca = x509.load_pem_x509_certificate((tmp_path / "pki" / "ca.crt").read_bytes())
    ca_key = serialization.load_pem_private_key((tmp_path / "pki" / "ca.key").read_bytes(), None)
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    made = certificates.leaf_certificate(
        ca, ca_key, key.public_key(), name="boca", role=certificates.Role.STATION, not_after=yesterday
    )
    path = tmp_path / "ended.crt"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return files._replace(certificate=path)


@pytest.mark.slow
def test_a_broker_without_tls(mosquitto: Mosquitto, hub: tuple[Part, int, Files]) -> None:
    assert ask("127.0.0.1", mosquitto.port, None) == {"broker": Mark.OK}
    (told,) = ask("localhost", mosquitto.port, hub[2]).items()
    assert told in {("broker_no_tls", Mark.WRONG), ("broker_broke_off", Mark.WRONG)}


def test_a_name_that_nobody_has() -> None:
    assert ask("x" * 70, 8883, None) == {"broker_name": Mark.WRONG}


@pytest.mark.slow
def test_a_port_that_takes_us_and_says_nothing_ends_in_time(tmp_path: Path) -> None:
    authority.create_authority(tmp_path / "pki")
    authority.issue_station(tmp_path / "pki", "boca")
    out = bundle(tmp_path / "pki", "boca", tmp_path / "boca")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        files = Files(out / "ca.crt", out / "station.crt", out / "station.key")
        assert ask("localhost", silent.getsockname()[1], files) == {"broker_broke_off": Mark.WRONG}
