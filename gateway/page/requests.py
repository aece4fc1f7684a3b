"""What a request says, read with bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from gateway.page.guard import MAX_FORM_BYTES

_MAX_FIELDS: Final = 16


class FormError(ValueError):
    """A form that is none of ours."""


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form (application/x-www-form-urlencoded). Raises FormError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", ""):
        raise FormError("it is no form")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise FormError("the form is too long")
    except ClientDisconnect:
        raise FormError("the form was not sent to its end") from None
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as error:  # UnicodeDecodeError is one
        raise FormError("the form cannot be read") from error
    return dict(fields)


def local_path(text: str) -> str:
    """A path of this page to go back to; "/" for anything else."""
    if (
        text.startswith("/")
        and not text.startswith("//")
        and "\\" not in text
        and text.isprintable()
        and len(text) < 200
    ):
        return text
    return "/"


def address(request: Request) -> str:
    """Who asks: the address, "" where the connection has none."""
    return request.client.host if request.client is not None else ""
