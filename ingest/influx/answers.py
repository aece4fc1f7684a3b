"""What InfluxDB's answer to a write means: stored, refused for good, or try again later.

The answers of 1.x were seen on 1.6.7; those of 2.x and 3 are from the documentation of `/api/v2/write`. Where the
answer may have another cause than the data, the data is kept (RetryLater).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from ingest.errors import PartialWrite, Refused, RetryLater

MAX_DETAIL: Final = 500
MAX_RETRY_AFTER_S: Final = 300.0
"""A database that asks for more patience than this is asked again all the same."""

_DROPPED: Final = re.compile(r"dropped=([0-9]+)$")  # at the very end: names from the field may stand before it
_REASONS: Final = (
    ("unable to parse", "parse_error"),
    ("type conflict", "field_type_conflict"),
    ("already exists as type", "field_type_conflict"),
    ("invalid column type", "field_type_conflict"),
    ("retention policy", "beyond_retention"),
    ("max-series-per-database", "series_limit"),
    ("max-values-per-tag", "series_limit"),
    ("parsing failed", "parse_error"),
)
_SETUP_FAULTS: Final = ("database is required", "precision", "organization", "bucket name")
"""A 400 that says one of these, and nothing of parsing, is about the request, not about the data in it."""


def check_write_answer(status: int, body: bytes, retry_after: str | None, *, url: str, bucket: str) -> None:
    """Nothing, if the lines are stored. Raises RetryLater, PartialWrite or Refused (reason `too_large`: send less)."""
    if status in (200, 204):
        return
    text = answer_text(body)
    lowered = text.lower()
    if status in (400, 422):
        if "partial write" in lowered:
            told = _DROPPED.search(lowered)
            raise PartialWrite(_reason(lowered), text[:MAX_DETAIL], int(told[1]) if told else None)
        if "parse" in lowered or not any(fault in lowered for fault in _SETUP_FAULTS):
            raise Refused(_reason(lowered), text[:MAX_DETAIL])
    if status == 413:
        raise Refused("too_large", text[:MAX_DETAIL] or "the database takes no request of this size")
    raise later(status, text, retry_after, url=url, bucket=bucket)


def later(status: int, text: str, retry_after: str | None, *, url: str, bucket: str) -> RetryLater:
    """The error for an answer that is not the data's fault, with what a person can do about it."""
    said = f"InfluxDB at {url} answered {status}" + (f": {text[:MAX_DETAIL]}" if text else "")
    if status in (401, 403):
        advice = "it refuses our credentials; check token, or username and password, and that they may use the bucket"
    elif status == 404:
        advice = f"database or bucket {bucket!r} is not there; create it, or set influx.create_database (1.x)"
    elif 300 <= status < 400:
        advice = "it sends us elsewhere; set influx.url to the final address"
    elif status >= 500 or status == 429:
        advice = "it is not able to now"
    else:
        advice = "check influx.url, dialect, org and bucket"
    return RetryLater(f"{said} ({advice})", parse_retry_after(retry_after))


def answer_text(body: bytes) -> str:
    """What an answer says in words: `error` or `message` of a JSON object, else its text; one line."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = None
    text = body.decode(errors="replace")
    if isinstance(answer, dict):
        said = answer.get("error") or answer.get("message")
        if said:
            rows = answer.get("data")  # 3.x names each line that it refused
            text = f"{said}: {rows[0]}" if isinstance(rows, list) and rows else str(said)
    return " ".join(text.split())


def parse_retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header (a number or an HTTP date, RFC 9110 10.2.3), 0 to MAX_RETRY_AFTER_S."""
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return min(float(value), MAX_RETRY_AFTER_S)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return min(max((when - datetime.now(UTC)).total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def _reason(lowered: str) -> str:
    return next((reason for words, reason in _REASONS if words in lowered), "refused")
