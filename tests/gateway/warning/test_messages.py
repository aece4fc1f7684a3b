"""Messages by apprise, to a real server by its own json:// service; it is imported when it is used, not before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.warning.errors import OutputError
from tests.gateway.warning.posts import Post, running
from tests.gateway.watch.facts_made import raised
from tests.support.http_front import Connection, HttpFront, Request, Response
from tests.support.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise imports it


class Receiver(HttpFront):
    """Answers one status; keeps what came."""

    def __init__(self, status: int) -> None:
        super().__init__(0)
        self.status = status
        self.got: list[Request] = []

    def answer(self, request: Request, connection: Connection) -> Response | None:
        self.got.append(request)
        return Response(self.status, {}, b"{}")


def messages(urls_file: Path) -> Post:
    return Post([{"output": "apprise", "name": "mensajes", "urls_file": urls_file}])


def test_each_service_of_the_file_gets_it(tmp_path: Path) -> None:
    urls = tmp_path / "urls"
    with Receiver(200) as receiver:
        urls.write_text(f"# por WhatsApp\njson://127.0.0.1:{receiver.port}/a\n\njson://127.0.0.1:{receiver.port}/b\n")
        urls.chmod(0o600)
        messages(urls).warnings.try_once("mensajes")
    assert sorted(got.path for got in receiver.got) == ["/a", "/b"]
    assert "PRUEBA" in json.loads(receiver.got[0].body)["message"]


@pytest.mark.expects_warnings
def test_who_had_it_does_not_get_it_again(tmp_path: Path) -> None:
    urls = tmp_path / "urls"
    with Receiver(200) as well, Receiver(500) as ill:
        urls.write_text(f"json://127.0.0.1:{ill.port}\njson://127.0.0.1:{well.port}")
        urls.chmod(0o600)
        with running({"output": "apprise", "name": "mensajes", "urls_file": urls}) as post:
            post.warnings.warn(raised(1))
            wait_until("one did not take it", lambda: "line 1" in post.state("mensajes").trouble, timeout_s=60)
            ill.status = 200
            wait_until("all have it", lambda: post.state("mensajes").sent == 1)
    assert (len(well.got), len(ill.got)) == (1, 2)


def test_why_it_does_not_go(tmp_path: Path) -> None:
    urls = tmp_path / "urls"
    with pytest.raises(OutputError, match="cannot be read"):
        messages(urls).warnings.try_once("mensajes")
    urls.write_text("# nobody yet\n")
    urls.chmod(0o640)
    with pytest.raises(OutputError, match="chmod 600"):
        messages(urls).warnings.try_once("mensajes")
    urls.chmod(0o600)
    with pytest.raises(OutputError, match="names no service"):
        messages(urls).warnings.try_once("mensajes")
    urls.write_text("\nmotosierra://x\n")
    with pytest.raises(OutputError, match="line 2"):
        messages(urls).warnings.try_once("mensajes")
    with Receiver(500) as receiver:
        urls.write_text(f"json://127.0.0.1:{receiver.port}")
        with pytest.raises(OutputError, match="did not take it"):
            messages(urls).warnings.try_once("mensajes")


def test_a_gateway_without_them_imports_none_of_it() -> None:
    script = "import gateway.app, sys; print([m for m in ('apprise', 'gpiozero', 'requests') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
