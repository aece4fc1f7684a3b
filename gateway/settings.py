"""The gateway's settings: one TOML file, overridden by environment variables VIGIA_GATEWAY__<SECTION>__<NAME>."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from firmware_bridge.readings import LABELS
from firmware_bridge.sources import SourceSettings
from gateway.commands.settings import CommandSettings
from gateway.contract.topics import ContractError, check_station
from gateway.label_names import LabelName
from gateway.media.settings import MediaSettings
from gateway.page.settings import PageSettings
from gateway.place.settings import PlaceSettings
from gateway.rules.settings import RulesSettings
from gateway.section import Section
from gateway.uplink.settings import UplinkSettings
from gateway.warning.settings import LogSettings, RadioSettings, WarningSettings
from gateway.watch.settings import HistorySettings


def _station(name: str) -> str:
    try:
        return check_station(name)
    except ContractError as error:
        raise ValueError(error.detail) from None


class StationSettings(Section):
    """[station]"""

    name: Annotated[str, AfterValidator(_station)] = Field(
        "puesto-1",
        description="Name of this post: 1 to 32 of a-z, 0-9 and hyphens; also the name in its certificate.",
    )


class OutboxSettings(Section):
    """[outbox]"""

    path: Path = Field(
        Path("/var/lib/vigia/outbox.db"), description="The file that keeps what headquarters does not have yet."
    )
    max_megabytes: int = Field(
        512, ge=1, le=1_000_000, description="Largest size. When full, the oldest of the least urgent lane goes first."
    )
    memory_megabytes: int = Field(
        4, ge=1, le=256, description="How much may wait in memory while the disk takes nothing."
    )
    commit_every_s: float = Field(
        1.0, gt=0, le=60, description="Longest time that a reading other than an alert waits for the disk, seconds."
    )


class LaneSettings(Section):
    """[lanes]"""

    alert_labels: list[LabelName] = Field(
        default_factory=lambda: sorted(label.name for label in LABELS.values() if label.alert),
        description="Sounds and sights that warn the post at once and are sent first.",
    )
    alert_confidence: float = Field(
        0.5, ge=0, le=1, description="Least confidence of an alert; a less sure detection is kept and sent as one."
    )


class ClockSettings(Section):
    """[clock]"""

    trust: Literal["ntp", "system"] = Field(
        "ntp",
        description='"ntp" believes the clock while the kernel says it is synchronised; "system" believes it always.',
    )
    settle_s: float = Field(
        20.0,
        ge=0,
        le=3600,
        description="After connecting, how long readings of unknown time wait for the clock to be set. Alerts do not.",
    )


class HealthSettings(Section):
    """[health]"""

    every_s: float = Field(60.0, ge=1, le=86400, description="Seconds between the gateway's reports about itself.")


def _log_alone() -> list[WarningSettings]:
    return [LogSettings()]


class GatewaySettings(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    ENV_PREFIX: ClassVar[str] = "VIGIA_GATEWAY__"

    station: StationSettings = Field(default_factory=StationSettings, description="Who this post is.")
    outbox: OutboxSettings = Field(default_factory=OutboxSettings, description="What is kept on disk.")
    media: MediaSettings = Field(default_factory=MediaSettings, description="Pictures and clips that are kept.")
    lanes: LaneSettings = Field(default_factory=LaneSettings, description="What is urgent.")
    uplink: UplinkSettings = Field(default_factory=UplinkSettings, description="The link to headquarters.")
    clock: ClockSettings = Field(default_factory=ClockSettings, description="Whom to believe about the time.")
    health: HealthSettings = Field(default_factory=HealthSettings, description="Reports about the gateway itself.")
    place: PlaceSettings = Field(default_factory=PlaceSettings, description="Where the post and its sensors are.")
    rules: RulesSettings = Field(default_factory=RulesSettings, description="What makes an alert of what is heard.")
    page: PageSettings = Field(default_factory=PageSettings, description="The page for phones at the post.")
    commands: CommandSettings = Field(
        default_factory=CommandSettings, description="Orders from headquarters, and whose."
    )
    history: HistorySettings = Field(
        default_factory=HistorySettings, description="What was heard, kept at the post for its rules."
    )
    warnings: list[WarningSettings] = Field(
        default_factory=_log_alone,
        max_length=32,
        description="By what the people at the post are warned: one [[warnings]] for each; the log alone if left out.",
    )
    sources: list[SourceSettings] = Field(
        default_factory=list, description="What this post listens to: one [[sources]] for each port."
    )

    @field_validator("sources")
    @classmethod
    def _no_twins(cls, sources: list[SourceSettings]) -> list[SourceSettings]:
        """Two sources on one port would each get half of its bytes; two that know a device would each accept its frames
        once; two sensors of one name could not be told apart at headquarters. See `SourceSettings.claims`."""
        first: dict[tuple[str, str], int] = {}
        twins: list[InitErrorDetails] = []
        for number, source in enumerate(sources):
            for where, said, name in source.claims():
                other = first.setdefault((said, name), number)
                if other != number:
                    words = {"said": said, "name": name, "other": other + 1}
                    fault = PydanticCustomError(
                        "value_error", "another source {said} {name} too: number {other}", words
                    )
                    twins.append(InitErrorDetails(type=fault, loc=(number, *where), input=None))
        if twins:
            raise ValidationError.from_exception_data("sources", twins, hide_input=True)
        return sources

    @field_validator("warnings")
    @classmethod
    def _no_warnings_of_one_name(cls, warnings: list[WarningSettings]) -> list[WarningSettings]:
        names = [one.name for one in warnings]
        if twins := sorted({name for name in names if names.count(name) > 1}):
            raise PydanticCustomError("value_error", "two outputs are called {name}", {"name": twins[0]})
        return warnings

    @model_validator(mode="after")
    def _radios_have_a_source(self) -> GatewaySettings:
        known = [source.name for source in self.sources]
        for one in self.warnings:
            if isinstance(one, RadioSettings) and one.source not in known:
                words = {"name": one.name, "source": one.source}
                raise PydanticCustomError(
                    "value_error", "output {name} speaks by {source}: no source is called so", words
                )
        return self
