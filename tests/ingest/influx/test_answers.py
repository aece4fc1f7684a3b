"""Each answer of a database means one of: stored, refused for good, later."""

from __future__ import annotations

import pytest

from ingest.errors import IngestError, PartialWrite, Refused, RetryLater
from ingest.influx.answers import answer_text, check_write_answer, parse_retry_after


def meaning(status: int, body: bytes, retry_after: str | None = None) -> IngestError | None:
    try:
        check_write_answer(status, body, retry_after, url="http://db", bucket="vigia")
    except IngestError as error:
        return error
    return None


def test_stored() -> None:
    assert meaning(204, b"") is None
    assert meaning(200, b"") is None


@pytest.mark.parametrize(
    ("status", "body", "reason", "dropped"),
    [
        # 1.6.7, seen
        (400, b'{"error":"partial write: points beyond retention policy dropped=2"}\n', "beyond_retention", 2),
        (
            400,
            b'{"error":"partial write: field type conflict: input field \\"f\\" is type integer dropped=1"}',
            "field_type_conflict",
            1,
        ),
        (400, b'{"error":"partial write: unable to parse \'bad\': missing fields dropped=0"}', "parse_error", 0),
        (400, b'{"error":"partial write: max-values-per-tag limit exceeded (1/1): x dropped=1"}', "series_limit", 1),
        # 2.x and 3, documented
        (
            422,
            b'{"code":"unprocessable entity","message":"failure: partial write: beyond retention policy dropped=7"}',
            "beyond_retention",
            7,
        ),
        (
            400,
            b'{"error":"partial write of line protocol occurred","data":[{"error_message":"invalid column type"}]}',
            "field_type_conflict",
            None,
        ),
        # a name from the field must not be taken for the database's count
        (400, b'{"error":"partial write: unable to parse \'dropped=5000 x\': bad"}', "parse_error", None),
    ],
)
def test_partly_refused(status: int, body: bytes, reason: str, dropped: int | None) -> None:
    error = meaning(status, body)
    assert isinstance(error, PartialWrite)
    assert (error.reason, error.dropped) == (reason, dropped)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, b'{"error":"unable to parse \'bucket name\': missing fields"}', "parse_error"),
        (400, b'{"error":"field type conflict: input field"}', "field_type_conflict"),
        (422, b"what is this", "refused"),
        (413, b"", "too_large"),
    ],
)
def test_refused(status: int, body: bytes, reason: str) -> None:
    error = meaning(status, body)
    assert isinstance(error, Refused)
    assert not isinstance(error, PartialWrite)
    assert error.reason == reason


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b'{"error":"database is required"}', "check influx.url"),
        (401, b'{"error":"authorization failed"}', "credentials"),
        (403, b"", "credentials"),
        (404, b'{"error":"database not found: \\"x\\""}', "create it"),
        (301, b"", "final address"),
        (405, b"", "check influx.url"),
        (429, b"", "not able"),
        (500, b'{"error":"timeout"}', "timeout"),
        (503, b"\xff\xfe", "not able"),
    ],
)
def test_later(status: int, body: bytes, said: str) -> None:
    error = meaning(status, body, "7")
    assert isinstance(error, RetryLater)
    assert said in error.detail
    assert error.retry_after_s == 7


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        ("999999999", 300),
        ("-5", None),
        ("soon", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sun, 06 Nov 2094 08:49:37 GMT", 300),
        ("1e9", None),
        ("٣", None),
    ],
)
def test_patience_asked_of_us_is_bounded(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value) == seconds


def test_words_of_an_answer_are_one_line() -> None:
    assert answer_text(b'{"error":"a\\nb"}') == "a b"
    assert answer_text(b"[1]") == "[1]"
    assert answer_text(b"") == ""
