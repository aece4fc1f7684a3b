"""From a scenario and a seed to what is sent and when: pure, the same for the same seed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count, islice
from math import log10
from operator import attrgetter
from random import Random
from typing import Final, NamedTuple

from firmware_bridge.framing.frame_bodies import encode_body
from firmware_bridge.readings import QUANTITIES, Kind, make_reading
from firmware_bridge.simulator.scenario import Event, Passage, Periodic, Scenario, Sensor

_NEAREST_KM: Final = 0.05
_LOAD_POOL: Final = 256
_WIRED: Final = b"\x00"


class Sending(NamedTuple):
    """One thing that goes onto the line at a moment of the scenario.

    device: index of the device whose frame it is, -1 for noise. envelope: what comes before the device frame on the
    line. body: the frame's body, or the noise itself. cut_at: send only so much of the frame, a share of 1.
    """

    at_s: float
    device: int
    envelope: bytes
    body: bytes
    cut_at: float = 1.0


def play(scenario: Scenario, devices: int, seed: int, *, frames_per_second: float | None = None) -> Iterator[Sending]:
    """Everything that so many devices send, in order of time; endless for a scenario that repeats.

    Device i speaks as the scenario's sensor i, and again from the first when there are more devices than sensors;
    sensors without a device are silent. `frames_per_second` takes the place of the scenario's load.
    """
    rate = scenario.load.frames_per_second if frames_per_second is None else frames_per_second
    for round_ in count():
        streams = []
        for device in range(devices):
            sensor = scenario.sensors[device % len(scenario.sensors)]
            streams.append(_Voice(scenario, sensor, device, f"{seed}/{round_}/{device}").all())
        if rate:
            streams.append(_load(scenario, devices, rate, Random(f"{seed}/{round_}/load")))
        streams.append(_noise(scenario, devices, Random(f"{seed}/{round_}/noise")))
        start_s = round_ * scenario.duration_s
        for sending in heapq.merge(*streams, key=attrgetter("at_s")):
            if sending.at_s >= scenario.duration_s:
                break
            yield sending._replace(at_s=start_s + sending.at_s)
        if not scenario.repeat:
            return


class _Voice:
    """What one device has to say in one round."""

    def __init__(self, scenario: Scenario, sensor: Sensor, device: int, seed: str) -> None:
        self._scenario = scenario
        self._sensor = sensor
        self._device = device
        self._seed = seed

    def all(self) -> Iterator[Sending]:
        sensor = self._sensor
        streams = [self._periodic(p, Random(f"{self._seed}/{i}")) for i, p in enumerate(sensor.periodic)]
        heard = Random(f"{self._seed}/events")
        happened = [s for e in self._scenario.events if sensor.name in e.sensors for s in self._event(e, heard)]
        for passage in self._scenario.passages:
            happened.extend(self._passage(passage, heard))
        if sensor.position is not None:
            happened.append(self._position(heard))
        streams.append(iter(sorted(happened, key=attrgetter("at_s"))))
        return heapq.merge(*streams, key=attrgetter("at_s"))

    def _say(self, at_s: float, chance: Random, kind: Kind, values: dict[str, float], label: str = "") -> Sending:
        hour = (self._scenario.start_hour + at_s / 3600) % 24
        if self._sensor.battery_volts is not None:
            values["battery_volts"] = self._sensor.battery_volts.at(hour, chance.gauss(0, 1))
        possible = {
            name: _clamp(value, QUANTITIES[name].minimum, QUANTITIES[name].maximum) for name, value in values.items()
        }
        age_s = chance.choice((0, 0, 0, 1))
        reading = make_reading(kind, "simulated", possible, label=label, age_s=age_s)
        return Sending(at_s, self._device, envelope(self._sensor, chance), encode_body(reading))

    def _periodic(self, periodic: Periodic, chance: Random) -> Iterator[Sending]:
        kind = Kind[periodic.kind.upper()]
        for number in count():
            at_s = number * periodic.every_s + chance.uniform(0, periodic.jitter_s)
            hour = (self._scenario.start_hour + at_s / 3600) % 24
            values = {name: cycle.at(hour, chance.gauss(0, 1)) for name, cycle in periodic.values.items()}
            yield self._say(at_s, chance, kind, values)

    def _event(self, event: Event, chance: Random) -> Iterator[Sending]:
        for number in range(event.times):
            at_s = event.at_s + number * event.every_s + chance.uniform(0, event.jitter_s)
            values = {"confidence_ratio": _clamp(chance.gauss(event.confidence_ratio, 0.03), 0, 1)}
            if event.kind == "camera_detection":
                if event.individuals_count is not None:
                    values["individuals_count"] = event.individuals_count
                values["picture_number"] = chance.randrange(1, 9999)
                yield self._say(at_s, chance, Kind.CAMERA_DETECTION, values, event.label)
                continue
            if event.sound_level_decibels is not None:
                values["sound_level_decibels"] = _clamp(chance.gauss(event.sound_level_decibels, 2), 0, 127)
            if event.duration_seconds is not None:
                values["duration_seconds"] = event.duration_seconds * chance.uniform(0.8, 1.2)
            yield self._say(at_s, chance, Kind.ACOUSTIC_DETECTION, values, event.label)

    def _passage(self, passage: Passage, chance: Random) -> Iterator[Sending]:
        if self._sensor.river_km is None:
            return
        direction = 1 if passage.to_km >= passage.from_km else -1
        takes_s = abs(passage.to_km - passage.from_km) / passage.speed_kmh * 3600
        # Sensors do not listen in step.
        since_s = chance.uniform(0, passage.every_s)
        while since_s < takes_s:
            boat_km = passage.from_km + direction * passage.speed_kmh * since_s / 3600
            distance_km = max(_NEAREST_KM, abs(boat_km - self._sensor.river_km))
            level = passage.level_at_100_m_decibels - 20 * log10(distance_km / 0.1) + chance.gauss(0, 1)
            if level >= passage.audible_from_decibels:
                above = level - passage.audible_from_decibels
                values = {
                    "confidence_ratio": _clamp(0.55 + above / 60 + chance.gauss(0, 0.02), 0, 0.99),
                    "sound_level_decibels": _clamp(level, 0, 127),
                    "duration_seconds": passage.every_s,
                }
                yield self._say(passage.at_s + since_s, chance, Kind.ACOUSTIC_DETECTION, values, passage.label)
            since_s += passage.every_s

    def _position(self, chance: Random) -> Sending:
        told = self._sensor.position
        values = {} if told is None else told.model_dump(exclude_none=True)
        return self._say(chance.uniform(0, 2), chance, Kind.POSITION, values)


def envelope(sensor: Sensor, chance: Random) -> bytes:
    """The envelope of a frame on the line, see `firmware_bridge.drivers.vigia_sensor`."""
    if sensor.link == "wired":
        return _WIRED
    rssi = round(_clamp(-chance.gauss(sensor.rssi_dbm, 3), 1, 200))
    snr = round(_clamp(chance.gauss(sensor.snr_decibels, 1.5) * 4, -127, 127))
    return bytes((1, rssi, snr & 0xFF))


def _load(scenario: Scenario, devices: int, rate: float, chance: Random) -> Iterator[Sending]:
    """Detections at an even pace. Their bodies come from a pool: what is asked of the simulator here is speed."""
    pool: list[list[tuple[bytes, bytes]]] = []
    for device in range(devices):
        sensor = scenario.sensors[device % len(scenario.sensors)]
        event = Event(
            at_s=0,
            label="chainsaw",
            sensors=[sensor.name],
            sound_level_decibels=70,
            duration_seconds=4,
            times=_LOAD_POOL,
        )
        voice = _Voice(scenario, sensor, device, "")
        pool.append([(said.envelope, said.body) for said in islice(voice._event(event, chance), _LOAD_POOL)])
    for number in count():
        device = number % devices
        before, body = pool[device][number // devices % _LOAD_POOL]
        yield Sending(number / rate, device, before, body)


def _noise(scenario: Scenario, devices: int, chance: Random) -> Iterator[Sending]:
    noise = scenario.noise
    told: list[Sending] = []
    if noise.garbage_every_s:
        at_s = chance.uniform(0, noise.garbage_every_s)
        while at_s < scenario.duration_s:
            told.append(Sending(at_s, -1, b"", chance.randbytes(chance.randint(1, noise.garbage_bytes))))
            at_s += chance.uniform(0.5, 1.5) * noise.garbage_every_s
    if noise.half_frame_every_s:
        body = encode_body(make_reading(Kind.ENVIRONMENT, "half", {"temperature_celsius": 25.0}))
        at_s = chance.uniform(0, noise.half_frame_every_s)
        while at_s < scenario.duration_s:
            told.append(Sending(at_s, chance.randrange(devices), _WIRED, body, chance.uniform(0.1, 0.9)))
            at_s += chance.uniform(0.5, 1.5) * noise.half_frame_every_s
    return iter(sorted(told, key=attrgetter("at_s")))


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
