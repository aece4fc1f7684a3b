"""The data source as Grafana's HTTP API takes it, and what of it Grafana shows again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.influxql import DATASOURCE_TYPE
from dashboards.settings import DashboardsSettings

MIN_INTERVAL = "1m"
"""The shortest interval of a panel: nothing in the field reports more often for long."""


def datasource_body(settings: DashboardsSettings) -> dict[str, Any]:
    """The body of POST /api/datasources, secrets included: for the request, never for a file or a log.

    The database is named twice: Grafana up to 9.3 reads `database`, later ones `jsonData.dbName` first.
    """
    influx = settings.influx
    options: dict[str, Any] = {
        "dbName": influx.database,
        "httpMode": "GET",
        "timeInterval": MIN_INTERVAL,
        "version": "InfluxQL",
    }
    secrets: dict[str, str] = {}
    if influx.token is not None:
        options["httpHeaderName1"] = "Authorization"
        secrets["httpHeaderValue1"] = f"Token {influx.token.get_secret_value()}"
    if influx.password is not None:
        secrets["password"] = influx.password.get_secret_value()
    body: dict[str, Any] = {
        "access": "proxy",
        "basicAuth": False,
        "database": influx.database,
        "isDefault": False,
        "jsonData": options,
        "name": settings.datasource_name,
        "type": DATASOURCE_TYPE,
        "uid": settings.datasource_uid,
        "url": influx.url,
        "user": influx.username or "",
    }
    return {**body, "secureJsonData": secrets} if secrets else body


def differs(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether what Grafana answered for a data source is not what is wanted, as far as it shows.

    Of a secret it shows only that it has one. Whether it is the default source is the people's choice there, and so are
    options that we do not set.
    """
    options: Mapping[str, Any] = there.get("jsonData") or {}
    held: Mapping[str, bool] = there.get("secureJsonFields") or {}
    plain = wanted.keys() - {"isDefault", "jsonData", "secureJsonData"}
    return (
        any(there.get(name) != wanted[name] for name in plain)
        or any(options.get(name) != value for name, value in wanted["jsonData"].items())
        or any(not held.get(name) for name in wanted.get("secureJsonData", {}))
    )


def updated(wanted: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """The body of PUT /api/datasources/uid/<uid>: what is wanted, and what people chose there beside it."""
    return {
        **wanted,
        "isDefault": bool(there.get("isDefault")),
        "jsonData": {**(there.get("jsonData") or {}), **wanted["jsonData"]},
    }
