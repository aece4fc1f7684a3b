"""What the endpoints work with, handed in by `create_api` and reached through the application's state."""

from __future__ import annotations

import hmac
from typing import Annotated

import msgspec
from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ingest.api.settings import ApiSettings
from ingest.api.status import StatusSource
from ingest.influx.reader import InfluxReader
from ingest.registry import Registry


class Parts(msgspec.Struct, frozen=True):
    """The running service, as far as the API sees it."""

    registry: Registry
    reader: InfluxReader
    status: StatusSource
    settings: ApiSettings


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


PartsOf = Annotated[Parts, Depends(_parts)]

_bearer = HTTPBearer(auto_error=False, description="The token of the `[api]` settings, where one is set.")


def _is_authorised(
    parts: PartsOf, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> bool:
    if parts.settings.token is None:
        return True
    given = credentials.credentials if credentials is not None else ""
    return hmac.compare_digest(given.encode(), parts.settings.token.get_secret_value().encode())


Authorised = Annotated[bool, Depends(_is_authorised)]
"""Whether the caller may see more than that the service lives."""


def require_token(authorised: Authorised) -> None:
    """Dependency of endpoints that show data: 401 without the token."""
    if not authorised:
        raise HTTPException(
            401,
            "this needs the API's token: send `Authorization: Bearer <token>`",
            headers={"WWW-Authenticate": "Bearer"},
        )
