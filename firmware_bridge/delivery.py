"""What a source hands over, and what a driver is made of. Published through `firmware_bridge.sources`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, Protocol, runtime_checkable

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from firmware_bridge.readings import MAX_NAME_BYTES, Attachment, Downlink, Reading, Rejected, is_name

ReplayState = tuple[int, int]
"""(highest counter, window bitmap) of a device, see `firmware_bridge.framing.replay_guard`; each below 2**63."""


def _check_name(name: str) -> str:
    if not is_name(name):
        raise ValueError(f"a sensor's name is 1 to {MAX_NAME_BYTES} printable bytes and does not end in a backslash")
    return name


SensorName = Annotated[str, AfterValidator(_check_name)]
"""The name of a sensor in settings, see `is_name`."""


class Claim(NamedTuple):
    """What a source must have for itself, or it and another would each get a part of what comes.

    where: its place in the settings. said, name: as in "another source {said} {name} too".
    """

    where: tuple[str | int, ...]
    said: str
    name: str


SENSOR_NAME: Final = "has a device called"
"""What a source says of each name that it may give to a sensor, see `Claim`."""


class SourceSettings(BaseModel):
    """What the settings of every driver have. `driver` is the driver's file name, a Literal in each subclass."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    driver: str = Field(description="Which driver reads this source: the name of a file in firmware_bridge/drivers.")
    name: str = Field(
        pattern=r"^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$",
        description="Name of this source in logs and counters: 1 to 32 of a-z, 0-9 and inner hyphens.",
    )

    def claims(self) -> Iterator[Claim]:
        """What no other source of a post may claim too. A driver that has more to claim adds it."""
        yield Claim(("name",), "is called", self.name)
        if port := getattr(self, "port", None):  # if the driver has one, on a serial line
            yield Claim(("port",), "reads", str(port))
        for place, device in enumerate(getattr(self, "devices", ())):
            yield Claim(("devices", place, "id"), "knows device", device.id)
            yield Claim(("devices", place, "name"), SENSOR_NAME, device.name)
        if default := getattr(self, "default", None):
            yield Claim(("default", "name"), SENSOR_NAME, default.name)
        for place, forwarder in enumerate(getattr(self, "gateways", ())):  # it tells its own state
            yield Claim(("gateways", place, "name"), SENSOR_NAME, forwarder.name)


class RadioText(msgspec.Struct, frozen=True):
    """What a person (or a module of a radio) wrote on a radio that carries words.

    sender: the radio's name in the settings, else what it calls itself and its id. text, sender, channel: printable
    characters only, at most 240, 64 and 32 of them. is_known: whether the settings name the radio. age_s: how long
    before it was delivered it was received.
    """

    sender: str
    text: str
    channel: str = ""
    is_known: bool = False
    age_s: float = 0.0


class SensorAnswer(msgspec.Struct, frozen=True):
    """What one of our sensors answered to a command. sensor: its name. command: such as reboot or set_interval. result:
    done, or why not, such as busy or refused: a name of `firmware_bridge.framing.downlinks.Result` in small letters.
    took_s: seconds since it was said."""

    sensor: str
    command: str
    result: str
    took_s: float = 0.0


class Delivery(msgspec.Struct, frozen=True):
    """What one chunk of bytes gave; never empty. To be stored whole, in one transaction, or not at all.

    source: the source's name. readings: in the order in which they came. rejected: one item a reason, with its count;
    reasons that begin with `absent_` count values that the device said it has not, `out_of_range` and
    `unknown_quantity` values left out of a reading, the `overlong_bytes` are bytes, all others are frames.
    replay: for each device (hex digits: 8 of our own, more of others) whose replay state changed, the new state; give
    it back to `open_source`.
    """

    source: str
    readings: list[Reading]
    rejected: list[Rejected]
    replay: dict[str, ReplayState]
    attachments: dict[int, list[Attachment]] = {}
    """Pictures and clips, by the index of the reading that they belong to."""
    texts: list[RadioText] = []
    """What people wrote, in the order in which it came. Not kept for headquarters: for the post."""
    answers: list[SensorAnswer] = []
    """What our sensors answered to what `Speaker.say` said."""
    gps_utc_ms: int | None = None
    """The time that a GPS told in this chunk: Unix time in milliseconds as it was when the chunk came, or up to a
    second before. A delivery may hold nothing else."""


Deliver = Callable[[Delivery], None]


class SourceStanding(Enum):
    """How a source fares, for programs that tell people in their own words; `Source.state` says more."""

    WELL = "well"
    STARTING = "starting"  # being set up, or asked for the first time
    NOT_REACHED = "not_reached"  # its port, broker or host was not reached since the start
    LOST = "lost"  # was reached, is not now
    SILENT = "silent"  # reached, but what is there does not answer as it should
    PARTLY = "partly"  # works, but for some of its devices, or not wholly
    FOLDER_AWAY = "folder_away"  # its directory cannot be read
    DISK_TROUBLE = "disk_trouble"  # what it must keep for itself cannot be kept


class Source(Protocol):
    """One open line to devices. To be run once: after `run` has ended or raised, open another."""

    @property
    def name(self) -> str:
        """Its name in the settings."""

    @property
    def state(self) -> str:
        """In words for a person: what the line is doing now. May be read from any thread."""

    @property
    def standing(self) -> SourceStanding:
        """The same for programs. May be read from any thread."""

    def run(self, deliver: Deliver, stop: threading.Event) -> None:
        """Hand over deliveries until `stop` is set, at most half a second longer. Device trouble never raises.

        What `deliver` raises comes through, and with it the end of this source.
        """


@runtime_checkable
class Speaker(Protocol):
    """A source that can also say something to its devices or radios. Both may be called from any thread.

    Who has something to say to a sensor asks each source that is a Speaker whether it knows the sensor by its name in
    the settings, and says it to the one that does.
    """

    def knows(self, device: str) -> bool:
        """Whether this source can say something to a sensor or a radio of that name in the settings."""

    def say(self, downlink: Downlink) -> None:
        """Send or queue it, without waiting for an answer. Raises DownlinkError, whose reason tells why not: the line
        is down (not_connected, radio_away), it knows no such device, nothing more can wait (queue_full).

        device: a name that it knows; an id in the device's own network, or a channel of a mesh, is taken too where
        there is one. A sensor of ours takes a command in words as `text` ("status", "interval environment 600": see
        `firmware_bridge.commands.words`) or its bytes as `payload`, and what it answers comes in `Delivery.answers`. A
        device of another make takes `payload` (in LoRaWAN on `port`), a radio of a mesh `text`.
        """


@runtime_checkable
class FirmwareCarrier(Protocol):
    """A source that can also bring new firmware to its sensors. Both may be called from any thread."""

    def knows(self, device: str) -> bool:
        """See `Speaker.knows`."""

    def update(self, device: str, image: bytes) -> str:
        """Bring a sensor to the firmware of an image (a file of `firmware_bridge.update.image`); what it came to, in
        words: it runs that version now, or did already. Takes minutes, never much more than an hour; the source goes
        on reading meanwhile. What was sent stays with the sensor: the same again goes on where it stopped.

        Raises DownlinkError. At once: unknown_device, too_slow (no such thing over this link), busy (another update
        runs), bad_image. After the sensor's own word, nothing of it changed: the names of its refusals, such as
        wrong_model, older_version, bad_signature, too_large. In the middle: no_answer, no_progress, too_long,
        bad_digest, not_booted, no_key, counters; stopped when the source ended.
        """


class Decoder(Protocol):
    """Bytes of one line in, deliveries out: pure, keeps what is half read between calls."""

    def feed(self, chunk: bytes) -> Delivery | None:
        """What the bytes gave, None for nothing. Never raises, whatever the bytes."""


@runtime_checkable
class EndingDecoder(Protocol):
    """A decoder that can tell, when no more comes, what is wrong with what it still holds."""

    def end(self) -> list[Rejected]:
        """Why what is held is nothing; empty where it may be the beginning of something."""


@runtime_checkable
class FileDecoder(Protocol):
    """A decoder of whole files, to which their names and places matter."""

    def feed_file(self, path: Path, content: bytes) -> Delivery | None:
        """As `Decoder.feed`, for a file where its source would find it. Raises OSError when it is not there."""


class Driver(Protocol):
    """What a module in `firmware_bridge.drivers` offers, as module attributes."""

    Settings: type[SourceSettings]
    """Its settings; `driver` is `Literal["<file name>"]`, every field has a description."""
    QUANTITIES: frozenset[str]
    """Every quantity that its readings may have, by name."""
    SAMPLE: str
    """Its settings as a TOML table, ready to copy."""

    def new_decoder(self, settings: Any, replay: Mapping[str, ReplayState]) -> Decoder:
        """A decoder. May read key files; what it cannot read is logged and counted, not raised."""

    def open_source(self, settings: Any, replay: Mapping[str, ReplayState]) -> Source:
        """A source, without any I/O yet."""


class Tally:
    """Rejections of one chunk: one item a reason, counts added, the first detail kept."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, list[Any]] = {}

    def add(self, reason: str, detail: str = "", count: int = 1) -> None:
        """Count a rejection."""
        held = self._counts.get(reason)
        if held is None:
            self._counts[reason] = [count, detail]
        else:
            held[0] += count

    def extend(self, rejected: Iterable[Rejected]) -> None:
        """Count some rejections."""
        for item in rejected:
            self.add(item.reason, item.detail, item.count)

    def items(self) -> list[Rejected]:
        """One Rejected a reason, in the order of their first."""
        return [Rejected(reason, count, detail) for reason, (count, detail) in self._counts.items()]
