"""A webhook against a real server: what it gets, what it refuses, what it never answers."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from pathlib import Path

import pytest

from gateway.warning.errors import OutputError
from tests.gateway.warning.posts import Post, running
from tests.gateway.watch.facts_made import raised
from tests.support.http_front import Connection, HttpFront, Request, Response
from tests.support.waiting import wait_until


class Receiver(HttpFront):
    """Answers these statuses in turn, then 204; keeps what came."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(0)
        self.statuses = list(statuses)
        self.got: list[Request] = []

    def answer(self, request: Request, connection: Connection) -> Response | None:
        self.got.append(request)
        return Response(self.statuses.pop(0) if self.statuses else 204, {}, b"")


def hook(url: str, **more: object) -> dict[str, object]:
    return {"output": "webhook", "name": "gancho", "url": url} | more


def test_what_it_gets_is_signed_json(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("abretesesamo\n")
    with Receiver() as receiver, running(hook(receiver.url + "/a?b=1", secret_file=tmp_path / "secret")) as post:
        post.warnings.warn(raised(7))
        wait_until("a warning", lambda: len(receiver.got) == 1)
        wait_until("success", lambda: post.state("gancho").sent == 1)
        post.warnings.test("gancho")
        wait_until("a test", lambda: len(receiver.got) == 2)
    one, test = receiver.got
    assert one.path == "/a?b=1"
    told = json.loads(one.body)
    assert (told["version"], told["station"], told["step"], told["more"], told["test"]) == (
        1,
        "puesto-1",
        "raised",
        0,
        False,
    )
    assert told["text"].startswith("Motosierra")
    assert (told["incident"]["number"], told["incident"]["sensors"]) == (7, ["norte"])
    signature = "sha256=" + hmac.new(b"abretesesamo", one.body, hashlib.sha256).hexdigest()
    assert {name.lower(): value for name, value in one.headers.items()}["x-vigia-signature"] == signature
    assert json.loads(test.body)["test"] is True
    assert not post.counts


@pytest.mark.expects_warnings
def test_it_is_tried_again_and_says_its_trouble_once(caplog: pytest.LogCaptureFixture) -> None:
    with Receiver(500, 503) as receiver, running(hook(receiver.url)) as post:
        post.warnings.warn(raised(1))
        wait_until("trouble", lambda: "answers 50" in post.state("gancho").trouble)
        wait_until("a warning", lambda: post.state("gancho").sent == 1)
        assert len(receiver.got) == 3
        assert post.counts == {("warning gancho", "warning_failed"): 2}
        assert post.state("gancho").trouble == ""
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


@pytest.mark.expects_warnings
@pytest.mark.parametrize("status", [404, 301, 401])
def test_what_is_refused_for_good_is_not_tried_again(status: int) -> None:
    with Receiver(status) as receiver, running(hook(receiver.url)) as post:
        post.warnings.warn(raised(1))
        wait_until("refusal", lambda: ("warning gancho", "warning_refused") in post.counts)
        post.warnings.warn(raised(2))
        wait_until("the next", lambda: post.state("gancho").sent == 1)
        assert len(receiver.got) == 2


@pytest.mark.expects_warnings
def test_what_waited_too_long_is_not_told_late() -> None:
    with Receiver() as receiver, running(hook(receiver.url, too_late_s=60)) as post:
        post.warnings.warn(raised(1), 61.0)  # a recorder was emptied: it was long ago
        post.warnings.warn(raised(2), 1.0)
        wait_until("the next", lambda: post.state("gancho").sent == 1)
        assert post.counts == {("warning gancho", "warning_came_late"): 1}
        assert post.state("gancho").too_late == 0  # not the output's fault
    assert len(receiver.got) == 1


@pytest.mark.expects_warnings
def test_one_that_hangs_or_fails_delays_no_other() -> None:
    with Receiver() as receiver, socket.create_server(("127.0.0.1", 0)) as deaf:
        urls = [f"http://127.0.0.1:{deaf.getsockname()[1]}", "http://127.0.0.1:9", receiver.url]
        hooks = [hook(url, name=f"g{n}", timeout_s=3) for n, url in enumerate(urls)]
        with running(*hooks) as post:
            for number in range(1, 201):
                post.warnings.warn(raised(number))
            wait_until("the last of those that were not merged", lambda: receiver_has(receiver, 200), timeout_s=30)
            wait_until("refused connection", lambda: "127.0.0.1" in post.state("g1").trouble)
            assert post.state("g0").sent == 0
            assert post.state("g0").waiting <= 32
            wait_until("the deaf one is in trouble", lambda: post.state("g0").trouble != "")
    assert told_of(receiver) == 200


def receiver_has(receiver: Receiver, number: int) -> bool:
    return any(json.loads(got.body)["incident"]["number"] == number for got in list(receiver.got))


def told_of(receiver: Receiver) -> int:
    return sum(1 + json.loads(got.body)["more"] for got in receiver.got)


@pytest.mark.parametrize("secret", [None, ""])
def test_a_secret_that_is_not_there(tmp_path: Path, secret: str | None) -> None:
    path = tmp_path / "secret"
    if secret is not None:
        path.write_text(secret)
    with Receiver() as receiver, pytest.raises(OutputError, match=r"secret .* (cannot be read|is empty)"):
        Post([hook(receiver.url, secret_file=path)]).warnings.try_once("gancho")
    assert receiver.got == []


def test_a_server_that_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n" + b"x" * 70_000)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(OutputError, match="does not take it"):
            Post([hook(url)]).warnings.try_once("gancho")
        thread.join()
