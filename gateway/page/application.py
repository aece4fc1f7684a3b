"""The pages and what can be done on them: one Starlette application over the board.

Everything runs on the page's event loop; what waits for a disk or for a lock of the watch goes to two worker threads.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from gateway.errors import GatewayError
from gateway.page.access import COOKIE, Access, Trial, Verdict
from gateway.page.guard import Guard
from gateway.page.languages import Language, Languages
from gateway.page.map_view import map_view
from gateway.page.news import NewsDesk, rings
from gateway.page.now_view import incident_card, now_view, patrol_hours, patrol_rows
from gateway.page.photos import Photos, photo_card
from gateway.page.pin import PinFile
from gateway.page.post_view import link_mood, link_words, post_view
from gateway.page.rendering import Renderer
from gateway.page.requests import FormError, local_path, read_form
from gateway.page.sensors_view import sensor_rows
from gateway.page.sessions import Sessions
from gateway.page.settings import PageSettings
from gateway.page.streams import EventStream, FileStream
from gateway.place.place import Place
from gateway.watch.actions import Actions
from gateway.watch.board import Board
from gateway.watch.errors import WatchError
from gateway.watch.words import BoardState

log = logging.getLogger(__name__)

_VIEW_COOKIE: Final = "vista"
_YEAR_S: Final = 365 * 86_400
_THEMES: Final = ("auto", "day", "night")
_FOR_EVER: Final = {"Cache-Control": f"private, max-age={_YEAR_S}, immutable"}
_MOST_PHOTOS: Final = 60
_NOBODY: Final = "puesto"
"""Who acted, where nobody told a name."""


@dataclass(frozen=True)
class PageParts:
    """What the page shows and does. test_output: lets one warn as a test; raises GatewayError for an unknown one.
    directory: of the outbox, where key and PIN are kept unless the settings say otherwise."""

    station: str
    board: Board
    actions: Actions
    place: Place
    photos: Photos
    test_output: Callable[[str], None]
    directory: Path


class Page:
    """The application and what it needs. No I/O before `open`."""

    def __init__(self, settings: PageSettings, parts: PageParts, languages: Languages) -> None:
        self._settings = settings
        self._parts = parts
        self._languages = languages
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="page")
        pin = PinFile(settings.pin_file or parts.directory / "page.pin")
        self._sessions = Sessions(parts.directory / "page.key", pin, hours=settings.session_hours)
        self._access = Access(settings, pin, self._sessions, self._workers)
        self._renderer = Renderer()
        self.news = NewsDesk(parts.board, most=settings.most_streams)
        names = {parts.station, f"{parts.station}.local", "localhost", *settings.names}
        self.app: ASGIApp = Guard(self._application(), names)

    def open(self) -> None:
        """Read templates, languages and key."""
        self._renderer.open()
        self._languages.open()
        self._sessions.open()

    def close(self) -> None:
        """End the workers."""
        self._workers.shutdown()

    def _application(self) -> Starlette:
        pages: tuple[tuple[str, Callable[[Request], Awaitable[Response]]], ...] = (
            ("/", self._now),
            ("/incidente/{number:int}", self._incident),
            ("/patrulla", self._patrol),
            ("/mapa", self._map),
            ("/sensores", self._sensors),
            ("/fotos", self._photos),
            ("/foto/{sha256}", self._photo),
            ("/miniatura/{sha256}", self._thumbnail),
            ("/archivo/{sha256}", self._file),
            ("/estado", self._post),
            ("/noticias", self._news),
            ("/static/{name}", self._static),
        )
        acts: tuple[tuple[str, Callable[[Request], Awaitable[Response]]], ...] = (
            ("/incidente/{number:int}/enterado", self._acknowledge),
            ("/patrulla/sale", self._patrol_out),
            ("/patrulla/vuelve", self._patrol_back),
            ("/salida/probar", self._test_output),
            ("/vista", self._set_view),
            ("/entrar", self._sign_in),
            ("/salir", self._sign_out),
        )
        routes: list[BaseRoute] = [Route(path, page, methods=["GET"]) for path, page in pages]
        routes += [Route(path, act, methods=["POST"]) for path, act in acts]
        # Starlette itself, on which FastAPI stands: a page takes the request and gives HTML, so that FastAPI would have
        # nothing to do but weigh 5 MiB. See gateway/decisions/0008.
        app = Starlette(routes=routes)
        app.add_exception_handler(HTTPException, self._on_http_fault)
        app.add_exception_handler(FormError, self._on_bad_form)
        return app

    # pages

    async def _now(self, request: Request) -> Response:
        state = self._parts.board.snapshot()
        say = self._language(request)
        now = now_view(state, self._parts.place, say)
        return self._page(request, "now.html", state, live="incident patrol text sensor post", here="/", now=now)

    async def _incident(self, request: Request) -> Response:
        state = self._parts.board.snapshot()
        number = request.path_params["number"]
        found = next((change.incident for change in state.incidents if change.incident.number == number), None)
        if found is None:
            raise HTTPException(404)
        card = incident_card(found, state, self._parts.place, self._language(request))
        return self._page(request, "incident.html", state, live="incident", here="/", one=card)

    async def _patrol(self, request: Request) -> Response:
        state = self._parts.board.snapshot()
        say = self._language(request)
        hours = patrol_hours(self._parts.actions.max_patrol_hours, say)
        rows = patrol_rows(state, say)
        return self._page(request, "patrol.html", state, live="patrol", here="/", patrols=rows, hours=hours)

    async def _map(self, request: Request) -> Response:
        state = self._parts.board.snapshot()
        shown = map_view(state, self._parts.place, self._language(request))
        return self._page(request, "map.html", state, live="incident sensor", here="/mapa", map=shown)

    async def _sensors(self, request: Request) -> Response:
        state = self._parts.board.snapshot()
        rows = sensor_rows(state, self._language(request))
        return self._page(request, "sensors.html", state, live="sensor", here="/sensores", rows=rows)

    async def _photos(self, request: Request) -> Response:
        state, say = self._parts.board.snapshot(), self._language(request)
        kept = await self._in_worker(self._parts.photos.recent, _MOST_PHOTOS)
        cards = [photo_card(one, self._parts.place, state.made_ms, say) for one in kept]
        return self._page(request, "photos.html", state, live="photo", here="/fotos", photos=cards)

    async def _photo(self, request: Request) -> Response:
        state, say = self._parts.board.snapshot(), self._language(request)
        kept = await self._in_worker(self._parts.photos.item, request.path_params["sha256"])
        if kept is None:
            raise HTTPException(404)
        card = photo_card(kept, self._parts.place, state.made_ms, say)
        return self._page(request, "photo.html", state, here="/fotos", one=card)

    async def _post(self, request: Request) -> Response:
        state = self._parts.board.snapshot()
        shown = post_view(state, self._language(request))
        return self._page(request, "post.html", state, live="post", here="/estado", post=shown)

    # files and news

    async def _thumbnail(self, request: Request) -> Response:
        self._check_reading(request)
        content = await self._in_worker(self._parts.photos.thumbnail, request.path_params["sha256"])
        if content is None:
            raise HTTPException(404)
        kind = "image/webp" if content[8:12] == b"WEBP" else "image/jpeg"
        return Response(content, media_type=kind, headers=self._of_photos())

    async def _file(self, request: Request) -> Response:
        self._check_reading(request)
        kept = await self._in_worker(self._parts.photos.file, request.path_params["sha256"])
        if kept is None:
            raise HTTPException(404)
        return FileStream(kept.path, kept.media_type, request.path_params["sha256"], self._workers, self._of_photos())

    def _of_photos(self) -> Mapping[str, str]:
        """Where reading needs the PIN, no phone keeps a photo for whoever holds it next."""
        return _FOR_EVER if self._settings.reading == "free" else {}

    async def _static(self, request: Request) -> Response:
        asset = self._renderer.assets.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        return Response(asset.content, media_type=asset.media_type, headers=_FOR_EVER)

    async def _news(self, request: Request) -> Response:
        self._check_reading(request)
        if self.news.is_full:
            return Response(status_code=503, headers={"Retry-After": "30"})
        last_id = request.headers.get("last-event-id") or request.query_params.get("last", "")
        return EventStream(self.news.stream(last_id))

    # what can be done

    async def _acknowledge(self, request: Request) -> Response:
        def act(fields: Mapping[str, str], who: str) -> None:
            self._parts.actions.acknowledge(request.path_params["number"], fields.get("note", ""), who)

        return await self._act(request, act, "/")

    async def _patrol_out(self, request: Request) -> Response:
        def act(fields: Mapping[str, str], who: str) -> None:
            try:
                hours = float(fields.get("hours", ""))
            except ValueError:
                hours = 0.0
            self._parts.actions.patrol_out(fields.get("name", ""), hours)

        return await self._act(request, act, "/patrulla")

    async def _patrol_back(self, request: Request) -> Response:
        def act(fields: Mapping[str, str], who: str) -> None:
            self._parts.actions.patrol_back(fields.get("name", ""))

        return await self._act(request, act, "/patrulla")

    async def _test_output(self, request: Request) -> Response:
        def act(fields: Mapping[str, str], who: str) -> None:
            self._parts.test_output(fields.get("name", ""))

        return await self._act(request, act, "/estado")

    async def _set_view(self, request: Request) -> Response:
        fields = await read_form(request)
        theme, lang = self._view(request)
        if fields.get("theme") in _THEMES:
            theme = fields["theme"]
        if any(one.code == fields.get("lang") for one in self._languages.all()):
            lang = fields["lang"]
        response = RedirectResponse(_quoted(local_path(fields.get("back", "/"))), 303)
        response.set_cookie(
            _VIEW_COOKIE, f"{theme}.{lang}", max_age=_YEAR_S, path="/", httponly=True, samesite="strict"
        )
        return response

    async def _sign_in(self, request: Request) -> Response:
        fields = await read_form(request)
        trial = await self._access.try_pin(request, fields.get("pin", ""))
        if trial.verdict is not Verdict.RIGHT:
            return self._ask_pin(request, "/entrar", fields, trial)
        response = RedirectResponse(_quoted(local_path(fields.get("back", "/"))), 303)
        self._access.welcome(response, fields)
        return response

    async def _sign_out(self, request: Request) -> Response:
        response = RedirectResponse("/estado", 303)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    # how

    async def _act(self, request: Request, act: Callable[[Mapping[str, str], str], None], back: str) -> Response:
        """Do it when the phone has shown the PIN, or shows it with this form; ask for the PIN otherwise, and the same
        form comes again."""
        fields = await read_form(request)
        response = RedirectResponse(back, 303)
        who = self._access.who(request)
        if not self._access.may_act(request):
            trial = Trial(Verdict.NONE_SET)
            if "pin" in fields:
                trial = await self._access.try_pin(request, fields["pin"])
            if trial.verdict is not Verdict.RIGHT:
                return self._ask_pin(request, request.url.path, fields, trial if "pin" in fields else None)
            who = self._access.welcome(response, fields)
        try:
            await self._in_worker(act, fields, who or fields.get("who", "").strip() or _NOBODY)
        except WatchError as error:
            return self._trouble(request, error.words(self._language(request).code), back)
        except GatewayError as error:
            return self._trouble(request, str(error), back)
        return response

    def _ask_pin(self, request: Request, action: str, fields: Mapping[str, str], trial: Trial | None) -> Response:
        say = self._language(request)
        trouble, status = "", 401
        match trial:
            case Trial(Verdict.WRONG):
                trouble = say("Ese no es el PIN")
            case Trial(Verdict.WAIT, wait_s):
                trouble = _too_many(say, wait_s)
                status = 429
            case Trial(Verdict.UNREADABLE):
                trouble = say("El PIN guardado no se puede leer: avise al técnico")
                status = 503
        kept = [(name, value) for name, value in fields.items() if name not in ("pin", "who")]
        words = {
            "trouble": trouble,
            "has_pin": self._access.has_pin(),
            "action": action,
            "kept": kept,
            "asks_name": True,
            "name": fields.get("who", ""),
        }
        response = self._render(request, "pin.html", None, status, **words)
        if trial is not None and trial.wait_s:
            response.headers["Retry-After"] = str(trial.wait_s)
        return response

    def _trouble(self, request: Request, words: str, back: str, status: int = 400) -> Response:
        return self._render(request, "trouble.html", None, status, trouble=words, back=back)

    def _page(self, request: Request, template: str, state: BoardState, **words: object) -> Response:
        """A page, or the question for the PIN where reading needs it."""
        if not self._access.may_read(request):
            return self._ask_pin(request, "/entrar", {"back": request.url.path}, None)
        return self._render(request, template, state, 200, **words)

    def _render(
        self, request: Request, template: str, state: BoardState | None, status: int, **words: object
    ) -> Response:
        theme, _ = self._view(request)
        shown = state or self._parts.board.snapshot()
        may_read = self._access.may_read(request)
        told: dict[str, object] = {
            "station": self._parts.station,
            "theme": theme,
            "path": request.url.path if request.method == "GET" else "/",
            "languages": self._languages.all(),
            "alerts": [c.incident.number for c in shown.incidents if rings(c.incident)] if may_read else [],
            "link": link_mood(shown.post),
            "link_words": link_words(shown.post, self._language(request)),
            "who": self._access.who(request),
            "live": "",
            "here": "",
            **words,
        }
        return HTMLResponse(self._renderer.page(template, self._language(request), **told), status)

    def _view(self, request: Request) -> tuple[str, str]:
        theme, _, lang = request.cookies.get(_VIEW_COOKIE, "").partition(".")
        return theme if theme in _THEMES else "auto", lang

    def _language(self, request: Request) -> Language:
        return self._languages.get(self._view(request)[1])

    def _check_reading(self, request: Request) -> None:
        if not self._access.may_read(request):
            raise HTTPException(401)

    async def _in_worker(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._workers, call, *args)

    async def _on_http_fault(self, request: Request, fault: Exception) -> Response:
        status = fault.status_code if isinstance(fault, HTTPException) else 500
        if status == 405:
            return Response(status_code=405, headers=getattr(fault, "headers", None))
        say = self._language(request)
        words = say("Falta el PIN") if status == 401 else say("Eso no está aquí")
        return self._trouble(request, words, "/", status)

    async def _on_bad_form(self, request: Request, _: Exception) -> Response:
        say = self._language(request)
        return self._trouble(request, say("Eso no se entiende: vuelva e intente otra vez"), "/")


def _too_many(say: Language, wait_s: int) -> str:
    if wait_s < 90:
        return say.many(
            "Demasiados intentos: espere %(n)s segundo", "Demasiados intentos: espere %(n)s segundos", wait_s
        )
    return say("Demasiados intentos: espere %(n)s minutos", n=math.ceil(wait_s / 60))


def _quoted(path: str) -> str:
    return quote(path, safe="/")
