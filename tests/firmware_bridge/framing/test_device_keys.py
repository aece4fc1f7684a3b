"""A key is told in one way, and no message quotes it, wherever it was put."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from firmware_bridge.framing.device_keys import KeyedDevice

KEY = "00112233445566778899aabbccddeeff"


@pytest.mark.parametrize(
    "pasted", [KEY, KEY.upper(), f" {KEY}\n", f"0x{KEY}", "00:11:22:33 44-55-66-77-8899aabbccddeeff"]
)
def test_a_key_pasted_into_key_file_is_refused_and_never_quoted(pasted: str) -> None:
    with pytest.raises(ValidationError, match="put it into a file, and name that") as refused:
        KeyedDevice.model_validate({"id": "00a1b2c3", "key_file": pasted})
    assert pasted not in f"{refused.value} {refused.value.errors()} {refused.value.json()}"


@pytest.mark.parametrize("key", [KEY[1:], KEY + "00", "z" * 32, 5])
def test_a_bad_key_is_never_quoted(key: object) -> None:
    with pytest.raises(ValidationError, match="a key is 32 hex digits") as refused:
        KeyedDevice.model_validate({"id": "00a1b2c3", "key": key})
    assert f"{key}'" not in f"{refused.value} {refused.value.errors()}"


def test_the_key_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / KEY  # as good a name as any, in a directory
    path.write_text(KEY + "\n")
    assert KeyedDevice.model_validate({"id": "00a1b2c3", "key_file": str(path)}).read_key() == bytes.fromhex(KEY)
    assert KeyedDevice.model_validate({"id": "00a1b2c3", "key_file": path}).read_key() == bytes.fromhex(KEY)
