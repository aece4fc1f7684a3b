"""Entries made by hand for the tests of batches, and an epoch for them."""

from __future__ import annotations

from firmware_bridge.readings import Kind, Reading, make_reading
from gateway.contract.entries import Entry

EPOCH = bytes.fromhex("0102030405060708")


def entry(sequence: int, reading: Reading, time_ms: int = 1_763_829_000_000) -> Entry:
    return Entry(sequence, time_ms, 2, 16, reading)


def climate(sensor: str, degrees: float) -> Reading:
    return make_reading(Kind.ENVIRONMENT, sensor, {"temperature_celsius": degrees, "humidity_ratio": 0.9})
