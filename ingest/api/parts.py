"""What the endpoints work with, handed in by `create_api` and reached through the application's state."""

from __future__ import annotations

import difflib
import hmac
from typing import Annotated

import msgspec
from fastapi import Depends, HTTPException, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ingest.api.problems import bad_request
from ingest.api.settings import ApiSettings
from ingest.api.status import StatusSource
from ingest.influx.reader import InfluxReader
from ingest.media.service import MediaService
from ingest.registry import Registry


class Parts(msgspec.Struct, frozen=True):
    """The running service, as far as the API sees it. media: None when this process takes no pictures."""

    registry: Registry
    reader: InfluxReader
    status: StatusSource
    settings: ApiSettings
    media: MediaService | None = None


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


def refuse_unknown_parameters(request: Request) -> None:
    """Dependency of endpoints that show data: 422 for a parameter that the endpoint has not, or that is given twice.

    Taken in silence, a misspelt filter would answer with what nobody asked for.
    """
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = [field.alias for field in route.dependant.query_params]
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name.lower(), known, n=1)
            there = f"there are: {', '.join(known)}" if known else "there are none here"
            raise bad_request(f"no parameter `{name[:40]}`; {f'do you mean {close[0]}?' if close else there}")
        if given.count(name) > 1:
            raise bad_request(f"`{name}` is given {given.count(name)} times; give it once")
