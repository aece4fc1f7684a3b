"""Who may read and who may act, over a real connection."""

from __future__ import annotations

import logging
from contextlib import ExitStack

import httpx
import pytest

from gateway.page.pin import write_pin
from gateway.page.settings import PageSettings
from tests.gateway.page.posts import LOOPBACK, PAGES, PIN, Post, phone, serving

pytestmark = pytest.mark.slow


def test_acknowledge_asks_for_the_pin_once_and_keeps_the_note(busy_post: Post) -> None:
    with serving(busy_post) as url, phone(url) as client:
        asked = client.post("/incidente/42/enterado", data={"note": "vamos a ver"})
        assert asked.status_code == 401
        assert 'name="note" value="vamos a ver"' in asked.text
        assert busy_post.done[1:] == []
        done = client.post("/incidente/42/enterado", data={"note": "vamos a ver", "pin": PIN, "who": "Rosa"})
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert busy_post.done[-1].note == "Rosa: vamos a ver"
        cookie = done.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert client.post("/incidente/41/enterado").status_code == 303, "not asked again"
        assert busy_post.done[-1].note == "Rosa"
        assert client.post("/salir").status_code == 303
        assert client.post("/incidente/40/enterado").status_code == 401


def test_a_wrong_pin_does_nothing_and_many_of_them_cost_time(busy_post: Post, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "gateway.page.access")
    with serving(busy_post) as url, phone(url) as client:
        for _ in range(3):
            answer = client.post("/incidente/42/enterado", data={"pin": "0000"})
            assert answer.status_code == 401
            assert "Ese no es el PIN" in answer.text
        answer = client.post("/incidente/42/enterado", data={"pin": PIN})
        assert answer.status_code == 429, "not even the right one, for a while"
        assert 1 <= int(answer.headers["retry-after"]) <= 4
        assert "espere" in answer.text
        assert len(busy_post.done) == 1


def test_strangers_who_guess_hold_up_each_other_and_no_phone_that_showed_the_pin(
    busy_post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "gateway.page.access")
    with (
        serving(busy_post, PageSettings(**LOOPBACK, session_hours=1e-6)) as url,
        phone(url) as ranger,
        phone(url) as new,
    ):
        assert ranger.post("/entrar", data={"pin": PIN}).status_code == 303
        with ExitStack() as lines:
            for n in range(2, 10):  # each from an address of its own
                transport = httpx.HTTPTransport(local_address=f"127.0.0.{n}")
                client = lines.enter_context(httpx.Client(base_url=url, headers={"Origin": url}, transport=transport))
                last = [client.post("/entrar", data={"pin": "1111"}).status_code for _ in range(3)]
        assert last == [429] * 3
        assert new.post("/entrar", data={"pin": PIN}).status_code == 429
        assert ranger.post("/patrulla/sale", data={"name": "A", "hours": "2"}).status_code == 401
        assert ranger.post("/patrulla/sale", data={"name": "A", "hours": "2", "pin": PIN}).status_code == 303
        write_pin(busy_post.directory / "page.pin", "864209")
        assert new.post("/entrar", data={"pin": "864209"}).status_code == 303


def test_without_a_pin_set_nobody_acts_and_the_page_says_what_to_do(busy_post: Post) -> None:
    with serving(busy_post, pin="") as url, phone(url) as client:
        answer = client.post("/incidente/42/enterado", data={"pin": ""})
        assert answer.status_code == 401
        assert "vigia gateway pin" in answer.text
        assert len(busy_post.done) == 1


@pytest.mark.expects_warnings
def test_a_spoilt_pin_file_lets_nobody_act(busy_post: Post) -> None:
    with serving(busy_post) as url, phone(url) as client:
        (busy_post.directory / "page.pin").write_text("2468")
        assert client.post("/incidente/42/enterado", data={"pin": PIN}).status_code == 503
        assert len(busy_post.done) == 1


def test_acting_may_be_free(busy_post: Post) -> None:
    with serving(busy_post, PageSettings(**LOOPBACK, acting="free"), pin="") as url, phone(url) as client:
        assert client.post("/incidente/42/enterado").status_code == 303
        assert busy_post.done[-1].note == "puesto"


def test_reading_may_need_the_pin_and_then_nothing_is_shown_without(busy_post: Post) -> None:
    sha256 = busy_post.keep_picture("quebrada-norte", "person", (40, 90, 40))
    with serving(busy_post, PageSettings(**LOOPBACK, reading="pin")) as url, phone(url) as client:
        for path in PAGES:
            answer = client.get(path)
            assert answer.status_code == 401
            assert "Motosierra" not in answer.text
            assert 'data-alerts=""' in answer.text
        for path in (f"/miniatura/{sha256}", f"/archivo/{sha256}", "/noticias"):
            assert client.get(path).status_code == 401
        entered = client.post("/entrar", data={"pin": PIN, "back": "/mapa"})
        assert (entered.status_code, entered.headers["location"]) == (303, "/mapa")
        assert "Río Sereno" in client.get("/mapa").text


def test_where_reading_needs_the_pin_nobody_acts_without_and_no_phone_keeps_a_photo(busy_post: Post) -> None:
    sha256 = busy_post.keep_picture("quebrada-norte", "person", (40, 90, 40))
    with serving(busy_post, PageSettings(**LOOPBACK, reading="pin", acting="free")) as url, phone(url) as client:
        answer = client.post("/patrulla/sale", data={"name": "Los Tigres", "hours": "12"})
        assert answer.status_code == 401
        assert client.post("/entrar", data={"pin": PIN, "back": "/fotos"}).status_code == 303
        for path in (f"/miniatura/{sha256}", f"/archivo/{sha256}"):
            assert client.get(path).headers["cache-control"] == "no-store"
        assert client.post("/patrulla/sale", data={"name": "Los Tigres", "hours": "12"}).status_code == 303
