"""InfluxDB 2.x and 3: `POST /api/v2/write` through influxdb-client, synchronous. The one importer of influxdb_client.

Its batching mode loses points in silence when the database is away, so it is not used; neither are its retries.
"""

from __future__ import annotations

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from ingest.errors import RetryLater
from ingest.influx.answers import check_write_answer
from ingest.influx.settings import InfluxSettings
from ingest.influx.transport import TRANSPORT_ERRORS, outage


class WriterV2:
    """A PointWriter for 2.x and for 3, which ignores `org` and may do without a token."""

    def __init__(self, settings: InfluxSettings) -> None:
        self._url = settings.url
        self._org = settings.org
        self._client = InfluxDBClient(
            url=settings.url,
            token=settings.token.get_secret_value() if settings.token else "",
            org=settings.org,
            timeout=round(settings.timeout_s * 1000),
            enable_gzip=settings.gzip,
            retries=False,
        )
        self._api = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, bucket: str, lines: bytes) -> None:
        """See PointWriter."""
        try:
            self._api.write(bucket=bucket, org=self._org, record=lines)  # its precision is nanoseconds unless told
        except ApiException as error:
            if not error.status:  # influxdb-client's way to say that TLS failed
                raise RetryLater(f"no safe connection to InfluxDB at {self._url} ({error.reason})") from error
            body = error.body if isinstance(error.body, bytes) else str(error.body or "").encode()
            retry_after = error.headers.get("Retry-After") if error.headers else None
            check_write_answer(error.status, body, retry_after, url=self._url, bucket=bucket)
        except UnicodeDecodeError as error:
            raise RetryLater(f"InfluxDB at {self._url} answered with bytes that are not text") from error
        except TRANSPORT_ERRORS as error:
            raise outage(error, self._url) from error

    def close(self) -> None:
        """See PointWriter."""
        self._api.close()  # type: ignore[no-untyped-call]  # influxdb-client leaves it without types
        self._client.close()  # type: ignore[no-untyped-call]  # as above
