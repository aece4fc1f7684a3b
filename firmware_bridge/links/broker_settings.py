"""How to reach somebody else's MQTT broker, such as a network server's: a table in the settings of a source."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from firmware_bridge.delivery import Claim, SourceSettings

_HOST: Final = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_MAX_PASSWORD_FILE_BYTES: Final = 1024


class BrokerSettings(BaseModel):
    """A broker, on this machine, in the local network or beyond."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(default="localhost", min_length=1, description="Name or address of the broker.")
    port: int = Field(default=1883, ge=1, le=65535, description="Its port: usually 1883, or 8883 with tls.")
    username: str = Field(default="", max_length=256, description="User name at the broker; empty for none.")
    password: SecretStr | None = Field(
        default=None, description="The password. Better in a file of its own: see password_file."
    )
    password_file: Path | None = Field(
        default=None, description="A file that holds the password and nothing else, readable by the gateway only."
    )
    tls: bool = Field(default=False, description="Encrypt, and check the broker's certificate.")
    ca_file: Path | None = Field(
        default=None, description="With tls: the authority that vouches for the broker. Not given: those of the system."
    )
    cert_file: Path | None = Field(default=None, description="With tls: a certificate of our own, if it is asked for.")
    key_file: Path | None = Field(default=None, description="The private key of that certificate.")
    client_id: str = Field(
        default="",
        max_length=64,
        pattern=r"^[A-Za-z0-9_.-]*$",
        description="Our name at the broker, which nobody else there may have. Empty: made from the names of this "
        "machine and of the source.",
    )
    keepalive_s: int = Field(default=60, ge=5, le=3600, description="Seconds between signs of life on an idle link.")

    @field_validator("host")
    @classmethod
    def _bare_host(cls, host: str) -> str:
        try:
            ip_address(host)
        except ValueError:
            if not _HOST.fullmatch(host):
                bare = re.sub(r"^[a-z0-9+]+://|[/\s].*$|:\d*(?=/|$)", "", host.strip()) or "127.0.0.1"
                shown = bare if _HOST.fullmatch(bare) else "127.0.0.1"
                raise ValueError(
                    f'a host is a name or an address alone, such as "{shown}"; its port goes into port'
                ) from None
        return host

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("either password or password_file, not both")
        if (self.password is not None or self.password_file is not None) and not self.username:
            raise ValueError("a password needs a username")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together")
        if not self.tls and (self.ca_file is not None or self.cert_file is not None):
            raise ValueError("ca_file, cert_file and key_file need tls = true")
        return self

    def read_password(self) -> str | None:
        """The password, None for none. Raises OSError or ValueError; neither quotes it."""
        if self.password_file is None:
            return self.password.get_secret_value() if self.password is not None else None
        with self.password_file.open("rb") as file:
            raw = file.read(_MAX_PASSWORD_FILE_BYTES)
        try:
            return raw.decode().strip()
        except UnicodeDecodeError:
            raise ValueError(f"{self.password_file} is not text") from None

    def name_for(self, source: str) -> str:
        """The client id that a source uses: the same after each restart, so that the broker keeps its session."""
        return self.client_id or f"vigia-{source}-{socket.gethostname()}"[:64]


class BrokerSourceSettings(SourceSettings):
    """A source at a broker."""

    broker: BrokerSettings = Field(default=BrokerSettings(), description="The broker.")

    def claims(self) -> Iterator[Claim]:
        """See `SourceSettings.claims`. Of two of one client id a broker disconnects one."""
        yield from super().claims()
        client = f"{self.broker.name_for(self.name)} at {self.broker.host}:{self.broker.port}"
        yield Claim(("broker", "client_id"), "goes by client id", client)
