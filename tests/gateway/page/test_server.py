"""The page over a real connection: what can be read and done, and what whoever asks may hold."""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from gateway.page.connections import ConnectionLimits
from gateway.page.errors import PageError
from gateway.page.settings import PageSettings
from gateway.page.stage import PageStage
from tests.gateway.page.posts import LIMA, LOOPBACK, PAGES, PIN, Post, phone, serving
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow


def test_garbage_fills_no_log(busy_post: Post, caplog: pytest.LogCaptureFixture) -> None:
    with serving(busy_post) as url, phone(url) as client:
        port = int(url.rpartition(":")[2])
        for garbage in (b"\x16\x03\x01 no request\r\n\r\n", b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"):
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
                    line.sendall(garbage)
                    assert line.recv(100).startswith(b"HTTP/1.1 4")
        assert client.get("/").status_code == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_every_page_is_there_in_both_languages(busy_post: Post) -> None:
    with serving(busy_post) as url, phone(url) as client:
        for lang, word in (("es", "Ahora"), ("en", "Now")):
            assert (
                client.post("/vista", data={"lang": lang, "theme": "night", "back": "/mapa"}).headers["location"]
                == "/mapa"
            )
            for path in PAGES:
                answer = client.get(path)
                assert answer.status_code == 200
                assert f'<html lang="{lang}" data-theme="night">' in answer.text
                assert word in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/incidente/9999",
        "/incidente/x",
        "/incidente/-1",
        "/incidente/" + "9" * 200,
        "/nada",
        "/foto/abc",
        "/foto/..%2f..%2fpage.pin",
        "/miniatura/%2e%2e",
        "/archivo/" + "0" * 64,
        "/static/..%2fpin.py",
        "/static/%2e%2e/%2e%2e/settings.py",
        "/static//etc/passwd",
        "/docs",
        "/openapi.json",
        "/page.key",
    ],
)
def test_what_is_not_here_is_said_in_words(busy_post: Post, path: str) -> None:
    with serving(busy_post) as url, socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 404 ")
    assert "Eso no está aquí" in answer


def test_a_key_is_nowhere_on_any_page(busy_post: Post) -> None:
    with serving(busy_post) as url, phone(url) as client:
        secret = (busy_post.directory / "page.key").read_bytes().hex()
        for path in PAGES:
            text = client.get(path).text
            assert secret not in text
            assert str(busy_post.directory) not in text
            assert "scrypt" not in text


def test_patrols_go_out_and_come_back(busy_post: Post) -> None:
    with serving(busy_post) as url, phone(url) as client:
        client.post("/entrar", data={"pin": PIN})
        assert client.post("/patrulla/sale", data={"name": "Ampiyacu", "hours": "8"}).status_code == 303
        assert "Ampiyacu" in client.get("/patrulla").text
        assert client.post("/patrulla/vuelve", data={"name": "Ampiyacu"}).status_code == 303
        assert "Ampiyacu" not in client.get("/patrulla").text


def test_what_was_found_can_be_noted_when_it_is_over(busy_post: Post) -> None:
    busy_post.raise_incident(60, "chainsaw", "rio-medio", state="closed")
    with serving(busy_post) as url, phone(url) as client:
        client.post("/entrar", data={"pin": PIN, "who": "Rosa"})
        assert 'name="note"' in client.get("/incidente/60").text
        assert client.post("/incidente/60/enterado").status_code == 400
        assert client.post("/incidente/60/enterado", data={"note": "dos tocones frescos"}).status_code == 303
        shown = client.get("/incidente/60").text
        assert "Rosa: dos tocones frescos" in shown
        assert "Terminó" in shown


def test_the_form_offers_what_the_rules_believe_of_a_patrol_and_no_more(tmp_path: Path) -> None:
    with closing(Post(tmp_path, max_patrol_hours=6)) as post, serving(post) as url, phone(url) as client:
        client.post("/entrar", data={"pin": PIN})
        form = client.get("/patrulla").text
        assert re.findall('name="hours" value="([^"]*)"', form) == ["2", "4", "6"]
        assert "Hasta 6 h; si siguen fuera" in form
        assert client.post("/patrulla/sale", data={"name": "Ampiyacu", "hours": "6"}).status_code == 303
        refused = client.post("/patrulla/sale", data={"name": "Ampiyacu", "hours": "8"})
        assert (refused.status_code, "hasta 6 horas" in refused.text) == (400, True)


@pytest.mark.parametrize(
    "fields",
    [{"name": "", "hours": "4"}, {"name": "x" * 100, "hours": "4"}, {"name": "a", "hours": "x"}, {"hours": "nan"}, {}],
)
def test_what_cannot_be_is_said_in_words(busy_post: Post, fields: dict[str, str]) -> None:
    with serving(busy_post) as url, phone(url) as client:
        client.post("/entrar", data={"pin": PIN})
        answer = client.post("/patrulla/sale", data=fields)
        assert answer.status_code == 400
        assert re.search("patrulla|nombre", answer.text)
        assert len(busy_post.done) == 1


def test_an_output_is_tested(busy_post: Post) -> None:
    with serving(busy_post) as url, phone(url) as client:
        client.post("/entrar", data={"pin": PIN})
        assert client.post("/salida/probar", data={"name": "patio"}).status_code == 303
        assert busy_post.tested == ["patio"]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/x-www-form-urlencoded", b"\xff\xfe"),
        ("application/x-www-form-urlencoded", b"a=%ff"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(40))),
    ],
)
def test_a_form_that_is_none_of_ours_is_refused(busy_post: Post, kind: str, content: bytes) -> None:
    with serving(busy_post) as url, phone(url) as client:
        answer = client.post("/incidente/42/enterado", content=content, headers={"Content-Type": kind})
        assert answer.status_code == 400
        assert len(busy_post.done) == 1


def test_pictures_come_whole_and_are_not_run(busy_post: Post) -> None:
    sha256 = busy_post.keep_picture("quebrada-norte", "person", (40, 90, 40))
    with serving(busy_post) as url, phone(url) as client:
        assert f"/miniatura/{sha256}" in client.get("/fotos").text
        whole = client.get(f"/archivo/{sha256}")
        assert whole.content == (busy_post.directory / "picture.jpg").read_bytes()
        assert whole.headers["content-type"] == "image/jpeg"
        assert whole.headers["x-content-type-options"] == "nosniff"
        assert client.get(f"/miniatura/{sha256}").content.startswith(b"\xff\xd8")
        assert "immutable" in whole.headers["cache-control"]


def test_words_from_outside_are_no_markup(busy_post: Post) -> None:
    evil = '"><script>alert(1)</script>'
    busy_post.raise_incident(50, evil, "<b>x</b>", note=evil)
    with serving(busy_post) as url, phone(url) as client:
        for path in ("/", "/incidente/50", "/mapa"):
            text = client.get(path).text
            assert "<script>alert" not in text
            assert "<b>x</b>" not in text


def test_news_travel_and_ten_phones_hear_of_an_alert(busy_post: Post) -> None:
    heard: list[float] = []

    def listen(url: str, ready: threading.Barrier) -> None:
        with httpx.stream("GET", f"{url}/noticias", timeout=20) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    news = json.loads(line[6:])
                    if not news["kinds"]:
                        ready.wait()
                    elif 77 in news["alerts"]:
                        heard.append(time.monotonic())
                        return

    with serving(busy_post) as url:
        ready = threading.Barrier(11)
        phones = [threading.Thread(target=listen, args=(url, ready)) for _ in range(10)]
        for one in phones:
            one.start()
        ready.wait(20)
        busy_post.raise_incident(77, "chainsaw", "rio-medio")
        for one in phones:
            one.join(20)
    assert len(heard) == 10


def test_news_for_more_phones_than_there_is_room_for_are_refused_kindly(busy_post: Post) -> None:
    with (
        serving(busy_post, PageSettings(**LOOPBACK, most_streams=1)) as url,
        httpx.stream("GET", f"{url}/noticias") as first,
    ):
        lines = first.iter_lines()  # held: the stream would end with it
        next(lines)
        second = httpx.get(f"{url}/noticias")
        assert (second.status_code, second.headers["retry-after"]) == (503, "30")


def test_a_phone_that_leaves_makes_room_for_another(busy_post: Post) -> None:
    def gets_in(url: str) -> bool:
        with httpx.stream("GET", f"{url}/noticias") as answer:
            return answer.status_code == 200

    with serving(busy_post, PageSettings(**LOOPBACK, most_streams=1)) as url:
        for _ in range(5):
            wait_until("there is room", lambda: gets_in(url))


@pytest.mark.expects_warnings
def test_connections_beyond_the_bound_are_closed_and_the_others_live(busy_post: Post) -> None:
    limits = ConnectionLimits(most=20, most_of_one=8)
    with serving(busy_post, limits=limits) as url, ExitStack() as open_ones:
        port = int(url.rpartition(":")[2])
        held = [open_ones.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(12)]
        wait_until("four are closed", lambda: sum(map(is_closed, held)) == 4)
        for one in held:
            one.close()
        wait_until("there is room again", lambda: answers(url))


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: loc",
        b"POST /vista HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 9\r\n\r\nab",
    ],
    ids=["nothing", "half a head", "half a form"],
)
def test_half_a_request_loses_its_place(busy_post: Post, begun: bytes) -> None:
    limits = ConnectionLimits(most=20, most_of_one=8, request_within_s=0.3)
    with serving(busy_post, limits=limits) as url:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as line:
            line.sendall(begun)
            wait_until("it is closed", lambda: is_closed(line))
        assert answers(url)


def test_who_takes_nothing_of_what_is_sent_is_dropped(busy_post: Post) -> None:
    busy_post.media.close()
    sha256 = busy_post.keep_picture("quebrada-norte", "person", (40, 90, 40))
    picture = busy_post.media.find(sha256)
    assert picture is not None
    with picture.open("ab") as file:
        file.truncate(40_000_000)
    limits = ConnectionLimits(most=20, most_of_one=8, take_within_s=0.4)
    with serving(busy_post, limits=limits) as url, socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", int(url.rpartition(":")[2])))
        line.sendall(f"GET /archivo/{sha256} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        received = 0

        def is_cut() -> bool:
            """Reads nothing until the other side has given up, then what is left in between."""
            return has_ended(url)

        wait_until("the page has dropped it", is_cut)
        line.settimeout(5)
        try:
            while chunk := line.recv(1 << 20):
                received += len(chunk)
        except ConnectionError:
            pass
    assert received < 40_000_000


def has_ended(url: str) -> bool:
    """Whether no connection of ours to the page is established but the one that asks (Linux: /proc/net/tcp)."""
    port = f"{int(url.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return not [row for row in rows if row[1].endswith(f":{port}") and row[3] == "01"]


def test_an_address_that_is_taken_is_a_fault_with_words(busy_post: Post) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = PageSettings(enabled=True, host="127.0.0.1", port=port)
        with pytest.raises(PageError, match=f"127.0.0.1:{port}"):
            PageStage(settings, busy_post.parts, LIMA).run(threading.Event())


def is_closed(line: socket.socket) -> bool:
    line.setblocking(False)
    try:
        return line.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False
