"""The API's thread tells where it answers, and nothing that looks like an error."""

from __future__ import annotations

import logging
import re
import threading

import httpx
import pytest

from ingest.api.server import ApiServer
from ingest.api.settings import ApiSettings
from ingest.influx.reader import InfluxReader
from ingest.influx.settings import InfluxSettings
from ingest.registry import Registry
from tests.ingest.api.test_application import Snapshot
from tests.support.waiting import wait_until


@pytest.mark.slow
def test_one_line_says_where_it_answers(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    reader = InfluxReader(InfluxSettings(dialect="v1"))
    stop = threading.Event()
    api = ApiServer(ApiSettings(port=0), registry, reader, Snapshot())
    thread = threading.Thread(target=api.run, args=(stop,))
    thread.start()
    try:
        wait_until("it says where it answers", lambda: "the API answers" in caplog.text)
        told = re.search(r"the API answers on (http://127\.0\.0\.1:\d+)", caplog.text)
        assert told
        assert httpx.get(f"{told[1]}/healthz").json() == {"status": "alive"}
    finally:
        stop.set()
        thread.join()
        reader.close()
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]
