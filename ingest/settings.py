"""Ingest's settings: one TOML file, overridden by environment variables VIGIA_INGEST__<SECTION>__<NAME>."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from ingest.api.settings import ApiSettings
from ingest.influx.settings import InfluxSettings
from ingest.media.settings import MediaSettings


class Section(BaseModel):
    """A table of the file: unknown keys are mistakes, not decoration."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerSettings(Section):
    """[broker]"""

    host: str = Field("localhost", min_length=1, description="The MQTT broker.")
    port: int = Field(8883, ge=1, le=65535, description="Its port: 8883 with certificates, 1883 without.")
    tls: bool = Field(True, description="Encrypt and show our certificate. Only a test does without.")
    ca_file: Path = Field(Path("/etc/vigia/ca.crt"), description="The authority that vouches for the broker.")
    cert_file: Path = Field(Path("/etc/vigia/ingest.crt"), description="This service's certificate.")
    key_file: Path = Field(Path("/etc/vigia/ingest.key"), description="This service's private key.")
    client_id: str = Field(
        "ingest",
        pattern=r"^[a-z0-9-]{1,32}$",
        description="Name of this process at the broker; several that share the load need one each.",
    )
    group: SecretStr | None = Field(
        None,
        description="Only when several processes share the load: the name of their group, the same for all, hard to"
        " guess (16 characters or more): a post that knew it could take messages away from them.",
    )
    receive_maximum: int = Field(
        200, ge=1, le=65535, description="Most messages that the broker gives us before we have them on disk."
    )
    session_kept_s: int = Field(
        86_400, ge=0, le=2_592_000, description="How long the broker keeps messages for us while we are away, seconds."
    )
    keepalive_s: int = Field(30, ge=5, le=3600, description="Seconds between signs of life on an idle connection.")

    @model_validator(mode="after")
    def _group_is_secret(self) -> Self:
        if self.group is None:
            return self
        group = self.group.get_secret_value()
        if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", group):
            raise ValueError("`group` is 1 to 64 letters, digits and hyphens")
        if self.tls and len(group) < 16:
            raise ValueError("`group` needs 16 characters or more; `openssl rand -hex 16` makes a good one")
        return self


class JournalSettings(Section):
    """[journal]"""

    path: Path = Field(Path("/var/lib/vigia/journal.db"), description="The file that keeps messages as they came.")
    keep_days: int = Field(
        30, ge=0, le=3650, description="Messages that every sink has stored are kept this long all the same."
    )
    station_bytes_per_day: int = Field(
        512 * 1024 * 1024,
        ge=1024 * 1024,
        description="How many bytes of new messages a station may lay into the journal from midnight to midnight UTC:"
        " so that none fills the disk for all. 512 MiB are some 80 million readings, years of a post. What comes beyond"
        " it is not receipted, so that nothing is lost: the post keeps it and sends it again.",
    )


class RegistrySettings(Section):
    """[registry]"""

    path: Path = Field(Path("/etc/vigia/registry.toml"), description="Territories and stations: who is where.")


class CommandSettings(Section):
    """[commands]"""

    path: Path | None = Field(
        None,
        description="The book of commands, which `vigia commands` writes and this process sends from, such as"
        " /var/lib/vigia/commands.db. Without it no commands are sent; of several processes only one has it.",
    )


class IngestSettings(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    ENV_PREFIX: ClassVar[str] = "VIGIA_INGEST__"

    broker: BrokerSettings = Field(default_factory=BrokerSettings, description="Where messages come from.")
    journal: JournalSettings = Field(default_factory=JournalSettings, description="What is kept on disk.")
    registry: RegistrySettings = Field(default_factory=RegistrySettings, description="Who is where.")
    influx: InfluxSettings = Field(description="Where points go.")
    commands: CommandSettings = Field(default_factory=CommandSettings, description="Orders to posts.")
    media: MediaSettings = Field(default_factory=MediaSettings, description="Pictures and clips of the posts.")
    api: ApiSettings = Field(default_factory=ApiSettings, description="The HTTP service.")

    @property
    def media_path(self) -> Path | None:
        """Where this process keeps index and parts of pictures; None when it takes none."""
        take = self.media.take if self.media.take is not None else self.broker.group is None
        return (self.media.path or self.journal.path.parent / "media") if take else None
