"""What the running ingest says of itself: its /readyz."""

from __future__ import annotations

import http.client
import json
from typing import Final

from deploy.doctor.findings import Check, Finding, Text, attention, ok, sentence, wrong
from ingest.api.settings import ApiSettings

_TIMEOUT_S: Final = 1.5
_MAX_ANSWER_BYTES: Final = 64 * 1024


def api_check(settings: ApiSettings) -> Check:
    """One question to the API of this machine."""
    return Check(Text("API", "API"), lambda: _look(settings))


def _look(settings: ApiSettings) -> list[Finding]:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  to ask, not to listen
    where = f"http://{host}:{settings.port}/readyz"
    connection = http.client.HTTPConnection(host, settings.port, timeout=_TIMEOUT_S)
    token = settings.token.get_secret_value() if settings.token else ""
    try:
        connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {token}"} if token else {})
        told = json.loads(connection.getresponse().read(_MAX_ANSWER_BYTES))
        reasons = [str(reason) for reason in told["reasons"]]
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
    except (ValueError, KeyError, TypeError, http.client.HTTPException):
        return [
            attention(
                "api_strange",
                "En el puerto de la API contesta otro programa",
                "Another program answers there",
                where,
                todo=Text("Cambie [api] port", "Change [api] port"),
            )
        ]
    finally:
        connection.close()
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
