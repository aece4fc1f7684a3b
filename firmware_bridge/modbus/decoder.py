"""What passes on a Modbus line, requests and answers both, becomes deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from firmware_bridge.delivery import Delivery, ReplayState, Tally
from firmware_bridge.modbus.frames import Answer, Refusal, Request, is_damaged, split
from firmware_bridge.modbus.registers import RegisterReader
from firmware_bridge.modbus.settings import ModbusDevice
from firmware_bridge.readings import Reading, Rejected


class ModbusDecoder:
    """A `Decoder`. An answer does not say what was asked, so it is fed the request before it.

    Reasons beside those of `RegisterReader`: stray_bytes (bytes that are no frame), unasked_answer, no_answer (after a
    request came another), refused_<exception>.
    """

    def __init__(self, source: str, devices: Iterable[ModbusDevice], replay: Mapping[str, ReplayState]) -> None:
        self._source = source
        self._reader = RegisterReader(source, devices, replay)
        self._held = b""
        self._asked: Request | None = None

    def end(self) -> list[Rejected]:
        """See `EndingDecoder.end`: bytes as long as a frame, whose CRC is not theirs."""
        return [Rejected("bad_crc", 1, f"{len(self._held)} bytes")] if is_damaged(self._held) else []

    def feed(self, chunk: bytes) -> Delivery | None:
        """See `Decoder.feed`."""
        readings: list[Reading] = []
        tally = Tally()
        frames, stray, self._held = split(self._held + chunk)
        for frame in frames:
            asked, self._asked = self._asked, None
            match frame:
                case Request():
                    if asked is not None:
                        tally.add("no_answer", f"unit {asked.unit}")
                    self._asked = frame
                case Answer(unit, function, registers):
                    if asked is None or (unit, function, len(registers)) != (asked.unit, asked.function, asked.size):
                        tally.add("unasked_answer", f"unit {unit}")
                    else:
                        readings += self._reader.read(unit, function, asked.address, registers, tally)
                case Refusal(unit, _, reason):
                    where = f", registers from {asked.address} on" if asked is not None else ""
                    tally.add(reason, f"unit {unit}{where}")
        if stray:
            tally.add("stray_bytes", f"{stray} bytes that are no frame", stray)
        rejected = tally.items()
        replay = self._reader.take_replay()
        if not (readings or rejected or replay):
            return None
        return Delivery(self._source, readings, rejected, replay)
