"""InfluxDB: it answers, the bucket is there, and we may write and read. No point is written."""

from __future__ import annotations

from typing import Final

from deploy.doctor.findings import LINK_LIMIT_S, Check, Finding, Text, ok, wrong
from ingest.errors import RetryLater
from ingest.influx.answers import answer_text
from ingest.influx.settings import InfluxSettings
from ingest.influx.transport import Transport

_TIMEOUT_S: Final = 2.0
_NOTHING_WRITTEN: Final = (200, 204, 400, 422)
"""Answers to a write of nothing that came past the credentials to the bucket: 1.x takes it, 2.x says it is empty."""


def influx_check(settings: InfluxSettings) -> Check:
    """One look, over the link that the settings name."""
    return Check(Text("InfluxDB", "InfluxDB"), lambda: _look(settings), LINK_LIMIT_S)


def _look(settings: InfluxSettings) -> list[Finding]:
    where = f"{settings.url} {settings.bucket}"
    transport = Transport(settings.model_copy(update={"timeout_s": min(_TIMEOUT_S, settings.timeout_s)}))
    try:
        if settings.dialect == "v1":
            write = transport.post("/write", {"db": settings.bucket})
        else:
            write = transport.post("/api/v2/write", {"bucket": settings.bucket, "org": settings.org})
        read = transport.post("/query", {"db": settings.bucket, "q": "SHOW MEASUREMENTS LIMIT 1"})
    except RetryLater as error:
        return [
            wrong(
                "influx_away",
                "InfluxDB no contesta",
                "InfluxDB does not answer",
                f"{where} ({error.detail.split(' (')[0][:200]})",
                todo=Text(
                    "¿Está prendido? sudo systemctl status influxdb; revise [influx] url",
                    "Does it run? sudo systemctl status influxdb; check [influx] url",
                ),
            )
        ]
    finally:
        transport.close()
    said = answer_text(write.body)[:200]
    if write.status in (401, 403):
        return [_refused(where, said, "escribir", "write")]
    if write.status == 404 and settings.create_database:
        return [
            ok(
                "influx_to_be_made",
                "InfluxDB contesta; la base se creará al llegar los primeros datos",
                "InfluxDB answers; the database will be made with the first data",
                where,
            )
        ]
    if write.status == 404:
        return [
            wrong(
                "influx_no_bucket",
                f"En InfluxDB no está la base «{settings.bucket}»",
                f"InfluxDB has no bucket {settings.bucket!r}",
                f"{where} ({said})",
                todo=Text(
                    "Créela (influx bucket create, o CREATE DATABASE) o corrija [influx] bucket y org",
                    "Make it (influx bucket create, or CREATE DATABASE) or mend [influx] bucket and org",
                ),
            )
        ]
    if write.status not in _NOTHING_WRITTEN:
        return [
            wrong(
                "influx_strange",
                f"InfluxDB contesta algo raro ({write.status} {said})",
                f"InfluxDB answers strangely ({write.status} {said})",
                where,
                todo=Text(
                    "Revise [influx] url y dialect, y el registro de InfluxDB",
                    "Check [influx] url and dialect, and InfluxDB's log",
                ),
            )
        ]
    if read.status in (401, 403):
        return [_refused(where, answer_text(read.body)[:200], "leer", "read")]
    return [
        ok(
            "influx",
            "InfluxDB contesta y nos deja escribir y leer",
            "InfluxDB answers and lets us write and read",
            where,
        )
    ]


def _refused(where: str, said: str, es: str, en: str) -> Finding:
    return wrong(
        "influx_refused",
        f"InfluxDB no nos deja {es} ({said})",
        f"InfluxDB does not let us {en} ({said})",
        where,
        todo=Text(
            "Revise el token, o usuario y contraseña, y sus permisos sobre la base",
            "Check the token, or user and password, and what they may do with the bucket",
        ),
    )
