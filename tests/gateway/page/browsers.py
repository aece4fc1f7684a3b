"""Chromium at the size of a phone or a desk, with everything that went wrong in it noted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM: Final = "/usr/bin/chromium"
PHONE: Final = {"width": 360, "height": 740}
DESK: Final = {"width": 1280, "height": 800}


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A page in a browser of its own settings. faults: what its console, its scripts and its requests complained of.
    bytes: of everything that it loaded, as sent."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        self.loaded: dict[str, int] = {}
        page.on("console", lambda said: self.faults.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("response", self._note)

    def _note(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")
        if not response.url.endswith("/noticias"):
            self.loaded[response.url] = 0

    def go(self, path: str) -> None:
        """Load a page of the post."""
        self.page.goto(self.url + path, wait_until="load")

    def bytes(self) -> int:
        """Of the page that is open, with all that it has loaded: headers and content, as they came over the line."""
        return int(
            self.page.evaluate(
                """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
                    .filter(one => !one.name.includes("/noticias"))
                    .reduce((sum, one) => sum + (one.transferSize || one.encodedBodySize), 0)"""
            )
        )

    def shoot(self, directory: Path | None, name: str) -> None:
        """A picture of what is seen, for whoever wants to look."""
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / f"{name}.png").write_bytes(self.page.screenshot())


@contextmanager
def visiting(browser: Browser, url: str, *, lang: str = "es", **settings: Any) -> Iterator[Visit]:
    """settings: as for Playwright's new_context; the size of a phone unless they say otherwise."""
    settings = {"viewport": PHONE, "device_scale_factor": 2, **settings}
    context = browser.new_context(**settings)
    context.set_default_timeout(20_000)
    if lang != "es":
        context.add_cookies([{"name": "vista", "value": f"auto.{lang}", "url": url}])
    visit = Visit(context.new_page(), url)
    try:
        yield visit
    finally:
        context.close()
