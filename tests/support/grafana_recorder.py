"""A server that answers Grafana 9.4's HTTP API from memory and records every request whole."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

_NO_ACCESS = "You'll need additional permissions to perform this action."


class Recorded(NamedTuple):
    """One request: its path is below the server's root, headers by lower-case name, body decoded."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Answer(NamedTuple):
    """status, JSON content (None: no body), further headers, or raw bytes instead of JSON."""

    status: int
    content: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012  # never written to
    raw: bytes | None = None


class GrafanaRecorder:
    """Data sources, folders and boards in memory. `fail` makes the next request of a method and path end otherwise.

    prefix: the path that Grafana is served below, such as "/grafana".
    """

    def __init__(
        self, *, token: str = "", user: str = "", password: str = "", prefix: str = "", version: str = "9.4.7"
    ):
        self._allowed = {f"Bearer {token}"} if token else set()
        if user:
            self._allowed.add("Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
        self.prefix = prefix
        self.version = version
        self.requests: list[Recorded] = []
        self.datasources: dict[str, dict[str, Any]] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.folders: dict[str, dict[str, Any]] = {}
        self.boards: dict[str, dict[str, Any]] = {}
        self._faults: dict[tuple[str, str], Answer] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="grafana recorder")
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{prefix}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, method: str, path: str, answer: Answer) -> None:
        """The next request of this method and path (below /api) ends so."""
        self._faults[method, path] = answer

    def writes(self) -> list[Recorded]:
        """Every request that is not a GET."""
        return [request for request in self.requests if request.method != "GET"]

    def answer(self, request: Recorded) -> Answer:
        """What Grafana 9.4 would answer."""
        self.requests.append(request)
        if not request.path.startswith(f"{self.prefix}/api/"):
            return Answer(404, raw=b"<html>Not found</html>", headers={"Content-Type": "text/html"})
        path = urlsplit(request.path).path.removeprefix(f"{self.prefix}/api")
        fault = self._faults.pop((request.method, path), None)
        if fault is not None:
            return fault
        if path == "/health":
            return Answer(200, {"commit": "4add91f03d", "database": "ok", "version": self.version})
        authorization = request.headers.get("authorization", "")
        if authorization not in self._allowed:
            basic = authorization.startswith("Basic ")
            return Answer(401, {"message": "Invalid username or password" if basic else "Invalid API key"})
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match request.method, parts:
            case "GET", ["datasources", "uid", uid]:
                return self._datasource(self.datasources.get(uid))
            case "GET", ["datasources", "name", name]:
                return self._datasource(next((d for d in self.datasources.values() if d["name"] == name), None))
            case "POST", ["datasources"]:
                return self._add_datasource(request.body)
            case "PUT", ["datasources", "uid", uid]:
                return self._change_datasource(uid, request.body)
            case "GET", ["folders"]:
                return Answer(200, [{k: folder[k] for k in ("id", "uid", "title")} for folder in self.folders.values()])
            case "GET", ["folders", uid]:
                missing = Answer(404, {"message": "folder not found", "status": "not-found"})
                return Answer(200, self.folders[uid]) if uid in self.folders else missing
            case "POST", ["folders"]:
                return self._add_folder(request.body)
            case "PUT", ["folders", uid]:
                return self._change_folder(uid, request.body)
            case "GET", ["dashboards", "uid", uid]:
                missing = Answer(404, {"message": "Dashboard not found"})
                return Answer(200, self.boards[uid]) if uid in self.boards else missing
            case "POST", ["dashboards", "db"]:
                return self._save_board(request.body)
        return Answer(404, {"message": "Not found"})

    def _datasource(self, there: dict[str, Any] | None) -> Answer:
        return Answer(404, {"message": "Data source not found"}) if there is None else Answer(200, there)

    def _add_datasource(self, body: dict[str, Any]) -> Answer:
        if any(d["name"] == body["name"] for d in self.datasources.values()):
            return Answer(409, {"message": "data source with the same name already exists"})
        return self._keep_datasource(body, {}, len(self.datasources) + 1, 1, "Datasource added")

    def _change_datasource(self, uid: str, body: dict[str, Any]) -> Answer:
        there = self.datasources.get(uid)
        if there is None:
            return self._datasource(None)
        if there["readOnly"]:
            return Answer(403, {"message": "Cannot update read-only data source"})
        return self._keep_datasource(body, self.secrets[uid], there["id"], there["version"] + 1, "Datasource updated")

    def _keep_datasource(
        self, body: dict[str, Any], secrets: dict[str, str], number: int, version: int, message: str
    ) -> Answer:
        uid = body["uid"]
        self.secrets[uid] = {**secrets, **body.get("secureJsonData", {})}
        plain = {name: value for name, value in body.items() if name != "secureJsonData"}
        self.datasources[uid] = {
            "id": number,
            "orgId": 1,
            "typeLogoUrl": "public/app/plugins/datasource/influxdb/img/influxdb_logo.svg",
            "basicAuthUser": "",
            "withCredentials": False,
            "secureJsonFields": dict.fromkeys((k for k, v in self.secrets[uid].items() if v), True),
            "version": version,
            "readOnly": False,
            **plain,
        }
        answer = {"datasource": self.datasources[uid], "id": number, "message": message, "name": body["name"]}
        return Answer(200, answer)

    def _add_folder(self, body: dict[str, Any]) -> Answer:
        if any(folder["title"] == body["title"] for folder in self.folders.values()):
            return Answer(
                409, {"message": "a folder or dashboard in the general folder with the same name already exists"}
            )
        uid = body["uid"]
        self.folders[uid] = {
            "id": 100 + len(self.folders),
            "uid": uid,
            "title": body["title"],
            "url": f"/dashboards/f/{uid}/x",
            "version": 1,
        }
        return Answer(200, self.folders[uid])

    def _change_folder(self, uid: str, body: dict[str, Any]) -> Answer:
        folder = self.folders[uid]
        if not body.get("overwrite") and body.get("version") != folder["version"]:
            return Answer(412, {"message": "the folder has been changed by someone else", "status": "version-mismatch"})
        folder.update(title=body["title"], version=folder["version"] + 1)
        return Answer(200, folder)

    def _save_board(self, body: dict[str, Any]) -> Answer:
        board, folder = body["dashboard"], self.folders.get(body["folderUid"])
        if folder is None:
            return Answer(400, {"message": "folder not found"})
        uid = board["uid"]
        namesake = next(
            (
                other
                for other, kept in self.boards.items()
                if other != uid and kept["dashboard"]["title"] == board["title"]
                and kept["meta"]["folderUid"] == folder["uid"]
            ),
            None,
        )  # fmt: skip
        if namesake and not body.get("overwrite"):
            message = "A dashboard with the same name in the folder already exists"
            return Answer(412, {"message": message, "status": "name-exists"})
        uid = namesake or uid
        there = self.boards.get(uid)
        version = there["dashboard"]["version"] + 1 if there else 1
        number = there["dashboard"]["id"] if there else 200 + len(self.boards)
        self.boards[uid] = {
            "dashboard": {**board, "id": number, "uid": uid, "version": version},
            "meta": {"folderId": folder["id"], "folderUid": folder["uid"], "type": "db", "version": version},
        }
        return Answer(
            200, {"id": number, "slug": "x", "status": "success", "uid": uid, "url": f"/d/{uid}/x", "version": version}
        )


def _handler(recorder: GrafanaRecorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def do_PUT(self) -> None:
            self._serve()

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = recorder.answer(Recorded(self.command, self.path, headers, json.loads(raw) if raw else None))
            body = answer.raw if answer.raw is not None else b""
            if answer.content is not None:
                body = json.dumps(answer.content).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: tests read `requests`."""

    return Handler
