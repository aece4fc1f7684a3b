"""What the board says: everything that a post knows now, as frozen words for whoever shows it."""

from __future__ import annotations

import msgspec

from gateway.outbox.outbox import OutboxState
from gateway.rules.facts import Change
from gateway.uplink.uplink import UplinkState


class SensorCard(msgspec.Struct, frozen=True):
    """What is known of a sensor before it says anything. expected_s: how often it should speak; None when nobody
    knows."""

    name: str
    title: str = ""
    groups: tuple[str, ...] = ()
    expected_s: float | None = None


class SensorWord(msgspec.Struct, frozen=True):
    """A sensor and its last word. title: for people, the name where there is none. kind, label, values, note: of the
    last reading, kind by its slug, values by quantity name; kind is "" for one never heard. heard_ms: Unix time of it
    as the post knew it then, quality who vouched for that; age_s: seconds since it came, by the steady clock, as of
    `BoardState.made_ms`; both None when never heard. late_s: how old it was when it came. battery_ratio, battery_volts,
    rssi_dbm: the last told. is_silent: nothing for three times expected_s while the post listened, or an open incident
    says so.
    """

    name: str
    title: str
    groups: tuple[str, ...] = ()
    kind: str = ""
    label: str = ""
    values: dict[str, float] = {}
    note: str = ""
    heard_ms: int | None = None
    late_s: float = 0.0
    quality: int | None = None
    heard_steady_ms: int | None = None
    age_s: float | None = None
    battery_ratio: float | None = None
    battery_volts: float | None = None
    rssi_dbm: float | None = None
    is_silent: bool = False
    expected_s: float | None = None


class DetectionWord(msgspec.Struct, frozen=True):
    """One detection. number: ascending since the gateway started. is_alert: it went to the alert lane."""

    number: int
    sensor: str
    kind: str
    label: str
    values: dict[str, float]
    heard_ms: int
    quality: int
    note: str = ""
    is_alert: bool = False


class PatrolWord(msgspec.Struct, frozen=True):
    """People who are out. until_ms: Unix time when they are expected back."""

    name: str
    since_ms: int
    until_ms: int
    until_steady_ms: int
    note: str = ""


class TextWord(msgspec.Struct, frozen=True):
    """What a person wrote on a radio. number: ascending since the gateway started."""

    number: int
    heard_ms: int
    source: str
    sender: str
    text: str
    channel: str = ""
    is_known: bool = False


class OutputWord(msgspec.Struct, frozen=True):
    """One output of warnings. kind: siren, lamp, radio, webhook, apprise, log. last_ms: Unix time of its last success,
    None for none since the start. waiting: warnings in its queue. trouble: "" or words for a person. standing: untried
    (since the start nothing was given by it, and nothing failed), giving (it sounds or shines), well, failing."""

    name: str
    kind: str
    last_ms: int | None = None
    waiting: int = 0
    sent: int = 0
    failed: int = 0
    too_late: int = 0
    trouble: str = ""
    standing: str = "untried"


class ClockWord(msgspec.Struct, frozen=True):
    """wall_ms: Unix time as the post knows it. quality: who vouches for it, a slug of `TimeQuality`."""

    wall_ms: int
    quality: str
    uncertainty_ms: int


class TroubleWord(msgspec.Struct, frozen=True):
    """Something is wrong with a part of the post: outbox, uplink, history, media, watch, warning <name>."""

    part: str
    words: str


class SourceWord(msgspec.Struct, frozen=True):
    """One source of the settings. standing: a value of `SourceStanding`. words: its state as in the log, in English,
    for a technician. accepted: readings since the gateway started."""

    name: str
    driver: str
    standing: str
    words: str = ""
    accepted: int = 0


class PostWord(msgspec.Struct, frozen=True):
    """The post itself. disk_free_bytes: None where the disk does not tell."""

    clock: ClockWord
    link: UplinkState
    outbox: OutboxState
    disk_free_bytes: int | None
    outputs: tuple[OutputWord, ...] = ()
    troubles: tuple[TroubleWord, ...] = ()
    sources: tuple[SourceWord, ...] = ()


class BoardState(msgspec.Struct, frozen=True):
    """All of it at one moment.

    version: ascending while the gateway runs, see `Board`. made_ms: Unix time, as the post knows it, and steady_ms: the
    same moment by the steady clock, for how long ago something was, whatever the wall clock did since. incidents: each
    with its last step: those open (acknowledged ones too) and of the last day, newest first; an incident held back has
    `incident.suppressed_by`. sensors: by name. detections, texts: newest first. post: None until the first tick.
    """

    version: int
    made_ms: int
    incidents: tuple[Change, ...]
    sensors: tuple[SensorWord, ...]
    detections: tuple[DetectionWord, ...]
    patrols_out: tuple[PatrolWord, ...]
    texts: tuple[TextWord, ...]
    post: PostWord | None
    steady_ms: int = 0


class BoardChanges(msgspec.Struct, frozen=True):
    """What is new since a version: only what changed; None or empty for what did not. If `is_whole`, the asker's
    version is not one of this start of the gateway: forget what was shown, this is all there is. gone: numbers of
    incidents that the board no longer shows."""

    version: int
    made_ms: int
    is_whole: bool
    incidents: tuple[Change, ...] = ()
    gone: tuple[int, ...] = ()
    sensors: tuple[SensorWord, ...] = ()
    detections: tuple[DetectionWord, ...] = ()
    patrols_out: tuple[PatrolWord, ...] | None = None
    texts: tuple[TextWord, ...] = ()
    post: PostWord | None = None
    steady_ms: int = 0
