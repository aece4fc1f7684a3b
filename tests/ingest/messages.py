"""Journal messages for tests, made as a post makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from firmware_bridge.readings import Kind, make_reading
from gateway.contract.batches import encode_batch
from gateway.contract.entries import Entry, TimeQuality
from gateway.contract.ranges import RangeSet
from gateway.contract.topics import Lane, up
from ingest.messages import JournalMessage

EPOCH = bytes.fromhex("00112233445566ff")
NOON_MS = 1_748_779_200_000  # 2025-06-01T12:00:00Z

VALUES: Mapping[Kind, Mapping[str, float]] = {
    Kind.ACOUSTIC_DETECTION: {"confidence_ratio": 0.925, "sound_level_decibels": 71.5, "duration_seconds": 12.0},
    Kind.CAMERA_DETECTION: {"confidence_ratio": 1.0, "individuals_count": 2, "picture_number": 4_294_967_295},
    Kind.ENVIRONMENT: {"temperature_celsius": -0.01, "humidity_ratio": 0.987, "rainfall_millimetres": 0},
    Kind.DEVICE_STATUS: {"battery_volts": 3.71, "rssi_dbm": -121, "snr_decibels": -7.25},
    Kind.POSITION: {"latitude_degrees": -2.540001, "longitude_degrees": -71.65, "altitude_metres": 101},
    Kind.STATION_HEALTH: {"outbox_entries": 1_000_000, "outbox_bytes": 99_999_999_999_999},
    Kind.TALLY: {"discarded_total": 17},
    Kind.INCIDENT: {"incident_number": 12, "incident_step": 3, "detections_count": 4},
    Kind.PATROL: {"individuals_count": 3},
    Kind.COMMAND_ANSWER: {"duration_seconds": 1.5},
}
LABELS = {
    Kind.ACOUSTIC_DETECTION: "chainsaw",
    Kind.CAMERA_DETECTION: "boat",
    Kind.TALLY: "bad_frame",
    Kind.INCIDENT: "chainsaw",
    Kind.PATROL: "out",
    Kind.COMMAND_ANSWER: "done",
}


def entry(
    sequence: int,
    kind: Kind = Kind.ENVIRONMENT,
    *,
    sensor: str = "clima-01",
    label: str | None = None,
    values: Mapping[str, float] | None = None,
    time_ms: int | None = None,
    quality: int = TimeQuality.GPS,
    uncertainty_ms: int = 0,
    note: str = "",
) -> Entry:
    """One entry, one second after the one before."""
    reading = make_reading(
        kind, sensor, values or VALUES[kind], label=LABELS.get(kind, "") if label is None else label, note=note
    )
    return Entry(sequence, NOON_MS + 1000 * sequence if time_ms is None else time_ms, quality, uncertainty_ms, reading)


def message(
    entries: Sequence[Entry],
    *,
    number: int = 1,
    station: str = "boca-yaguas",
    epoch: bytes = EPOCH,
    fresh: RangeSet | None = None,
) -> JournalMessage:
    """The journal's message of some entries, all fresh unless told."""
    return JournalMessage(
        id=number,
        received_ms=NOON_MS,
        topic=up(station, Lane.READING),
        station=station,
        payload=encode_batch(station, epoch, entries),
        fresh=RangeSet.of(e.sequence for e in entries) if fresh is None else fresh,
    )
