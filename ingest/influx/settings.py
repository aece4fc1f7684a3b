"""The `[influx]` part of ingest's settings."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

Dialect = Literal["v1", "v2", "v3"]

BELIEVE_DAYS_BACK: Final = 400
"""How old an entry may be when it comes, days: longer than any post was ever cut off, so more than a year."""

SERIES_PER_STATION: Final = 2000
"""Fifty sensors of five kinds with eight labels each."""

TO_BE_FILLED_IN: Final = "put the token here, or into VIGIA_INGEST__INFLUX__TOKEN"
"""What stands in a new settings file in place of the token. It opens nothing, and is refused."""


class InfluxSettings(BaseModel):
    """Where points are written and read, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dialect: Annotated[
        Dialect,
        Field(description="Which InfluxDB it is: v1 (1.x, Debian's and Raspberry Pi OS's), v2 (2.x) or v3 (3 Core)."),
    ] = "v2"
    url: Annotated[
        str, Field(description="Its address, such as http://127.0.0.1:8086 or https://influx.example.org.")
    ] = "http://127.0.0.1:8086"
    bucket: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$",
            description="The bucket (in 1.x and 3: the database) that receives every point.",
        ),
    ] = "vigia"
    org: Annotated[str, Field(max_length=64, description="2.x only: the organisation that owns the bucket.")] = "vigia"
    token: Annotated[
        SecretStr | None,
        Field(description="2.x and 3: an API token that may write to and read from the bucket."),
    ] = None
    username: Annotated[str | None, Field(description="1.x with authentication: the user.")] = None
    password: Annotated[SecretStr | None, Field(description="1.x with authentication: the user's password.")] = None
    timeout_s: Annotated[
        float, Field(gt=0, le=300, description="How long one request may take before it is tried again later, seconds.")
    ] = 10.0
    gzip: Annotated[
        bool,
        Field(
            description="Compress what is written: for a database behind a slow link; beside it, it only costs time."
        ),
    ] = False
    create_database: Annotated[bool, Field(description="1.x only: make the database when it is not there.")] = False

    believe_days_back: Annotated[
        int,
        Field(
            ge=1,
            le=100_000,
            description=(
                "How old a reading may be when its message comes, days. What is older, or more than a day in the"
                " future, is not written but kept as a dead letter (implausible_time): each week of such times costs"
                " the database a shard. Raise it for a post that was cut off for longer, then: vigia ingest redrive."
            ),
        ),
    ] = BELIEVE_DAYS_BACK
    series_per_station: Annotated[
        int,
        Field(
            ge=10,
            le=1_000_000,
            description=(
                "How many series (a sensor's readings of one kind with one label) a station may have in the database."
                " Beyond that, entries of new ones are not written but kept as a dead letter (too_many_series): a post"
                " that makes up names would otherwise use up what the database can hold for all. What is known already"
                " always passes."
            ),
        ),
    ] = SERIES_PER_STATION

    @field_validator("url")
    @classmethod
    def _is_base_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must begin with http:// or https:// and name a host, such as http://127.0.0.1:8086")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("holds only scheme, host, port and path; credentials have settings of their own")
        return url.rstrip("/")

    @field_validator("token")
    @classmethod
    def _is_filled_in(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and token.get_secret_value() == TO_BE_FILLED_IN:
            raise ValueError(
                "is still the text of the sample: put InfluxDB's token there, or leave the line out and set the "
                "environment variable VIGIA_INGEST__INFLUX__TOKEN"
            )
        return token

    @model_validator(mode="after")
    def _fits_dialect(self) -> Self:
        if self.dialect == "v2" and not (self.token and self.token.get_secret_value() and self.org):
            raise ValueError("InfluxDB 2.x needs `token` and `org`")
        if self.dialect == "v1" and (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` go together")
        if self.dialect != "v1" and (self.username is not None or self.password is not None):
            raise ValueError("`username` and `password` are for dialect v1; 2.x and 3 take a `token`")
        if self.dialect == "v1" and self.token is not None:
            raise ValueError("`token` is for 2.x and 3; dialect v1 takes `username` and `password`")
        if self.dialect != "v1" and self.create_database:
            raise ValueError("`create_database` is for dialect v1; a 2.x bucket is made by `influx bucket create`")
        return self
