"""Answers that take their time: news, and whole files."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_CHUNK_BYTES: Final = 32 * 1024
_RANGE: Final = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})", re.IGNORECASE)


class EventStream(Response):
    """Server-sent events until either side ends."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        super().__init__(headers={"Cache-Control": "no-store"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not sending.cancelled() and (fault := sending.exception()) is not None:
            raise fault

    async def _send(self, send: Send) -> None:
        try:
            async for event in self._events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            aclose = getattr(self._events, "aclose", None)
            if aclose is not None:
                await aclose()


class FileStream(Response):
    """A file, or the part of it that the phone asks for, as players of sound do (RFC 9110, 14): read in pieces by a
    worker, as fast as the phone takes it. name: of this content, for ever.

    Starlette's FileResponse has threads of its own for this, and fails loudly when the media store made room meanwhile.
    """

    def __init__(self, path: Path, media_type: str, name: str, workers: Executor, headers: Mapping[str, str]) -> None:
        super().__init__(headers={**headers, "Accept-Ranges": "bytes", "ETag": f'"{name}"'}, media_type=media_type)
        self._path = path
        self._workers = workers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        try:
            file = await loop.run_in_executor(self._workers, self._path.open, "rb")
        except OSError:
            await Response(status_code=404)(scope, receive, send)  # it has just made room for newer ones
            return
        try:
            size = await loop.run_in_executor(self._workers, lambda: self._path.stat().st_size)
            asked = Headers(scope=scope)
            is_this = asked.get("if-range", self.headers["etag"]) == self.headers["etag"]
            part = _part(asked.get("range", "") if is_this else "", size)
            if part is None:
                part = range(size)
            elif part:
                self.status_code = 206
                self.headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
            else:
                await Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})(scope, receive, send)
                return
            left = len(part)
            self.headers["content-length"] = str(left)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await loop.run_in_executor(self._workers, file.seek, part.start)
            while left > 0 and scope["method"] != "HEAD":
                chunk = await loop.run_in_executor(self._workers, file.read, min(left, _CHUNK_BYTES))
                if not chunk:
                    break
                left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            file.close()


def _part(asked: str, size: int) -> range | None:
    """Which bytes a Range header asks for; empty where the file has none of them. None for all of them: one that asks
    for several parts, or makes no sense, may be passed over."""
    found = _RANGE.fullmatch(asked)
    if found is None or found[0] == "bytes=-":
        return None
    if not found[1]:
        return range(max(0, size - int(found[2])), size)
    first, end = int(found[1]), int(found[2]) + 1 if found[2] else size
    if found[2] and end <= first:
        return None
    return range(first, min(end, size))


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
