"""The writer for the dialect in the settings."""

from __future__ import annotations

from ingest.influx.settings import InfluxSettings
from ingest.influx.writer import PointWriter
from ingest.influx.writer_v1 import WriterV1
from ingest.influx.writer_v2 import WriterV2


def writer_for(settings: InfluxSettings) -> PointWriter:
    """A writer that has not yet connected."""
    return WriterV1(settings) if settings.dialect == "v1" else WriterV2(settings)
