"""From registers to values: numbers, what was not measured, counters that go on. Pure."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from firmware_bridge.delivery import ReplayState, Tally
from firmware_bridge.modbus.settings import ModbusDevice, Register
from firmware_bridge.payloads.grouping import KIND_NAMES, Collector
from firmware_bridge.payloads.hand_over import to_readings
from firmware_bridge.payloads.units import converter
from firmware_bridge.readings import MAX_NAME_BYTES, Reading

FUNCTIONS: Final = {"holding": 3, "input": 4}
_NEAR_THE_END: Final = 8
"""A counter that falls has wrapped if so it went on by less than an eighth of its range; else it began anew."""


class Block(NamedTuple):
    """Registers that are asked for together."""

    function: int
    address: int
    size: int


def plan(device: ModbusDevice) -> list[Block]:
    """Every register of a device, neighbours together, in as few requests as its settings allow."""
    blocks: list[Block] = []
    for register in sorted(device.registers, key=lambda r: (FUNCTIONS[r.function], r.address)):
        function, end = FUNCTIONS[register.function], register.address + register.words
        if blocks:
            last = blocks[-1]
            size = max(end - last.address, last.size)
            if (
                last.function == function
                and register.address <= last.address + last.size
                and size <= device.most_registers
            ):
                blocks[-1] = last._replace(size=size)
                continue
        blocks.append(Block(function, register.address, register.words))
    return blocks


def number(register: Register, words: Sequence[int]) -> float:
    """The number in its registers, before scale and offset; NaN and infinities too."""
    ordered = words if register.word_order == "big" else words[::-1]
    raw = b"".join(word.to_bytes(2, register.byte_order) for word in ordered)
    if register.type == "float32":
        return float(struct.unpack(">f", raw)[0])
    return int.from_bytes(raw, "big", signed=register.type in ("int16", "int32"))


class RegisterReader:
    """The devices of one line. Not for several threads.

    replay: the state of counters: the sum of all that was counted and the last number. Beside reasons of `to_readings`:
    unknown_device, unread_registers, counter_began (a first number, nothing to compare with), counter_reset (it fell:
    what it has counted since is the amount, what it had counted before that is lost), implausible_count.
    """

    def __init__(self, source: str, devices: Iterable[ModbusDevice], replay: Mapping[str, ReplayState]) -> None:
        self._devices = tuple(devices)
        self._keys: dict[tuple[str, str], str] = {}
        self._converters: dict[tuple[str, str], Callable[[float], float]] = {}
        for device in self._devices:
            for register in device.registers:
                one = (device.name, register.quantity)
                self._converters[one] = converter(register.unit, register.quantity, register.scale, register.offset)
                if register.counter:
                    self._keys[one] = _key(source, device.name, register)
        self._counters = {key: state for key in self._keys.values() if (state := replay.get(key)) is not None}
        self._changed: dict[str, ReplayState] = {}

    def take_replay(self) -> dict[str, ReplayState]:
        """The counters that changed since this was last asked, for `Delivery.replay`."""
        changed, self._changed = self._changed, {}
        return changed

    def read(self, unit: int, function: int, address: int, words: Sequence[int], tally: Tally) -> list[Reading]:
        """What the registers from an address on tell."""
        there = [device for device in self._devices if device.unit == unit]
        if not there:
            tally.add("unknown_device", f"unit {unit}")
            return []
        readings: list[Reading] = []
        known = False
        for device in there:
            told = Collector()
            for register in device.registers:
                start = register.address - address
                if FUNCTIONS[register.function] == function and 0 <= start <= len(words) - register.words:
                    known = True
                    self._take(device, register, words[start : start + register.words], told, tally)
            if told.values:
                readings += to_readings(told.decoded(KIND_NAMES.get(device.kind or "")), device.name, tally)
                continue
            for absence in told.absent:
                sentinel = absence.reason == "sentinel"
                tally.add(f"absent_{absence.quantity}"[:MAX_NAME_BYTES] if sentinel else absence.reason, device.name)
        if not known:
            tally.add("unread_registers", f"unit {unit}: {len(words)} from {address} on, function {function}")
        return readings

    def _take(
        self, device: ModbusDevice, register: Register, words: Sequence[int], told: Collector, tally: Tally
    ) -> None:
        value = number(register, words)
        if value in register.absent or not math.isfinite(value):
            told.lack(register.quantity)
            return
        convert = self._converters[device.name, register.quantity]
        if not register.counter:
            told.add(register.quantity, convert(value), register.quantity)
            return
        amount = self._count(self._keys[device.name, register.quantity], register, int(value), tally)
        if amount is None:
            return
        converted = convert(amount)
        if register.most is not None and converted > register.most:
            tally.add("implausible_count", f"{converted:g} in one reading of {register.quantity}")
        else:
            told.add(register.quantity, converted, register.quantity)

    def _count(self, key: str, register: Register, now: int, tally: Tally) -> int | None:
        """What was counted since the last time, None the first time."""
        state = self._counters.get(key)
        amount = 0
        if state is None:
            tally.add("counter_began", f"{register.quantity} at {now}")
        else:
            last = state[1]
            amount = now - last
            if amount < 0:
                wraps_at = register.wraps_at or 1 << (16 * register.words)
                amount = (now - last) % wraps_at
                if last >= wraps_at or amount >= wraps_at // _NEAR_THE_END:
                    tally.add("counter_reset", f"{register.quantity} from {last} to {now}")
                    amount = now
        total = (state[0] if state is not None else 0) + amount
        self._counters[key] = self._changed[key] = (total, now)
        return None if state is None else amount


def _key(source: str, device: str, register: Register) -> str:
    """Where a counter's state is kept: 16 hex digits, which no id of a device has."""
    name = f"{source}\0{device}\0{register.function}\0{register.address}"
    return hashlib.blake2s(name.encode(), digest_size=8).hexdigest()
