"""Data source, folder and boards to a running Grafana, through its HTTP API. The only importer of grafana_api.

Each thing is looked up first and sent only when it is not there or differs, so that a second push changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from grafana_api.grafana_api import GrafanaException
from grafana_api.grafana_face import GrafanaFace

from dashboards.boards import Board, boards
from dashboards.datasource import datasource_body, differs, updated
from dashboards.errors import DashboardsError, GrafanaRefusedError, GrafanaUnreachableError, SettingsError
from dashboards.settings import DashboardsSettings

FOLDER_UID: Final = "vigia"
LEAST_VERSION: Final = (9, 4)
MESSAGE: Final = "Vigía: boards generated from the schema"
_ADVICE: Final[Mapping[int, str]] = {
    400: "if it says that the board is provisioned, it comes from a file there: change it there or remove that file",
    401: "the token or password is wrong or has expired: set VIGIA_GRAFANA__TOKEN to a token of a service account",
    403: "these credentials may not do this: give the service account the role Admin; what came from a provisioning "
    "file is changed in that file",
    404: "is [grafana] url right, with its path if Grafana is served below one?",
    409: "something of this name or uid is there already: rename it, or choose another name in [grafana]",
    412: "somebody saved this at the same moment, or another board or folder has this name: look at it in Grafana, "
    "then push again",
}


def push(settings: DashboardsSettings) -> list[str]:
    """Make Grafana hold our data source, folder and boards; a line for each: created, updated or unchanged.

    Raises GrafanaUnreachableError (no answer, 5xx), GrafanaRefusedError (4xx, not a Grafana, too old), SettingsError
    (no credentials) and BoardError. What was done before an error stays; pushing again goes on from there.
    """
    grafana = _Grafana(settings)
    try:
        _check_version(grafana)
        lines = [_push_datasource(grafana, settings)]
        folder_uid, line = _push_folder(grafana, settings.folder)
        lines.append(line)
        made = boards(time_zone=settings.time_zone, datasource_uid=settings.datasource_uid)
        return lines + [_push_board(grafana, board, folder_uid) for board in made.values()]
    finally:
        grafana.close()


class _Grafana:
    """grafana_api with its faults mended: answers without a body, redirects, and errors as ours."""

    def __init__(self, settings: DashboardsSettings) -> None:
        parts = urlsplit(settings.url)
        path = parts.path.strip("/")
        self.url = settings.url
        self._status = 0
        face = GrafanaFace(  # type: ignore[no-untyped-call]  # grafana_api has no types
            auth=_credentials(settings),
            host=parts.netloc,
            protocol=parts.scheme,
            url_path_prefix=f"{path}/" if path else "",
            verify=settings.tls_verify,
            timeout=settings.timeout_s,
        )
        self._api = face.api
        # A redirected POST would arrive as a GET: say so instead.
        self._api.s.max_redirects = 0
        self._api.s.hooks["response"].append(self._note_status)

    def close(self) -> None:
        """Let go of the connection."""
        self._api.s.close()

    def find(self, path: str) -> Any:
        """The answer to GET, None for 404."""
        try:
            return self.ask("GET", path)
        except GrafanaRefusedError as refused:
            if refused.status == 404:
                return None
            raise

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer of one request below /api, None when it has no body. Raises as `push` says."""
        self._status = 0
        what = f"{method} {self.url}/api{path}"
        try:
            return getattr(self._api, method)(path, json=body)
        except GrafanaException as error:
            trouble: DashboardsError = _refusal(what, error)
        except ValueError:
            # grafana_api reads every answer as JSON; 204 has nothing to read and is a success all the same.
            if self._status == 204:
                return None
            trouble = GrafanaRefusedError(
                self._status,
                f"{what}: the answer ({self._status}) is not JSON, so this is not Grafana's API. "
                "What to do: check [grafana] url; a proxy's login page before Grafana also looks like this",
            )
        except OSError as error:  # every exception of requests that is left is one
            trouble = self._no_answer(what, error)
        # Raised out here, without the inner exception: its frames would hold the connection open after `close`.
        raise trouble

    def _no_answer(self, what: str, error: OSError) -> DashboardsError:
        if 300 <= self._status < 400:
            return GrafanaRefusedError(
                self._status,
                f"{what}: redirected ({self._status}). What to do: set [grafana] url to the address that Grafana "
                "redirects to, often https:// instead of http://",
            )
        return GrafanaUnreachableError(
            f"{what}: no answer: {error}. What to do: is Grafana running, is [grafana] url right, "
            "is there a firewall, is its certificate known here?"
        )

    def _note_status(self, response: Any, *_: object, **__: object) -> None:
        self._status = response.status_code


def _credentials(settings: DashboardsSettings) -> str | tuple[str, str]:
    if settings.token is not None:
        return settings.token.get_secret_value()
    if settings.user is not None and settings.password is not None:
        return settings.user, settings.password.get_secret_value()
    raise SettingsError("no credentials for Grafana: set VIGIA_GRAFANA__TOKEN, or [grafana] user and password")


def _refusal(what: str, error: GrafanaException) -> DashboardsError:
    answer = f"{what}: {error.status_code}: {_message(error)}"
    if error.status_code >= 500:
        return GrafanaUnreachableError(f"{answer}. What to do: Grafana has trouble: see its log, then push again")
    advice = _ADVICE.get(error.status_code, "see Grafana's log")
    return GrafanaRefusedError(error.status_code, f"{answer}. What to do: {advice}")


def _message(error: GrafanaException) -> str:
    """What Grafana said, in one line of at most 300 characters."""
    said = error.response.get("message") if isinstance(error.response, dict) else error.response
    return " ".join(str(said or error.message).split())[:300]


def _check_version(grafana: _Grafana) -> None:
    health = grafana.ask("GET", "/health")
    if not isinstance(health, dict) or "database" not in health:
        raise GrafanaRefusedError(0, f"{grafana.url} is not a Grafana. What to do: check [grafana] url")
    # An instance may hide its version; then nobody can tell, and 9.4 is assumed.
    version = re.match(r"(\d+)\.(\d+)", str(health.get("version", "")))
    if version and (int(version[1]), int(version[2])) < LEAST_VERSION:
        raise GrafanaRefusedError(
            0, f"{grafana.url} is Grafana {health['version']}. What to do: update it to 9.4 or later"
        )


def _push_datasource(grafana: _Grafana, settings: DashboardsSettings) -> str:
    wanted = datasource_body(settings)
    name, uid = settings.datasource_name, settings.datasource_uid
    there = grafana.find(f"/datasources/uid/{quote(uid, safe='')}")
    if there is None:
        namesake = grafana.find(f"/datasources/name/{quote(name, safe='')}")
        if namesake is not None:
            raise GrafanaRefusedError(
                409,
                f"a data source {name!r} is there with another uid, {namesake['uid']!r}. What to do: rename it in "
                f"Grafana, or take it over with VIGIA_GRAFANA__DATASOURCE_UID={namesake['uid']}",
            )
        grafana.ask("POST", "/datasources", wanted)
        return f"data source {name}: created"
    renew = settings.renew_secrets and "secureJsonData" in wanted
    if not differs(wanted, there) and not renew:
        return f"data source {name}: unchanged"
    if there.get("readOnly"):
        raise GrafanaRefusedError(
            403, f"the data source {name} comes from a provisioning file and differs. What to do: change that file"
        )
    grafana.ask("PUT", f"/datasources/uid/{quote(uid, safe='')}", updated(wanted, there))
    return f"data source {name}: updated"


def _push_folder(grafana: _Grafana, title: str) -> tuple[str, str]:
    """The folder's uid, ours or that of a folder of the same title that is already there; and the line."""
    there = grafana.find(f"/folders/{FOLDER_UID}")
    if there is not None:
        if there["title"] == title:
            return FOLDER_UID, f"folder {title}: unchanged"
        grafana.ask("PUT", f"/folders/{FOLDER_UID}", {"title": title, "version": there["version"]})
        return FOLDER_UID, f"folder {title}: updated"
    for folder in grafana.ask("GET", "/folders?limit=1000"):
        if folder["title"] == title:
            return str(folder["uid"]), f"folder {title}: unchanged"
    grafana.ask("POST", "/folders", {"title": title, "uid": FOLDER_UID})
    return FOLDER_UID, f"folder {title}: created"


def _push_board(grafana: _Grafana, board: Board, folder_uid: str) -> str:
    title, uid = board["title"], board["uid"]
    there = grafana.find(f"/dashboards/uid/{quote(uid, safe='')}")
    if there is not None:
        # id and version are Grafana's own numbers for it
        kept = {name: value for name, value in there["dashboard"].items() if name not in ("id", "version")}
        if kept == board and there["meta"].get("folderUid") == folder_uid:
            return f"board {title}: unchanged"
    body = {"dashboard": {**board, "id": None}, "folderUid": folder_uid, "message": MESSAGE, "overwrite": True}
    answer = grafana.ask("POST", "/dashboards/db", body)
    if answer["uid"] != uid:
        raise GrafanaRefusedError(
            412,
            f"Grafana saved the board {title!r} over another of that title, {answer['uid']!r}. What to do: look at its "
            "versions in Grafana, restore the one before, rename it, then push again",
        )
    return f"board {title}: {'created' if there is None else 'updated'}"
