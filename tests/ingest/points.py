"""What stands in a database."""

from __future__ import annotations

from deploy.parts.servers import InfluxDB
from ingest import schema


def count(influx: InfluxDB, bucket: str, measurement: str = "environment") -> int:
    series = influx.query(bucket, f'SELECT count("{schema.SEQUENCE}") FROM "{measurement}"')
    return int(series[0]["values"][0][1]) if series else 0


def stored(influx: InfluxDB, bucket: str) -> list[int]:
    """The sequence numbers of all environment points, each as often as there is one."""
    always = "time >= '1970-01-01' AND time < '2262-01-01'"  # else later than now is left out
    series = influx.query(bucket, f'SELECT "{schema.SEQUENCE}" FROM "environment" WHERE {always}')
    return sorted(int(row[1]) for row in series[0]["values"])
