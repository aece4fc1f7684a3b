"""Scenario files: what simulated sensors say and when. The format is told in firmware_bridge/simulator/README.md."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from firmware_bridge.framing.frame_bodies import MAX_VALUES, TOLD_QUANTITIES
from firmware_bridge.readings import LABELS, QUANTITIES, BridgeError

SCENARIOS: Final = Path(__file__).with_name("scenarios")
"""The folder of the scenarios that come with Vigía."""

_MAX_FILE_BYTES: Final = 256 * 1024


class SimulatorError(BridgeError):
    """The simulator cannot do what was asked; the message says why and what to do."""


def _known_label(label: str) -> str:
    if label not in LABELS:
        raise ValueError(f"{label!r} is not a label: {', '.join(LABELS)}")
    return label


LabelName = Annotated[str, AfterValidator(_known_label)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cycle(_Table):
    """A value that follows the hours of the day: middle + swing * cos(hours since peak_hour) + noise."""

    middle: float = Field(description="Mean of the day, in the quantity's unit.")
    swing: float = Field(
        default=0.0, description="How much higher it is at peak_hour; as much lower twelve hours later."
    )
    peak_hour: float = Field(default=14.0, ge=0, lt=24, description="Hour of the highest value.")
    noise: float = Field(default=0.0, ge=0, description="Standard deviation of what is added at random.")

    def at(self, hour: float, gauss: float) -> float:
        """The value at an hour of the day, with a standard normal number for the noise."""
        return self.middle + self.swing * math.cos((hour - self.peak_hour) * math.pi / 12) + self.noise * gauss


class Periodic(_Table):
    """Values told again and again."""

    kind: Literal["environment", "device_status"] = Field(description="What kind of reading.")
    every_s: float = Field(gt=0, description="Seconds from one to the next.")
    jitter_s: float = Field(default=0.0, ge=0, description="Each is up to so many seconds late; at most every_s.")
    values: dict[str, Cycle] = Field(min_length=1, max_length=MAX_VALUES, description="Quantity name to its cycle.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.jitter_s > self.every_s:
            raise ValueError("jitter_s is more than every_s")
        for name in self.values:
            if name not in TOLD_QUANTITIES or not 16 < QUANTITIES[name].code < 48:
                raise ValueError(f"{name!r} is not a quantity of an environment or status frame")
        return self


class Position(_Table):
    """Where a sensor says it is, once at the start."""

    latitude_degrees: float = Field(ge=-90, le=90, description="WGS 84.")
    longitude_degrees: float = Field(ge=-180, le=180, description="WGS 84.")
    altitude_metres: float | None = Field(default=None, ge=-500, le=9000, description="Left out: told as absent.")


class Sensor(_Table):
    """One simulated sensor."""

    name: str = Field(min_length=1, description="Its name within the scenario.")
    link: Literal["wired", "radio"] = Field(default="radio", description="radio: RSSI and SNR come with each frame.")
    rssi_dbm: float = Field(default=-95.0, ge=-190, le=-10, description="Mean signal strength.")
    snr_decibels: float = Field(default=6.0, ge=-20, le=20, description="Mean signal to noise ratio.")
    battery_volts: Cycle | None = Field(default=None, description="Left out: told as absent.")
    river_km: float | None = Field(default=None, description="Where it stands along the river, for passages.")
    position: Position | None = Field(default=None, description="Told once at the start.")
    periodic: list[Periodic] = Field(default_factory=list, description="What it tells again and again.")


class Event(_Table):
    """Something that some sensors hear or see."""

    at_s: float = Field(ge=0, description="Seconds from the start.")
    label: LabelName = Field(description="What it is, a word of the vocabulary.")
    sensors: list[str] = Field(min_length=1, description="Who notices it.")
    kind: Literal["acoustic_detection", "camera_detection"] = Field(
        default="acoustic_detection", description="Heard or seen."
    )
    confidence_ratio: float = Field(default=0.9, ge=0, le=1, description="Mean confidence.")
    sound_level_decibels: float | None = Field(default=None, ge=0, le=127, description="Mean level; heard only.")
    duration_seconds: float | None = Field(default=None, ge=0, le=6553, description="How long; heard only.")
    individuals_count: int | None = Field(default=None, ge=0, le=254, description="How many; seen only.")
    times: int = Field(default=1, ge=1, le=100_000, description="How often it happens.")
    every_s: float = Field(default=0.0, ge=0, description="Seconds from one to the next.")
    jitter_s: float = Field(default=0.0, ge=0, description="Each is noticed up to so many seconds later.")


class Passage(_Table):
    """A motor that moves along the river: heard by each sensor that has a river_km, louder the nearer it is."""

    at_s: float = Field(ge=0, description="Seconds from the start.")
    label: LabelName = Field(default="long_tail_motor", description="What it is.")
    from_km: float = Field(description="Where it comes from, in river_km.")
    to_km: float = Field(description="Where it goes.")
    speed_kmh: float = Field(gt=0, le=200, description="How fast.")
    level_at_100_m_decibels: float = Field(
        default=75.0, ge=0, le=127, description="It falls by 6 dB a doubled distance."
    )
    audible_from_decibels: float = Field(default=48.0, ge=0, description="Weaker than this is not noticed.")
    every_s: float = Field(default=10.0, gt=0, description="A sensor tells what it hears so often.")


class Noise(_Table):
    """What a bad line adds."""

    garbage_every_s: float = Field(default=0.0, ge=0, description="Random bytes so often; 0 for never.")
    garbage_bytes: int = Field(default=40, ge=1, le=4096, description="At most so many.")
    half_frame_every_s: float = Field(default=0.0, ge=0, description="A frame cut short so often; 0 for never.")


class Load(_Table):
    """A steady stream of detections, the devices in turn."""

    frames_per_second: float = Field(default=0.0, ge=0, description="How many in all; 0 for none.")


class Scenario(_Table):
    """A scenario file."""

    title: str = Field(description="A sentence for a person.")
    duration_s: float = Field(gt=0, description="How long it is.")
    repeat: bool = Field(default=False, description="Begin again when it is over, until stopped.")
    start_hour: float = Field(default=6.0, ge=0, lt=24, description="Hour of the day at the start.")
    sensors: list[Sensor] = Field(min_length=1, max_length=256, description="Who speaks.")
    events: list[Event] = Field(default_factory=list, description="What happens.")
    passages: list[Passage] = Field(default_factory=list, description="What moves past.")
    noise: Noise = Field(default_factory=Noise, description="What a bad line adds.")
    load: Load = Field(default_factory=Load, description="A steady stream beside all that.")

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [sensor.name for sensor in self.sensors]
        if len(set(names)) != len(names):
            raise ValueError("two sensors have the same name")
        for event in self.events:
            if unknown := set(event.sensors) - set(names):
                raise ValueError(f"an event of {event.label} names sensors that are not there: {sorted(unknown)}")
        return self


def scenario_names() -> list[str]:
    """The scenarios that come with Vigía."""
    return sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def load_scenario(name_or_path: str | Path) -> Scenario:
    """A scenario that comes with Vigía, by its name, or any file, by its path. Raises SimulatorError."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        if str(name_or_path) not in scenario_names():
            raise SimulatorError(
                f"{name_or_path!r} is neither a .toml file nor one of the scenarios {', '.join(scenario_names())}"
            )
        path = SCENARIOS / f"{name_or_path}.toml"
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise SimulatorError(f"{path} is larger than {_MAX_FILE_BYTES} bytes: that is no scenario")
        return Scenario.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise SimulatorError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SimulatorError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'scenario'}: {e['msg']}" for e in error.errors())
        raise SimulatorError(f"{path}: {where}") from error
