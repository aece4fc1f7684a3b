"""What the uplink says when headquarters will not have it: a real Mosquitto over TLS, real certificates."""

from __future__ import annotations

import logging
import os
import pwd
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.broker.render import render_broker
from deploy.parts.processes import Part, answers, find_program, free_port
from deploy.pki import authority
from firmware_bridge.readings import Kind, make_reading
from gateway.clock.clock import Clock
from gateway.contract import topics
from gateway.contract.ranges import RangeSet
from gateway.contract.receipts import encode_receipt
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox
from gateway.settings import ClockSettings
from gateway.uplink.refusals import explain, foreign_certificate
from gateway.uplink.settings import UplinkSettings
from gateway.uplink.uplink import LinkState, Uplink
from tests.deploy.broker.clients import client
from tests.support.waiting import wait_until

A, B = "puesto-a", "puesto-b"
CLOCK = Clock("system")
slow = pytest.mark.slow
warns = pytest.mark.expects_warnings


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    directory = tmp_path / "pki"
    authority.create_authority(directory)
    authority.issue_server(directory, ["localhost"])
    for station in (A, B):
        authority.issue_station(directory, station)
    authority.issue_service(directory, "ingest")
    return directory


@contextmanager
def broker(pki: Path, directory: Path) -> Iterator[int]:
    """A running broker; its port."""
    port = free_port()
    user = pwd.getpwuid(os.geteuid()).pw_name
    settings = render_broker(directory, pki_directory=pki, port=port, host="127.0.0.1", user=user)
    command = [find_program("mosquitto", "mosquitto"), "-c", str(settings)]
    part = Part("mosquitto", command, directory / "mosquitto.log", ready=lambda: answers(port))
    part.start()
    yield port
    part.stop()


@contextmanager
def uplink_of(
    pki: Path, directory: Path, port: int, *, station: str = A, certificate: str = A, tls: bool = True
) -> Iterator[Uplink]:
    """A post's uplink with its outbox, and an alert to send; listens to its sensors, whatever happens to the link."""
    outbox = Outbox(directory / "outbox.db", max_bytes=2**24, memory_bytes=2**20, clock=CLOCK)
    outbox.open()
    settings = UplinkSettings(
        host="localhost",
        port=port,
        tls=tls,
        ca_file=pki / "ca.crt",
        cert_file=pki / "current" / f"{certificate}.crt",
        key_file=pki / "current" / f"{certificate}.key",
    )
    uplink = Uplink(station, outbox, settings, ClockSettings(), CLOCK, software="test", seed=1)
    outbox.tell_news_to(uplink.wake)
    stop = threading.Event()
    thread = threading.Thread(target=uplink.run, args=(stop,))
    thread.start()
    try:
        accept(outbox)
        yield uplink
        accept(outbox)
        assert outbox.state().entries == 2  # nothing of it has harmed the outbox
        assert thread.is_alive()
    finally:
        stop.set()
        thread.join(20)
        outbox.close()
    assert not thread.is_alive()


def accept(outbox: Outbox) -> None:
    alert = make_reading(Kind.ACOUSTIC_DETECTION, "norte", {"confidence_ratio": 0.9}, label="chainsaw")
    outbox.accept([Accepted(Lane.ALERT, CLOCK.now(), alert)])
    outbox.commit()


def warnings(caplog: pytest.LogCaptureFixture, about: str) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING and about in r.getMessage()]


@slow
@warns
def test_a_revoked_certificate_is_named_once(pki: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority.revoke(pki, B)
    caplog.set_level(logging.DEBUG, "gateway")
    with (
        broker(pki, tmp_path / "broker") as port,
        uplink_of(pki, tmp_path / "post", port, station=B, certificate=B) as uplink,
    ):
        wait_until("it has tried three times", lambda: "(3 times)" in caplog.text)
        assert "certificate revoked" in uplink.state().trouble
    told = warnings(caplog, "no link to")
    assert len(told) == 1
    assert "does not take our certificate (certificate revoked): it was revoked; ask headquarters" in told[0]
    assert "Unspecified error" not in caplog.text


@slow
@warns
def test_a_wrong_name_is_told_at_start_and_when_headquarters_refuses(
    pki: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "gateway")
    with broker(pki, tmp_path / "broker") as port, uplink_of(pki, tmp_path / "post", port, station="otro-puesto"):
        wait_until("it has been refused twice", lambda: "(2 times)" in caplog.text)
    (at_start,) = warnings(caplog, "WRONG CERTIFICATE OR NAME")
    assert "puesto-a.crt is that of 'puesto-a' and [station] name is 'otro-puesto'" in at_start
    assert "sensors are heard" in at_start
    (refused,) = warnings(caplog, "no link to")
    assert "refuses what we send as 'otro-puesto' (Not authorized)" in refused
    assert len([r for r in caplog.records if r.levelno == logging.INFO and "link up" in r.getMessage()]) == 1


@slow
@warns
def test_two_gateways_with_one_certificate_say_so_and_do_not_hurry(
    pki: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "gateway")
    with (
        broker(pki, tmp_path / "broker") as port,
        client(port, pki, "service.ingest"),
        uplink_of(pki, tmp_path / "one", port),
        uplink_of(pki, tmp_path / "two", port),
    ):
        wait_until("one of them says it", lambda: bool(warnings(caplog, "another gateway")), timeout_s=60)
    assert "has another gateway the certificate of 'puesto-a'? Two machines cannot be one post" in caplog.text
    assert "Unspecified error" not in caplog.text


@slow
@warns
def test_a_broker_that_accepts_and_never_answers_is_left_and_tried_again(
    pki: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.uplink.uplink._ANSWER_WITHIN_S", 0.5)
    monkeypatch.setattr("gateway.uplink.session._CONNECT_TIMEOUT_S", 0.5)
    caplog.set_level(logging.DEBUG, "gateway")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with uplink_of(pki, tmp_path / "plain", port, tls=False) as uplink:
            wait_until("it has tried twice", lambda: "(2 times)" in caplog.text)
            assert uplink.state().link is not LinkState.UP
        assert "does not answer in 0 s" in warnings(caplog, "no link to")[0]
        caplog.clear()
        with uplink_of(pki, tmp_path / "tls", port):
            wait_until("it has tried twice", lambda: "(2 times)" in caplog.text)
        assert "no answer in time" in warnings(caplog, "no link to")[0]


@slow
@warns
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("authority", "who answers there does not prove to be our broker"),
        ("key", "no such file|No such file"),
        ("certificate", "no safe connection|PEM"),
    ],
)
def test_what_is_wrong_with_our_own_files_is_told_by_name(
    pki: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: str, told: str
) -> None:
    with broker(pki, tmp_path / "broker") as port:
        if spoil == "authority":
            other = tmp_path / "other"
            authority.create_authority(other)
            (pki / "ca.crt").write_bytes((other / "ca.crt").read_bytes())
        elif spoil == "key":
            (pki / "current" / f"{A}.key").unlink()
        else:
            (pki / "current" / f"{A}.crt").write_text("nothing")
        with uplink_of(pki, tmp_path / "post", port):
            wait_until("it says so", lambda: bool(warnings(caplog, "no link to")))
    (said,) = warnings(caplog, "no link to")
    assert re.search(told, said)


@slow
@warns
def test_a_file_that_was_missing_is_found_without_a_restart(
    pki: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway")
    with broker(pki, tmp_path / "broker") as port:
        (pki / "current" / f"{A}.key").rename(tmp_path / "away.key")
        with uplink_of(pki, tmp_path / "post", port) as uplink:
            wait_until("it says what is missing", lambda: "puesto-a.key: No such file" in caplog.text)
            (tmp_path / "away.key").rename(pki / "current" / f"{A}.key")
            wait_until("the link is up without a restart", lambda: uplink.state().link is LinkState.UP)
            with client(port, pki, "service.ingest") as headquarters:
                headquarters.publish(topics.receipt(A), encode_receipt({bytes(8): RangeSet([(1, 1)])}))
                wait_until("it says that all is well", lambda: "headquarters takes what we send again" in caplog.text)


def test_a_certificate_of_this_post_is_no_fault_and_one_that_cannot_be_read_is_told_by_connecting(pki: Path) -> None:
    assert foreign_certificate(pki / "current" / f"{A}.crt", A) is None
    assert "is that of 'puesto-a' and [station] name is 'puesto-b'" in str(
        foreign_certificate(pki / "current" / f"{A}.crt", B)
    )
    assert foreign_certificate(pki / "current" / "nobody.crt", A) is None
    assert foreign_certificate(pki / "ca.crt", A) is not None


def test_errors_in_words() -> None:
    assert explain(ConnectionResetError(104, "Connection reset by peer")).words == "the connection broke"
    assert explain(TimeoutError("timed out")).words == "no answer in time"
    assert explain(socket.gaierror(-2, "Name or service not known")).words.startswith("its name is not found")
    assert not explain(ConnectionRefusedError(111, "Connection refused")).refused
    ended = ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca")
    ended.reason = "TLSV1_ALERT_UNKNOWN_CA"
    assert explain(ended).refused
    assert "unknown ca" in explain(ended).words
