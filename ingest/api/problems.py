"""Errors as the API tells them: one shape, in words that a person can act on."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ingest.errors import RetryLater


class Problem(BaseModel):
    """Why there is no answer."""

    detail: Annotated[str, Field(description="What is wrong and what to do.", examples=["`limit` must be at least 1"])]
    problems: Annotated[
        list[str], Field(description="Each fault of the request by itself; empty when it is not the request's fault.")
    ] = []


ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"model": Problem, "description": "The token is missing or wrong."},
    422: {"model": Problem, "description": "The request has a parameter that cannot be used."},
}
DATABASE_AWAY: Final[dict[int | str, dict[str, Any]]] = {
    503: {
        "model": Problem,
        "description": "The database is away; nothing is lost, ask again later.",
        "headers": {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
    }
}


def bad_request(problem: str) -> HTTPException:
    """For what the parameters' own rules cannot tell."""
    return HTTPException(422, problem)


def add_problem_handlers(app: FastAPI) -> None:
    """Every error answer of the application is a Problem."""
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RetryLater, _on_retry_later)


def _answer(status: int, problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(problem.model_dump(), status, headers)


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [_plain(fault) for fault in error.errors()[:10]]
    return _answer(422, Problem(detail="; ".join(problems), problems=problems))


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    problems = [detail] if error.status_code == 422 else []
    headers = dict(error.headers) if error.headers else None
    return _answer(error.status_code, Problem(detail=detail, problems=problems), headers)


async def _on_retry_later(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RetryLater)
    wait_s = math.ceil(error.retry_after_s) if error.retry_after_s else 10
    return _answer(503, Problem(detail=error.detail), {"Retry-After": str(wait_s)})


def _plain(fault: dict[str, Any]) -> str:
    name = f"`{fault['loc'][-1]}`" if fault.get("loc") else "the request"
    rules = fault.get("ctx", {})
    given = repr(fault.get("input"))[:60]
    match fault["type"]:
        case "missing":
            return f"{name} is missing"
        case "greater_than_equal":
            return f"{name} must be at least {rules['ge']}, not {given}"
        case "less_than_equal":
            return f"{name} must be at most {rules['le']}, not {given}"
        case "literal_error" | "enum":
            return f"{name} must be one of {rules['expected']}, not {given}"
        case "string_too_long":
            return f"{name} must have at most {rules['max_length']} characters"
        case "string_too_short":
            return f"{name} must not be empty"
        case "string_pattern_mismatch":
            return f"{name} must be 1 to 32 of a-z, 0-9 and inner hyphens, not {given}"
        case "timezone_aware":
            return f"{name} must say its offset from UTC, such as 2025-06-01T06:00:00Z, not {given}"
        case kind if kind.startswith("datetime"):
            return f"{name} must be a time of RFC 3339, such as 2025-06-01T06:00:00Z, not {given}"
        case kind if kind.startswith("int"):
            return f"{name} must be a whole number, not {given}"
        case kind if kind.startswith("bool"):
            return f"{name} must be true or false, not {given}"
        case _:
            return f"{name}: {fault['msg'].removeprefix('Value error, ')}"
