"""What the running ingest says of itself (its /readyz) and of the posts' links."""

from __future__ import annotations

import http.client
import json
from typing import Any, Final

from deploy.doctor.findings import Check, Finding, Text, attention, ok, sentence, wrong
from ingest.api.settings import ApiSettings

_TIMEOUT_S: Final = 1.5
_MAX_ANSWER_BYTES: Final = 64 * 1024


class StrangeAnswerError(Exception):
    """Another program answers there."""


def ask(settings: ApiSettings, path: str, *, max_bytes: int = _MAX_ANSWER_BYTES) -> Any:
    """The JSON that the API of this machine answers. Raises OSError, StrangeAnswerError."""
    connection = http.client.HTTPConnection(_host(settings), settings.port, timeout=_TIMEOUT_S)
    token = settings.token.get_secret_value() if settings.token else ""
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        return json.loads(connection.getresponse().read(max_bytes))
    except (ValueError, http.client.HTTPException) as error:
        raise StrangeAnswerError from error
    finally:
        connection.close()


def _host(settings: ApiSettings) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  to ask, not to listen


def api_check(settings: ApiSettings) -> Check:
    """One question to the API of this machine."""
    return Check(Text("API", "API"), lambda: _look(settings))


def _look(settings: ApiSettings) -> list[Finding]:
    where = f"http://{_host(settings)}:{settings.port}/readyz"
    try:
        reasons = [str(reason) for reason in ask(settings, "/readyz")["reasons"]]
    except OSError:
        return [
            wrong(
                "api_away",
                "La API de la sede no contesta",
                "The API does not answer",
                where,
                todo=Text(
                    "Prenda el servicio: sudo systemctl restart vigia-ingest",
                    "Start the service: sudo systemctl restart vigia-ingest",
                ),
            )
        ]
    except (StrangeAnswerError, KeyError, TypeError):
        return [
            attention(
                "api_strange",
                "En el puerto de la API contesta otro programa",
                "Another program answers there",
                where,
                todo=Text("Cambie [api] port", "Change [api] port"),
            )
        ]
    if not reasons:
        return [ok("api", "La sede dice que recibe y guarda", "Ingest says that it takes and stores messages", where)]
    return [
        wrong(
            "not_ready",
            f"La sede avisa: {_spanish(reason)}",
            f"Ingest says: {sentence(reason)}",
            where,
            todo=Text("Vea la línea de esa parte en este informe", "See that part in this report"),
        )
        for reason in reasons
    ]


def _spanish(reason: str) -> str:
    """A reason of /readyz, `part: detail`; the detail, which others worded, stays in brackets."""
    part, _, detail = reason.partition(": ")
    if part == "broker":
        return "no está conectada al broker"
    what = "el diario no recibe" if part == "journal" else f"no puede pasar datos a {part}"
    return f"{what} ({detail})" if detail else what
