"""Settings that cannot work are refused with what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ingest.influx.settings import InfluxSettings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"dialect": "v2"}, "needs `token` and `org`"),
        ({"dialect": "v2", "token": ""}, "needs `token` and `org`"),
        ({"dialect": "v2", "token": "t", "org": ""}, "needs `token` and `org`"),
        ({"dialect": "v1", "username": "u"}, "go together"),
        ({"dialect": "v1", "token": "t"}, "`token` is for 2.x and 3"),
        ({"dialect": "v3", "username": "u", "password": "p"}, "are for dialect v1"),
        ({"dialect": "v3", "create_database": True}, "for dialect v1"),
        ({"dialect": "v1", "url": "influx:8086"}, "must begin with http"),
        ({"dialect": "v1", "url": "http://u:p@influx:8086"}, "credentials have settings of their own"),
        ({"dialect": "v1", "bucket": 'a"b'}, "bucket"),
        ({"dialect": "v1", "timeout_s": 0}, "timeout_s"),
        ({"dialect": "v1", "retries": 3}, "retries"),
    ],
)
def test_a_bad_setting_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace("(", r"\(")):
        InfluxSettings(**given)


def test_secrets_do_not_show() -> None:
    settings = InfluxSettings(dialect="v1", username="u", password="sesame")
    assert "sesame" not in repr(settings)
    assert InfluxSettings(dialect="v3", url="http://h:8181/").url == "http://h:8181"


def test_every_field_is_described() -> None:
    assert all(field.description for field in InfluxSettings.model_fields.values())
