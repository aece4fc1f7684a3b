"""InfluxDB, real: there, without the bucket, refusing, away; nothing is written."""

from __future__ import annotations

import pytest

from deploy.doctor.findings import Mark
from deploy.doctor.influx import influx_check
from deploy.parts.processes import free_port
from deploy.parts.servers import InfluxDB
from ingest.influx.settings import InfluxSettings
from tests.deploy.doctor.findings import found
from tests.support.influx2_front import Influx2Front

pytestmark = pytest.mark.slow


def test_version_1(influx: InfluxDB) -> None:
    settings = InfluxSettings(dialect="v1", url=influx.url, bucket="vigia")
    assert found(influx_check(settings).look()) == {"influx_no_bucket": Mark.WRONG}
    makes = settings.model_copy(update={"create_database": True})
    assert found(influx_check(makes).look()) == {"influx_to_be_made": Mark.OK}
    influx.create("vigia")
    assert found(influx_check(settings).look()) == {"influx": Mark.OK}
    assert influx.query("vigia", "SHOW MEASUREMENTS") == []


def test_version_2(influx: InfluxDB) -> None:
    influx.create("vigia")
    with Influx2Front(influx.port) as front:
        url = f"http://127.0.0.1:{front.port}"
        good = InfluxSettings.model_validate({"dialect": "v2", "url": url, "token": front.token})
        wrong_token = InfluxSettings.model_validate({"dialect": "v2", "url": url, "token": "another"})
        assert found(influx_check(good).look()) == {"influx": Mark.OK}
        assert found(influx_check(wrong_token).look()) == {"influx_refused": Mark.WRONG}
        other = good.model_copy(update={"bucket": "other"})
        assert found(influx_check(other).look()) == {"influx_no_bucket": Mark.WRONG}


def test_away() -> None:
    settings = InfluxSettings(dialect="v1", url=f"http://127.0.0.1:{free_port()}")
    assert found(influx_check(settings).look()) == {"influx_away": Mark.WRONG}
