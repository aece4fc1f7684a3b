"""What a request must pass: Host, Origin, sizes; and what every answer carries."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gateway.page.guard import Guard
from gateway.page.requests import local_path

NAMES = {"puesto-yaguas", "puesto-yaguas.local", "localhost"}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"here {len(body)}")(scope, receive, send)


def ask(method: str = "GET", path: str = "/", *, content: bytes = b"", **headers: str) -> httpx.Response:
    async def asking() -> httpx.Response:
        transport = httpx.ASGITransport(app=Guard(echo, NAMES))
        async with httpx.AsyncClient(transport=transport, base_url="http://192.168.4.1:8080") as client:
            told = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.request(method, path, content=content or None, headers=told)

    return asyncio.run(asking())


@pytest.mark.parametrize(
    "host",
    [
        "192.168.4.1:8080",
        "10.1.2.3",
        "[fe80::1]:8080",
        "puesto-yaguas",
        "PUESTO-YAGUAS.local:8080",
        "localhost",
        "localhost.",
    ],
)
def test_the_post_is_asked_for_by_its_address_or_its_names(host: str) -> None:
    assert ask(host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "192.168.4.1.evil.example", "puesto-yaguas.evil.example", "", "[", "0x7f.1"],
)
def test_a_name_of_the_internet_that_points_here_is_refused(host: str) -> None:
    answer = ask(host=host)
    assert answer.status_code == 421
    assert "content-security-policy" in answer.headers


def test_a_form_of_our_own_page_passes() -> None:
    assert ask("POST", content=b"a=1", origin="http://192.168.4.1:8080").text == "here 3"
    assert ask("POST", content=b"a=1", referer="http://192.168.4.1:8080/mapa").status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://192.168.4.1", "http://192.168.4.1:8081", "", "http://[", "x"]
)
def test_a_form_of_another_page_is_refused(origin: str) -> None:
    assert ask("POST", content=b"a=1", origin=origin).status_code == 403


def test_a_form_of_nobody_knows_where_is_refused() -> None:
    assert ask("POST", content=b"a=1").status_code == 403


def test_what_is_too_long_is_refused_before_it_is_read() -> None:
    ours = {"origin": "http://192.168.4.1:8080"}
    assert ask("POST", content=b"a" * 8192, **ours).status_code == 200
    assert ask("POST", content=b"a" * 8193, **ours).status_code == 413
    assert ask("POST", content=b"a", content_length="-1", **ours).status_code == 413
    assert ask("POST", transfer_encoding="chunked", **ours).status_code == 411
    assert ask(path="/" + "a" * 400).status_code == 414
    assert ask(path="/?" + "a" * 400).status_code == 414


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "OPTIONS", "CONNECT"])
def test_other_methods_are_refused(method: str) -> None:
    assert ask(method).status_code == 405


def test_every_answer_carries_the_rules_for_browsers() -> None:
    headers = ask().headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path", ["//evil.example", "http://evil.example", "\\\\evil", "/\\evil", "", "/a\nb", "/" + "a" * 300]
)
def test_a_way_back_leads_nowhere_else(path: str) -> None:
    assert local_path(path) == "/"


def test_a_way_back_leads_back() -> None:
    assert local_path("/incidente/7") == "/incidente/7"
