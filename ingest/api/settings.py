"""The `[api]` part of ingest's settings."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class ApiSettings(BaseModel):
    """Where the API listens and who may ask it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Annotated[
        str, Field(min_length=1, description="Address to listen on: 127.0.0.1 for this machine alone, 0.0.0.0 for all.")
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="TCP port; 0 takes any free one.")] = 8080
    token: Annotated[
        SecretStr | None,
        Field(
            description="Secret that callers send as `Authorization: Bearer <token>`, 16 characters or more. "
            "Without one the API is open, which is allowed on a loopback address only."
        ),
    ] = None

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if self.token is None and not self.on_loopback:
            raise ValueError(
                f"an API on {self.host} can be reached from other machines and needs a `token`, "
                "or set `host` to 127.0.0.1"
            )
        if self.token is not None and not 16 <= len(self.token.get_secret_value()) <= 256:
            raise ValueError("`token` must have 16 to 256 characters; `openssl rand -hex 32` makes a good one")
        if self.token is not None and not all("!" <= c <= "~" for c in self.token.get_secret_value()):
            raise ValueError("`token` must be of ASCII letters, digits and signs without spaces")
        return self
