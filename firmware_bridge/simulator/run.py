"""Plays a scenario on a pty: the simulated sensors of one line. It speaks bytes; nobody can tell it from devices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from firmware_bridge.framing import cobs_frames
from firmware_bridge.framing.device_frames import Cipher, new_cipher, seal
from firmware_bridge.simulator.counters import CounterFile
from firmware_bridge.simulator.play import Sending, play
from firmware_bridge.simulator.pty_line import PtyLine
from firmware_bridge.simulator.scenario import Scenario, SimulatorError, load_scenario

_REPORT_EVERY_S: Final = 0.5
_PATIENCE_S: Final = 0.25


@dataclass(frozen=True)
class SimulatedDevice:
    """A device to speak as: id, 8 hex digits as in the gateway's settings, and its key, 16 bytes."""

    id: str
    key: bytes = field(repr=False)


class DeviceReport(msgspec.Struct):
    """What one device sent. Frames cut short on purpose are in `cut`, frames that found the line full in `dropped`."""

    sensor: str
    sent: int = 0
    dropped: int = 0
    cut: int = 0
    last_counter: int = 0


class Report(msgspec.Struct):
    """What was sent so far; also the JSON in the report file. `unread_bytes`: in the line when it was closed."""

    scenario: str
    seed: int
    devices: dict[str, DeviceReport]
    sent: int = 0
    dropped: int = 0
    noise_bytes: int = 0
    unread_bytes: int = 0
    ended: bool = False


def run_simulator(
    scenario: str | Path,
    link: Path,
    devices: Sequence[SimulatedDevice],
    *,
    state_path: Path,
    stop: threading.Event,
    speed: float = 1.0,
    seed: int = 0,
    frames_per_second: float | None = None,
    longest_s: float | None = None,
    report_path: Path | None = None,
    on_report: Callable[[Report], None] | None = None,
    linger_s: float = 2.0,
) -> Report:
    """Play a scenario until it ends, `stop` is set or `longest_s` real seconds are over; then let the reader finish.

    scenario: name of one that comes with Vigía, or path of a TOML file. link: where a symbolic link to the tty is made.
    devices: device i speaks as the scenario's sensor i (`play.play`). state_path: file of the counters, kept from
    run to run. speed: scenario seconds in a real one. frames_per_second: in place of the scenario's load, in scenario
    seconds. report_path: rewritten twice a second and at the end, in one piece. linger_s: longest wait for the
    reader at the end. A full line drops frames, as a UART does. Raises SimulatorError.
    """
    plan = load_scenario(scenario)
    if not devices or not speed > 0:
        raise SimulatorError("a simulator needs at least one device and a speed above 0")
    counters = CounterFile(state_path)
    counters.load()
    player = _Player(str(scenario), seed, plan, devices, counters, PtyLine(link), report_path, on_report)
    return player.run(
        play(plan, len(devices), seed, frames_per_second=frames_per_second), speed, longest_s, linger_s, stop
    )


class _Player:
    def __init__(
        self,
        title: str,
        seed: int,
        plan: Scenario,
        devices: Sequence[SimulatedDevice],
        counters: CounterFile,
        line: PtyLine,
        report_path: Path | None,
        on_report: Callable[[Report], None] | None,
    ) -> None:
        try:
            self._ciphers: list[tuple[str, int, Cipher]] = [(d.id, int(d.id, 16), new_cipher(d.key)) for d in devices]
        except ValueError as error:
            raise SimulatorError(f"a device needs an id of 8 hex digits and a key of 16 bytes: {error}") from error
        names = [plan.sensors[i % len(plan.sensors)].name for i in range(len(devices))]
        told = {device.id: DeviceReport(name) for device, name in zip(devices, names, strict=True)}
        self._report = Report(title, seed, told)
        self._plan = plan
        self._counters = counters
        self._line = line
        self._report_path = report_path
        self._on_report = on_report
        self._torn = True

    def run(
        self, sendings: Iterator[Sending], speed: float, longest_s: float | None, linger_s: float, stop: threading.Event
    ) -> Report:
        self._line.open()
        try:
            start = time.monotonic()
            end = start + longest_s if longest_s is not None else float("inf")
            report_at = start
            for sending in sendings:
                due = start + sending.at_s / speed
                while (now := time.monotonic()) < min(due, end) and not stop.is_set():
                    stop.wait(min(due, end, report_at + _REPORT_EVERY_S) - now)
                    report_at = self._tell_if_due(report_at)
                if now >= end or stop.is_set():
                    break
                self._send(sending)
                report_at = self._tell_if_due(report_at)
            else:
                rest_s = start + self._plan.duration_s / speed - time.monotonic()
                stop.wait(max(0.0, min(rest_s, end - time.monotonic())))
            self._report.unread_bytes = self._line.drain(linger_s)
        finally:
            self._line.close()
            self._report.ended = True
            self._tell()
        return self._report

    def _send(self, sending: Sending) -> None:
        if sending.device < 0:
            self._report.noise_bytes += self._line.write(sending.body, _PATIENCE_S)
            self._torn = True
            return
        name, device, cipher = self._ciphers[sending.device]
        told = self._report.devices[name]
        told.last_counter = self._counters.take(name)
        frame = cobs_frames.encode(sending.envelope + seal(cipher, device, told.last_counter, sending.body))
        if sending.cut_at < 1:
            self._line.write(frame[: max(1, int(len(frame) * sending.cut_at))], _PATIENCE_S)
            told.cut += 1
            self._torn = True
            return
        if self._torn:  # a delimiter first, so that what was torn does not take this frame with it
            frame = cobs_frames.DELIMITER + frame
        if self._line.write(frame, _PATIENCE_S) == len(frame):
            self._torn = False
            told.sent += 1
            self._report.sent += 1
        else:
            self._torn = True
            told.dropped += 1
            self._report.dropped += 1

    def _tell_if_due(self, last: float) -> float:
        now = time.monotonic()
        if now - last < _REPORT_EVERY_S:
            return last
        self._tell()
        return now

    def _tell(self) -> None:
        if self._on_report is not None:
            self._on_report(self._report)
        if self._report_path is not None:
            beside = self._report_path.with_name(self._report_path.name + ".new")
            try:
                beside.write_bytes(msgspec.json.encode(self._report))
                beside.replace(self._report_path)
            except OSError as error:
                raise SimulatorError(f"{self._report_path} cannot be written: {error.strerror}") from error
