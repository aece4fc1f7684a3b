"""What the simulator says on a line, to be compared with what is stored of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from firmware_bridge.framing.frame_bodies import decode_body
from firmware_bridge.readings import Kind, Reading
from firmware_bridge.simulator.play import play
from firmware_bridge.simulator.scenario import load_scenario

Said = tuple[str, str, str, tuple[tuple[str, float], ...]]
"""Sensor, measurement, label, and the values by name, in order."""


def said(sensor: str, measurement: str, label: str, values: Mapping[str, float]) -> Said:
    """One of them."""
    return sensor, measurement, label, tuple(sorted((name, float(value)) for name, value in values.items()))


def played(report: Path, sensors: Iterable[str], scenario: str, *, seed: int, rate: float) -> Counter[Said]:
    """All that a play of so many sensors has sent by its report: whole frames, the first so many of each."""
    names = list(sensors)
    told = json.loads(report.read_text())
    assert told["dropped"] == 0, "a full line has lost frames: nobody can tell which"
    sent = [device["sent"] for device in told["devices"].values()]
    assert len(sent) == len(names)
    found: Counter[Said] = Counter()
    for sending in play(load_scenario(scenario), len(names), seed, frames_per_second=rate):
        if not any(sent):
            break
        if sending.device < 0 or sending.cut_at < 1 or not sent[sending.device]:
            continue
        sent[sending.device] -= 1
        sensor = names[sending.device]
        reading = decode_body(sending.body, sensor, [])
        assert isinstance(reading, Reading)
        found[said(sensor, Kind(reading.kind).slug, reading.label, reading.values() | _signal(sending.envelope))] += 1
    return found


def _signal(envelope: bytes) -> dict[str, float]:
    """As the driver's header lays it out: minus dBm, quarter dB."""
    if envelope[0] != 1:
        return {}
    snr = envelope[2] - 256 if envelope[2] & 0x80 else envelope[2]
    return {"rssi_dbm": -envelope[1], "snr_decibels": snr / 4}
