"""The write API of InfluxDB 2.x on top of a real 1.x: influxdb-client against a real engine.

`POST /api/v2/write?org=&bucket=&precision=` becomes `/write?db=<bucket>&precision=`; `/query` passes through; `/health`
answers as 2.x. Credentials must be `Authorization: Token <token>`. Errors have the shape of 2.x: code and message.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.http_front import Connection, HttpFront, Request, Response

_PRECISIONS = {"ns": "n", "us": "u", "ms": "ms", "s": "s"}
_CODES = {400: "invalid", 401: "unauthorized", 404: "not found", 413: "request too large", 422: "unprocessable entity"}


class Influx2Front(HttpFront):
    """`requests` keeps what came, for tests that look at the request itself."""

    def __init__(self, target_port: int, *, token: str = "a-token-for-tests", org: str = "vigia") -> None:
        super().__init__(target_port)
        self.token = token
        self.org = org
        self.requests: list[Request] = []

    def answer(self, request: Request, connection: Connection) -> Response | None:
        self.requests.append(request)
        url = urlsplit(request.path)
        if url.path == "/health":
            return Response(200, {}, b'{"name":"influxdb","status":"pass","version":"2.7.0"}')
        if request.headers.get("Authorization") != f"Token {self.token}":
            return _error(401, "unauthorized access")
        if url.path == "/query":
            return self.forward(request)
        if url.path != "/api/v2/write" or request.method != "POST":
            return _error(404, "path not found")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if query.get("org") != self.org:
            return _error(404, f'organization name "{query.get("org")}" not found')
        if query.get("precision", "ns") not in _PRECISIONS:
            return _error(400, "precision is not known")
        asked = urlencode({"db": query.get("bucket", ""), "precision": _PRECISIONS[query.get("precision", "ns")]})
        told = self.forward(request, path=f"/write?{asked}")
        if told.status < 300:
            return told
        text = str(json.loads(told.body).get("error", ""))
        if told.status == 404:
            return _error(404, f'bucket "{query.get("bucket")}" not found')
        if text.startswith("partial write"):
            return _error(422, f"failure writing points to database: {text}")
        return _error(told.status, text)


def _error(status: int, message: str) -> Response:
    body = json.dumps({"code": _CODES.get(status, "internal error"), "message": message}).encode()
    return Response(status, {"Content-Type": "application/json; charset=utf-8"}, body)
