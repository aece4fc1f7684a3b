"""The page as people have it: Chromium at the size of a phone, by day and by night, with and without JavaScript.

`--screenshots DIRECTORY` keeps a picture of each page, to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from gateway.page.settings import PageSettings
from gateway.rules.facts import Note
from tests.gateway.page.browsers import CHROMIUM, DESK, chromium, visiting
from tests.gateway.page.posts import PIN, Post, crowd, crowded_map, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="Chromium is not installed: make browser"),
]

MEASURE = (Path(__file__).parent / "contrast.js").read_text()
COVERED = """drawing => {
    const texts = [...drawing.querySelectorAll("text:not(.number)")].map(one => [one.textContent, one.getBBox()]);
    const signs = [...drawing.querySelectorAll("circle")].map(one => [one.parentNode.textContent, one.getBBox()]);
    const inset = 2;  // of what a letter may take and mostly does not, and of what is round
    const meet = (a, b) => a.x + inset < b.x + b.width - inset && b.x + inset < a.x + a.width - inset
        && a.y + inset < b.y + b.height - inset && b.y + inset < a.y + a.height - inset;
    return texts.flatMap(([name, a], n) => [...texts.slice(n + 1), ...signs]
        .filter(([, b]) => meet(a, b)).map(([other]) => `${name} and ${other}`));
}"""
"""Names on a map that cover another, or a sign, as this browser draws them."""
MOST_BYTES = 60_000
MOST_SCRIPT_BYTES = 10_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def screenshots(request: pytest.FixtureRequest) -> Path | None:
    told = request.config.getoption("--screenshots", default=None)
    return Path(told) if told else None


def pages(post: Post) -> dict[str, str]:
    sha256 = post.keep_picture("quebrada-norte", "person", (40, 90, 40))
    post.keep_picture("rio-medio", "boat", (60, 90, 130))
    return {
        "ahora": "/",
        "mapa": "/mapa",
        "sensores": "/sensores",
        "fotos": "/fotos",
        "foto": f"/foto/{sha256}",
        "estado": "/estado",
        "incidente": "/incidente/41",
        "patrulla": "/patrulla",
    }


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("day", {}),
        ("night", {"color_scheme": "dark"}),
        ("english", {"lang": "en"}),
        ("desk", {"viewport": DESK, "device_scale_factor": 1}),
    ],
)
def test_every_page_is_legible_and_within_reach(
    browser: Browser, busy_post: Post, screenshots: Path | None, name: str, settings: dict[str, Any]
) -> None:
    there = pages(busy_post)
    with serving(busy_post) as url, visiting(browser, url, **settings) as visit:
        for page, path in there.items():
            visit.go(path)
            visit.shoot(screenshots, f"{name}-{page}")
            found = visit.page.evaluate(MEASURE)
            assert found["faults"] == [], page
            assert len(found["texts"]) > 5
            for text in found["texts"]:
                least = 7.0 if text["isMain"] else 4.5
                assert text["contrast"] >= least, f"{page}: {text}"
                assert text["size"] >= 12, f"{page}: {text}"
        assert visit.faults == []


def test_the_first_page_is_light(browser: Browser, busy_post: Post) -> None:
    with serving(busy_post) as url, visiting(browser, url) as visit:
        visit.go("/")
        visit.page.wait_for_load_state("load")
        assert 5_000 < visit.bytes() < MOST_BYTES
        notes = tuple(Note(0, "Rosa: " + "x" * 390) for _ in range(50))
        sensors = [f"sensor {n}" for n in range(12)]
        for number in range(100, 200):
            busy_post.raise_incident(number, "chainsaw", *sensors, state="acknowledged", notes=notes)
        assert len(httpx.get(url).content) < MOST_BYTES, "on the worst of days, what is not on the phone yet"
        outside = [address for address in visit.loaded if not address.startswith(url)]
        assert outside == [], "nothing comes from elsewhere"
        script = visit.page.evaluate("async () => (await (await fetch(document.scripts[0].src)).text()).length")
        assert script < MOST_SCRIPT_BYTES


def test_a_quiet_post_says_so(browser: Browser, post: Post, screenshots: Path | None) -> None:
    with serving(post) as url, visiting(browser, url) as visit:
        for path, words in (("/", "Todo tranquilo"), ("/fotos", "Todavía no hay fotos")):
            visit.go(path)
            expect(visit.page.get_by_text(words)).to_be_visible()
            visit.shoot(screenshots, f"quiet-{path.strip('/') or 'ahora'}")


def test_an_alert_appears_by_itself_and_the_phone_rings_once(browser: Browser, post: Post) -> None:
    with serving(post) as url, visiting(browser, url) as visit:
        page = visit.page
        visit.go("/")
        expect(page.get_by_text("Todo tranquilo")).to_be_visible()
        page.evaluate("document.body.dataset.mark = 'not loaded anew'")
        page.evaluate("window.buzzed = []; navigator.vibrate = (pattern) => buzzed.push(pattern); null")
        page.get_by_role("button", name="Sonido").click()
        post.raise_incident(77, "chainsaw", "quebrada-norte", count=2)
        expect(page.get_by_role("heading", name="Motosierra")).to_be_visible()
        expect(page.locator("html[data-rang='77']")).to_have_count(1)
        post.raise_incident(77, "chainsaw", "quebrada-norte", count=3)
        expect(page.get_by_text("3 detecciones")).to_be_visible()
        assert page.evaluate("buzzed") == [[400, 150, 400, 150, 400]]
        assert page.evaluate("document.body.dataset.mark") == "not loaded anew"
        assert visit.faults == []


@pytest.mark.parametrize("path", ["/mapa", "/sensores", "/fotos", "/estado", "/patrulla", "/incidente/1"])
def test_an_alert_is_seen_from_every_page(browser: Browser, post: Post, path: str) -> None:
    post.raise_incident(1, "gunshot", "quebrada-norte", state="closed")
    with serving(post) as url, visiting(browser, url) as visit:
        visit.go(path)
        expect(visit.page.locator("nav .count")).to_have_count(0)
        post.raise_incident(77, "chainsaw", "quebrada-norte")
        expect(visit.page.locator("nav .count")).to_have_text("1")
        assert visit.faults == []


def test_acknowledge_with_the_pin_and_a_name(browser: Browser, busy_post: Post, screenshots: Path | None) -> None:
    with serving(busy_post) as url, visiting(browser, url) as visit:
        page = visit.page
        visit.go("/")
        page.get_by_role("button", name="Enterado: Motosierra").click()
        page.get_by_label("PIN del puesto").fill(PIN)
        page.get_by_label("Su nombre").fill("Rosa")
        visit.shoot(screenshots, "pin")
        page.get_by_role("button", name="Entrar").click()
        expect(page.locator("#i42 .notes").get_by_text("Rosa")).to_be_visible()
        page.locator("#i41").get_by_role("button", name="Enterado").or_(
            page.get_by_role("button", name="Enterado: Peque-peque")
        ).first.click()
        expect(page.locator("#i41 .notes").get_by_text("Rosa")).to_be_visible()
        assert [reading.note for reading in busy_post.done[1:]] == ["Rosa", "Rosa"]


def test_notes_add_up_on_the_page(browser: Browser, busy_post: Post, screenshots: Path | None) -> None:
    free = PageSettings(enabled=True, host="127.0.0.1", port=0, acting="free")
    with serving(busy_post, free) as url, visiting(browser, url) as visit:
        page = visit.page
        notes = page.locator(".notes li")
        said = ("salimos a ver", "había dos personas con motosierra", "se fueron río abajo")
        for words in said:
            visit.go("/incidente/42")
            page.get_by_label(re.compile("nota", re.IGNORECASE)).fill(words)
            page.get_by_label("Su nombre").fill("Rosa")
            page.get_by_role("button", name=re.compile("Enterado|Guardar")).click()
        visit.go("/incidente/42")
        expect(notes).to_have_count(3)
        for line, words in zip(notes.all(), said, strict=True):
            expect(line).to_contain_text(re.compile(rf"\d+:\d\d Rosa: {words}"))
        visit.shoot(screenshots, "notes")
        visit.go("/")
        page.locator("#i42").get_by_role("link", name="1 nota antes").click()
        expect(page).to_have_url(re.compile("/incidente/42$"))


def test_a_note_that_is_being_written_is_not_lost_to_news(browser: Browser, busy_post: Post) -> None:
    free = PageSettings(enabled=True, host="127.0.0.1", port=0, acting="free")
    with serving(busy_post, free) as url, visiting(browser, url) as visit:
        page = visit.page
        visit.go("/incidente/41")
        expect(page.locator("nav .count")).to_have_text("2")
        page.get_by_label("Nota").fill("fuimos en bote")
        for number, leave in ((78, False), (79, True)):
            if leave:
                page.get_by_label("Nota").blur()
            busy_post.raise_incident(number, "gunshot", "rio-medio")
            expect(page.locator("nav .count")).to_have_text(str(number - 75))
            expect(page.locator(f"html[data-rang='{number}']")).to_have_count(1)
            expect(page.get_by_label("Nota")).to_have_value("fuimos en bote")
        page.get_by_role("button", name="Enterado").click()
        expect(page.locator("#i41").get_by_text("fuimos en bote")).to_be_visible()


def test_night_by_the_switch_and_back(browser: Browser, post: Post) -> None:
    with serving(post) as url, visiting(browser, url) as visit:
        page = visit.page
        ground = "getComputedStyle(document.body).backgroundColor"
        visit.go("/")
        assert page.evaluate(ground) == "rgb(255, 255, 255)"
        page.get_by_role("button", name="De noche").click()
        expect(page.get_by_role("button", name="De día")).to_be_visible()
        assert page.evaluate(ground) == "rgb(0, 0, 0)"
        page.get_by_role("button", name="De día").click()
        expect(page.get_by_role("button", name="De noche")).to_be_visible()
        assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_on_a_phone_that_is_dark_day_is_one_touch_away(browser: Browser, post: Post) -> None:
    with serving(post) as url, visiting(browser, url, color_scheme="dark") as visit:
        page = visit.page
        ground = "getComputedStyle(document.body).backgroundColor"
        visit.go("/")
        assert page.evaluate(ground) == "rgb(0, 0, 0)"
        expect(page.get_by_role("button", name="De noche")).to_have_count(0)
        page.get_by_role("button", name="De día").click()
        expect(page.get_by_role("button", name="De noche")).to_be_visible()
        assert page.evaluate(ground) == "rgb(255, 255, 255)"
        expect(page.get_by_role("button", name="De día")).to_have_count(0)


def test_another_language_by_one_touch(browser: Browser, post: Post) -> None:
    with serving(post) as url, visiting(browser, url) as visit:
        visit.go("/")
        visit.page.get_by_role("button", name="English").click()
        expect(visit.page.get_by_text("All quiet")).to_be_visible()
        assert visit.page.locator("html").get_attribute("lang") == "en"


def test_without_javascript_everything_can_be_done(browser: Browser, busy_post: Post) -> None:
    with serving(busy_post) as url, visiting(browser, url, java_script_enabled=False) as visit:
        page = visit.page
        visit.go("/")
        assert 'http-equiv="refresh" content="20"' in page.content()
        page.get_by_role("button", name="Enterado: Motosierra").click()
        page.get_by_label("PIN del puesto").fill(PIN)
        page.get_by_role("button", name="Entrar").click()
        expect(page.locator("#i42 .notes").get_by_text("puesto")).to_be_visible()
        page.get_by_role("link", name="Patrulla").click()
        assert "http-equiv" not in page.content(), "what somebody writes is not loaded away"
        page.get_by_label("Quién sale").fill("Ampiyacu")
        page.get_by_label("8 h", exact=True).check()
        page.get_by_role("button", name="Sale patrulla").click()
        expect(page.get_by_role("heading", name="Ampiyacu")).to_be_visible()
        page.get_by_role("link", name="Estado").click()
        page.get_by_role("button", name="Probar").first.click()
        expect(page).to_have_url(re.compile("/estado$"))
        assert busy_post.tested == ["patio"]


def test_a_post_that_is_gone_is_said_and_found_again(browser: Browser, post: Post) -> None:
    with serving(post) as url, visiting(browser, url) as visit:
        page = visit.page
        visit.go("/")
        lost = page.get_by_text("Sin conexión con el puesto")
        expect(lost).to_be_hidden()
        for is_gone in (True, False):
            page.context.set_offline(is_gone)
            page.evaluate("dispatchEvent(new Event('visibilitychange'))")
            expect(lost).to_be_visible(visible=is_gone)


def test_a_clip_can_be_played_from_its_middle(browser: Browser, post: Post) -> None:
    sha256 = post.keep_clip("quebrada-norte", "chainsaw", 120.0)
    with serving(post) as url, visiting(browser, url) as visit:
        statuses: list[int] = []
        visit.page.on("response", lambda got: statuses.append(got.status) if "/archivo/" in got.url else None)
        visit.go(f"/foto/{sha256}")
        reached = visit.page.evaluate(
            """async () => {
                const player = document.querySelector("audio");
                const once = (name) => new Promise((done) => player.addEventListener(name, done, { once: true }));
                player.muted = true;
                if (player.readyState < 1) { const known = once("loadedmetadata"); player.load(); await known; }
                const there = once("seeked");
                player.currentTime = 100;
                await there;
                return [Math.round(player.duration), Math.round(player.currentTime)];
            }"""
        )
        assert reached == [120, 100]
        assert set(statuses) == {206}
        assert visit.faults == []


@pytest.mark.parametrize(("name", "settings"), [("day", {}), ("night", {"color_scheme": "dark"})])
def test_a_crowded_map_can_be_read(
    browser: Browser, tmp_path: Path, screenshots: Path | None, name: str, settings: dict[str, Any]
) -> None:
    with closing(Post(tmp_path, crowded_map(tmp_path, 20))) as post:
        crowd(post)
        with serving(post) as url, visiting(browser, url, **settings) as visit:
            visit.go("/mapa")
            visit.shoot(screenshots, f"{name}-crowd")
            found = visit.page.evaluate(MEASURE)
            assert found["faults"] == []
            assert min(text["contrast"] for text in found["texts"]) >= 7
            drawing = visit.page.locator("svg.map")
            for title in ("Aguajal 7", "Aguajal 8"):
                expect(drawing.locator(".mark.alert text").get_by_text(title, exact=True)).to_be_visible()
            assert drawing.evaluate(COVERED) == []
            rows = visit.page.locator(".places li")
            expect(rows).to_have_count(3 + 21)
            expect(rows.get_by_text("Aguajal 19")).to_be_visible()
            rows.last.scroll_into_view_if_needed()
            visit.shoot(screenshots, f"{name}-crowd-list")


def test_a_map_without_a_boat_shows_none(browser: Browser, post: Post) -> None:
    with serving(post) as url, visiting(browser, url) as visit:
        visit.go("/mapa")
        expect(visit.page.locator(".moving")).to_have_count(0)


def test_the_map_shows_what_goes_on(browser: Browser, busy_post: Post) -> None:
    with serving(busy_post) as url, visiting(browser, url) as visit:
        visit.go("/mapa")
        drawing = visit.page.locator("svg.map")
        expect(drawing.locator(".mark.alert")).to_have_count(3)
        expect(drawing.locator(".moving")).to_have_count(1)
        expect(visit.page.locator(".places .moving")).to_have_count(1)
        expect(drawing.locator(".river, .territory, .boundary")).to_have_count(3)
        expect(drawing.get_by_text("2 km")).to_be_visible()
        expect(drawing.get_by_text("N", exact=True)).to_be_visible()
        sizes = drawing.evaluate("d => [...d.querySelectorAll('text')].map(t => t.getBoundingClientRect().height)")
        assert min(sizes) > 11, "legible at 360 pixels"
        assert drawing.evaluate(COVERED) == []
