"""The key of one of our own devices as settings give it: in the settings or, better, in a file of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from firmware_bridge.framing.device_frames import KEY_BYTES

_HEX_KEY: Final = 2 * KEY_BYTES
_MAX_KEY_FILE_BYTES: Final = 1024
_BETWEEN_DIGITS: Final = re.compile(r"[\s:_-]")
_SPELT_KEY: Final = re.compile(rf"[0-9a-f]{{{_HEX_KEY}}}")


def _hide(value: Any) -> Any:
    """Wrapped before anything can refuse it, so that no message about a bad key quotes it."""
    return value if value is None or isinstance(value, SecretStr) else SecretStr(str(value))


def _hide_key(value: Any) -> Any:
    """A key where a file's name belongs, with or without 0x and signs between the digits, is hidden too."""
    digits = _BETWEEN_DIGITS.sub("", value).lower().removeprefix("0x") if isinstance(value, str) else ""
    return SecretStr(value) if _SPELT_KEY.fullmatch(digits) else value


def _check_file(value: Any) -> Any:
    if not isinstance(value, SecretStr):
        return value
    raise ValueError("a key, where the name of a file belongs: put it into a file, and name that")


def _check_key(key: SecretStr) -> SecretStr:
    key_bytes(key.get_secret_value())
    return key


def key_bytes(text: str) -> bytes:
    """The key that 32 hex digits spell. Raises ValueError without quoting them."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES or len(text) != _HEX_KEY:
        raise ValueError(f"a key is {_HEX_KEY} hex digits, in quotes")
    return key


class KeyedDevice(BaseModel):
    """A device of ours: its id and its key, which is told in exactly one way."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: str = Field(
        pattern=r"^[0-9a-f]{8}$",
        description="Device id as printed on the sensor: 8 hex digits in lower case, in quotes.",
    )
    key: Annotated[SecretStr | None, AfterValidator(lambda k: k and _check_key(k)), BeforeValidator(_hide)] = Field(
        default=None, description="The device's key, 32 hex digits. Better in a file of its own: see key_file."
    )
    key_file: Annotated[Path | None, BeforeValidator(_check_file), BeforeValidator(_hide_key)] = Field(
        default=None, description="A file that holds the key and nothing else, readable by the gateway only."
    )

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if (self.key is None) == (self.key_file is None):
            raise ValueError(f"device {self.id} needs either key or key_file")
        return self

    def read_key(self) -> bytes:
        """The 16 bytes of the key. Raises OSError or ValueError; neither quotes them."""
        if self.key is not None:
            return key_bytes(self.key.get_secret_value())
        if self.key_file is None:
            raise ValueError("neither key nor key_file")
        with self.key_file.open("rb") as file:
            raw = file.read(_MAX_KEY_FILE_BYTES)
        return key_bytes(raw.decode("ascii", errors="replace").strip())
