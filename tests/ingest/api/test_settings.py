"""An API that others can reach has a token."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ingest.api.settings import ApiSettings


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_open_on_loopback(host: str) -> None:
    assert ApiSettings(host=host).on_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "hq.example.org", "localhost.example.org"])
def test_never_open_to_others(host: str) -> None:
    with pytest.raises(ValidationError, match="needs a `token`"):
        ApiSettings(host=host)
    assert not ApiSettings(host=host, token="0123456789abcdef").on_loopback


@pytest.mark.parametrize("token", ["", "short", "x" * 257, "with a space in it!", "ñ" * 20, "0123456789abcdef\n"])
def test_a_token_that_is_none(token: str) -> None:
    with pytest.raises(ValidationError, match="`token` must"):
        ApiSettings(token=token)


def test_every_field_is_described_and_secrets_do_not_show() -> None:
    assert all(field.description for field in ApiSettings.model_fields.values())
    assert "0123456789abcdef" not in repr(ApiSettings(token="0123456789abcdef"))
