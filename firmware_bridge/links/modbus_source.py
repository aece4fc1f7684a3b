"""A source on a Modbus line: asks each device when it is due, one after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

from firmware_bridge.delivery import Deliver, Delivery, ReplayState, SourceStanding
from firmware_bridge.links.link_standing import STANDINGS
from firmware_bridge.links.modbus_link import ModbusLink
from firmware_bridge.links.serial_link import SerialLink
from firmware_bridge.modbus.decoder import ModbusDecoder
from firmware_bridge.modbus.frames import Request
from firmware_bridge.modbus.registers import plan
from firmware_bridge.modbus.settings import ModbusDevice
from firmware_bridge.readings import Rejected

log = logging.getLogger(__name__)

_IDLE_S: Final = 0.2
_BUSY: Final = "refused_device_busy"
_ADVICE: Final = {
    "no_answer": "check its power, its unit number, speed and parity, and whether A and B are swapped",
    "bad_crc": "check speed and parity, the ends of the cable, and whether two devices have the same unit number",
    "refused_illegal_address": "it has no such register: addresses are counted from 0, and there are two tables",
    "refused_illegal_function": "it has no such table: try function = holding or input",
}


class ModbusSource:
    """A `Source`. retries: how often a question without an answer is asked again. pause_s: rest of the line between an
    answer and the next question."""

    def __init__(
        self,
        name: str,
        link: SerialLink,
        devices: Sequence[ModbusDevice],
        replay: Mapping[str, ReplayState],
        *,
        timeout_s: float,
        retries: int,
        pause_s: float,
    ) -> None:
        self._name = name
        self._line = ModbusLink(link, timeout_s)
        self._devices = devices
        self._replay = replay
        self._retries = retries
        self._pause_s = pause_s
        self._silent: dict[str, str] = {}  # device to the reason why nothing is known of it

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._name

    @property
    def state(self) -> str:
        """What the line is doing now, in words."""
        silent = ", ".join(f"{name} ({reason})" for name, reason in self._silent.copy().items())
        return self._line.words + (f"; not read: {silent}" if silent and self._line.is_open else "")

    @property
    def standing(self) -> SourceStanding:
        """See `Source.standing`."""
        if not self._line.is_open:
            return STANDINGS[self._line.state]
        silent = len(self._silent)
        if not silent:
            return SourceStanding.WELL
        return SourceStanding.SILENT if silent >= len(self._devices) else SourceStanding.PARTLY

    def run(self, deliver: Deliver, stop: threading.Event) -> None:
        """See `Source.run`. A device that is due while the port is away is asked as soon as it is back."""
        decoder = ModbusDecoder(self._name, self._devices, self._replay)
        due = {device.name: 0.0 for device in self._devices}
        try:
            while not stop.is_set():
                now = time.monotonic()
                if stray := self._line.take_stray():
                    deliver(self._counted(Rejected("stray_bytes", stray, "nobody asked for them")))
                device = min(self._devices, key=lambda one: due[one.name])
                if self._line.is_open and due[device.name] <= now:
                    due[device.name] = max(due[device.name] + device.interval_s, now)
                    if not self._poll(device, decoder, deliver, stop):
                        due = dict.fromkeys(due, 0.0)
                    continue
                self._line.idle(_IDLE_S if not self._line.is_open else min(_IDLE_S, due[device.name] - now))
        finally:
            self._line.close()

    def _poll(self, device: ModbusDevice, decoder: ModbusDecoder, deliver: Deliver, stop: threading.Event) -> bool:
        """Ask for all blocks of a device; whether the port is still there."""
        trouble = ""
        for block in plan(device):
            reason = self._ask(Request(device.unit, *block), decoder, deliver, stop)
            if reason == "port_away":
                return False
            if stop.is_set():
                return True
            trouble = trouble or reason
            if reason == "no_answer":
                break  # nor would it answer for the other blocks, and each try costs a time-out
        self._tell(device, trouble)
        return True

    def _ask(self, request: Request, decoder: ModbusDecoder, deliver: Deliver, stop: threading.Event) -> str:
        """Ask until there is an answer or no try is left; why there is none, or ""."""
        reason = ""
        for _ in range(1 + self._retries):
            told = self._line.ask(request, stop)
            if isinstance(told, Rejected) and stop.is_set():
                break
            delivery = self._counted(told) if isinstance(told, Rejected) else decoder.feed(told)
            if delivery is not None:
                deliver(delivery)
            reason = told.reason if isinstance(told, Rejected) else _refusal(delivery)
            stop.wait(self._pause_s)
            if not reason or reason == "port_away" or (reason.startswith("refused_") and reason != _BUSY):
                break
        return reason

    def _counted(self, rejected: Rejected) -> Delivery:
        log.debug("%s: %s: %s", self._name, rejected.reason, rejected.detail)
        return Delivery(self._name, [], [rejected], {})

    def _tell(self, device: ModbusDevice, reason: str) -> None:
        """Say once that a device is not read, and once that it is again."""
        was = self._silent.pop(device.name, "")
        if reason:
            self._silent[device.name] = reason
            if not was:
                advice = _ADVICE.get(
                    reason, _ADVICE["bad_crc"] if not reason.startswith("refused_") else "see its manual"
                )
                log.warning(
                    "%s: %s (unit %d) cannot be read: %s; %s", self._name, device.name, device.unit, reason, advice
                )
        elif was:
            log.info("%s: %s (unit %d) is read again", self._name, device.name, device.unit)


def _refusal(delivery: Delivery | None) -> str:
    """The refusal in what an exchange gave, or ""."""
    rejected = delivery.rejected if delivery is not None else []
    return next((item.reason for item in rejected if item.reason.startswith("refused_")), "")
