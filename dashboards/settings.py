"""Settings of dashboards: the section [grafana] of a TOML file, overridden by VIGIA_GRAFANA__<NAME> in the environment.

A secret is best given in the environment: VIGIA_GRAFANA__TOKEN, VIGIA_GRAFANA__INFLUX__TOKEN.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from dashboards.boards import DATASOURCE_UID, DEFAULT_TIME_ZONE
from dashboards.errors import SettingsError


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, a bracket that is not closed
        usable = False
    if not usable:
        raise ValueError("must begin with http:// or https:// and name a host, such as http://127.0.0.1:3000")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("holds only scheme, host, port and path; credentials have settings of their own")
    return url.rstrip("/")


def _time_zone(name: str) -> str:
    if name not in ("browser", "utc") and name not in available_timezones():
        raise ValueError('is not "browser", "utc" or a zone such as America/Lima')
    return name


BaseUrl = Annotated[str, AfterValidator(_base_url)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InfluxSourceSettings(_Section):
    """[grafana.influx]: how Grafana itself reaches InfluxDB."""

    dialect: Literal["v1", "v2", "v3"] = Field(
        "v2", description="Which InfluxDB it is: v1 (1.x), v2 (2.x) or v3 (3 Core)."
    )
    url: BaseUrl = Field("http://127.0.0.1:8086", description="Its address as seen from Grafana's machine.")
    database: str = Field(
        "vigia", min_length=1, max_length=64, description="The database (in 2.x: the bucket) that holds the points."
    )
    username: str | None = Field(None, description="1.x with authentication: a user that may read.")
    password: SecretStr | None = Field(None, description="1.x with authentication: the user's password.")
    token: SecretStr | None = Field(None, description="2.x and 3: a token that may read the database.")

    @model_validator(mode="after")
    def _fits_dialect(self) -> Self:
        if self.dialect == "v1":
            if self.token is not None:
                raise ValueError("`token` is for 2.x and 3; dialect v1 takes `username` and `password`")
            if (self.username is None) != (self.password is None):
                raise ValueError("`username` and `password` go together")
        elif self.username is not None or self.password is not None:
            raise ValueError("`username` and `password` are for dialect v1; 2.x and 3 take a `token`")
        return self


class DashboardsSettings(_Section):
    """[grafana]: where Grafana is, who we are there, and what the boards look like."""

    url: BaseUrl = Field(
        "http://127.0.0.1:3000", description="Grafana's address, with its path when it is served below one."
    )
    token: SecretStr | None = Field(
        None, description="A token of a service account with the role Admin (data sources need it)."
    )
    user: str | None = Field(None, description="Instead of a token: a user of Grafana with the role Admin.")
    password: SecretStr | None = Field(None, description="The user's password.")
    timeout_s: float = Field(15.0, gt=0, le=300, description="How long one request may take, seconds.")
    tls_verify: bool = Field(True, description="Check Grafana's certificate. Only a test does without.")
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        DEFAULT_TIME_ZONE,
        description='Time zone of the boards: "browser" (that of who looks), "utc", or one such as America/Lima.',
    )
    folder: str = Field("Vigía", min_length=1, max_length=100, description="Title of the boards' folder.")
    datasource_name: str = Field("Vigía", min_length=1, max_length=100, description="Name of the data source.")
    datasource_uid: str = Field(
        DATASOURCE_UID,
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="Identifier of the data source, by which the boards refer to it.",
    )
    renew_secrets: bool = Field(
        False,
        description="Send InfluxDB's password or token even when Grafana already holds one. Grafana never shows it, so "
        "after a change it has to be told: set this for one push.",
    )
    influx: InfluxSourceSettings = Field(
        default_factory=InfluxSourceSettings, description="How Grafana itself reaches InfluxDB."
    )

    @model_validator(mode="after")
    def _has_whole_credentials(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("`user` and `password` go together")
        if self.token is not None and self.user is not None:
            raise ValueError("give a `token`, or `user` and `password`, not both")
        return self


def load_settings(file: Path | None = None) -> DashboardsSettings:
    """The section [grafana] of a TOML file (other sections are not looked at), then the environment over it.

    Raises SettingsError: no such file, not TOML, or one line for each setting that is wrong, without its value.
    """

    class _File(BaseSettings):
        model_config = SettingsConfigDict(
            env_prefix="VIGIA_", env_nested_delimiter="__", extra="ignore", toml_file=file
        )
        grafana: DashboardsSettings = Field(default_factory=DashboardsSettings)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, TomlConfigSettingsSource(settings_cls)

    if file is not None and not file.is_file():
        raise SettingsError(f"{file}: no such file; name a TOML file with a section [grafana]")
    try:
        return _File().grafana
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: not TOML: {error}") from None
    except ValidationError as error:
        lines = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        where = file or "the environment (VIGIA_GRAFANA__...)"
        raise SettingsError("\n".join((f"{where}: settings that cannot be used:", *lines))) from None
