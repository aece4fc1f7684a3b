"""Settings that the drivers of cameras and recorders have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from firmware_bridge.delivery import SENSOR_NAME, Claim, SensorName, SourceSettings
from firmware_bridge.label_words import LabelWord


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; say one such as America/Lima or UTC") from None
    return name


Zone = Annotated[str, AfterValidator(_zone)]


class Recorder(BaseModel):
    """One camera or recorder among several in one folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: SensorName = Field(description="Name of the sensor in everything that is stored: 1 to 32 bytes.")
    serial: str | None = Field(
        default=None, min_length=1, max_length=64, description="Its serial number as its files tell it."
    )
    directory: str | None = Field(
        default=None, min_length=1, max_length=255, description="The directory below the watched one that is its own."
    )
    label: LabelWord | None = Field(default=None, description="What its files show or hold, when all are of one kind.")
    zone: Zone | None = Field(default=None, description="Its time zone, when it is not that of the source.")
    clock_error_s: float | None = Field(
        default=None,
        ge=-1e9,
        le=1e9,
        description="How far its clock is ahead, seconds, when it is not as for the source.",
    )

    @model_validator(mode="after")
    def _known_by_something(self) -> Self:
        if self.serial is None and self.directory is None:
            raise ValueError(f"{self.name} needs serial or directory, so that its files can be told from others")
        return self


class RecorderSettings(SourceSettings):
    """A source of files from recorders."""

    sensor: SensorName | None = Field(
        default=None, description="Name of the sensor of files that none of `recorders` made; the source's if left out."
    )
    label: LabelWord = Field(default="unknown", description='What the files show or hold; "unknown" if they vary.')
    zone: Zone = Field(default="UTC", description="Time zone of the recorders' clocks, such as America/Lima.")
    clock_error_s: float = Field(
        default=0.0, ge=-1e9, le=1e9, description="How far the recorders' clocks are ahead of the true time, seconds."
    )
    oldest_days: int = Field(
        default=7300, ge=1, le=36500, description="A time longer ago than this is not believed, days."
    )
    recorders: list[Recorder] = Field(
        default_factory=list, max_length=1000, description="Recorders known by serial number or by directory."
    )

    def claims(self) -> Iterator[Claim]:
        """See `SourceSettings.claims`: every name that a file's sensor may get."""
        yield from super().claims()
        yield Claim(("sensor",) if self.sensor else ("name",), SENSOR_NAME, self.sensor or self.name)
        for place, recorder in enumerate(self.recorders):
            yield Claim(("recorders", place, "name"), SENSOR_NAME, recorder.name)

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        for what in ("serial", "directory"):
            told = [getattr(recorder, what) for recorder in self.recorders if getattr(recorder, what) is not None]
            if twice := {value for value in told if told.count(value) > 1}:
                raise ValueError(f"two recorders have the {what} {', '.join(sorted(twice))}")
        return self


class Identity(BaseModel):
    """Whose file it is, and what follows for it."""

    model_config = ConfigDict(frozen=True)

    sensor: str
    label: str
    zone: str
    clock_error_s: float
    known: bool


def identify(settings: RecorderSettings, serial: str, folder: str) -> Identity:
    """By serial number first, then by directory. known: false when recorders are set and this is none of them."""
    found = next((r for r in settings.recorders if serial and r.serial == serial), None)
    found = found or next((r for r in settings.recorders if folder and r.directory == folder), None)
    if found is None:
        return Identity(
            sensor=settings.sensor or settings.name,
            label=settings.label,
            zone=settings.zone,
            clock_error_s=settings.clock_error_s,
            known=not settings.recorders,
        )
    return Identity(
        sensor=found.name,
        label=found.label or settings.label,
        zone=found.zone or settings.zone,
        clock_error_s=settings.clock_error_s if found.clock_error_s is None else found.clock_error_s,
        known=True,
    )
