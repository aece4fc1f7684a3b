"""InfluxDB 1.x: `POST /write`."""

from __future__ import annotations

import gzip

from ingest.influx.answers import answer_text, check_write_answer, later
from ingest.influx.settings import InfluxSettings
from ingest.influx.statements import quote_identifier
from ingest.influx.transport import Answer, Transport


class WriterV1:
    """A PointWriter for 1.x. With `create_database` it makes a database that is not there."""

    def __init__(self, settings: InfluxSettings) -> None:
        self._transport = Transport(settings)
        self._gzip = settings.gzip
        self._create_database = settings.create_database

    def write(self, bucket: str, lines: bytes) -> None:
        """See PointWriter."""
        body = gzip.compress(lines, compresslevel=1) if self._gzip else lines
        answer = self._post(bucket, body)
        if answer.status == 404 and self._create_database:
            self._create(bucket)
            answer = self._post(bucket, body)
        check_write_answer(answer.status, answer.body, answer.retry_after, url=self._transport.url, bucket=bucket)

    def close(self) -> None:
        """See PointWriter."""
        self._transport.close()

    def _post(self, bucket: str, body: bytes) -> Answer:
        # Nanoseconds are `n` in 1.x. Say so: a precision that it does not know, it takes for nanoseconds in silence.
        return self._transport.post(
            "/write",
            {"db": bucket, "precision": "n"},
            body=body,
            headers={"Content-Encoding": "gzip"} if self._gzip else None,
        )

    def _create(self, bucket: str) -> None:
        answer = self._transport.post("/query", {"q": f"CREATE DATABASE {quote_identifier(bucket)}"})
        if answer.status != 200 or b'"error"' in answer.body:
            raise later(
                answer.status, answer_text(answer.body), answer.retry_after, url=self._transport.url, bucket=bucket
            )
