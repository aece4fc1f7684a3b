"""Modbus RTU frames. Pure. The one module that imports pymodbus, and it is imported only where there is such a line: it
takes 9 MB of memory.

pymodbus codes and checks the frames; finding them is done here. Its own client waits for silence, then takes what came
for one frame: a byte of noise before the answer (usual when an RS-485 line turns around) costs the answer, and a
damaged frame looks like none at all, whereas here it has a reason.

Specification: Modbus Application Protocol 1.1b3; Modbus over Serial Line 1.02 (CRC-16, sent low byte first).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU
from pymodbus.pdu import DecodePDU
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

HOLDING: Final = 3
INPUT: Final = 4
MAX_FRAME_BYTES: Final = 256

_REFUSED: Final = 0x80
_REQUEST_BYTES: Final = 8
_REFUSAL_BYTES: Final = 5
_ANSWER_BYTES: Final = 5  # and the registers
_MOST_DATA: Final = 250
_EXCEPTIONS: Final = {
    1: "illegal_function",
    2: "illegal_address",
    3: "illegal_value",
    4: "device_failure",
    5: "acknowledge",
    6: "device_busy",
    7: "negative_acknowledge",
    8: "memory_parity_error",
    10: "gateway_path",
    11: "gateway_no_answer",
}

_framer: Final = FramerRTU(DecodePDU(False))


class Request(NamedTuple):
    """Asks a unit for some registers from an address on. function: HOLDING or INPUT."""

    unit: int
    function: int
    address: int
    size: int


class Answer(NamedTuple):
    """The registers that were asked for."""

    unit: int
    function: int
    registers: tuple[int, ...]


class Refusal(NamedTuple):
    """The unit says why it does not answer. reason: a counter's name, refused_<...>."""

    unit: int
    function: int
    reason: str


Frame = Request | Answer | Refusal


def encode(request: Request) -> bytes:
    """The frame of a request."""
    kind = ReadHoldingRegistersRequest if request.function == HOLDING else ReadInputRegistersRequest
    return _framer.buildFrame(kind(dev_id=request.unit, address=request.address, count=request.size))


def find_answer(held: bytes, request: Request) -> bytes | None:
    """The frame within the bytes that answers or refuses the request, whatever stands around it."""
    size = _ANSWER_BYTES + 2 * request.size
    for start, length in (
        (bytes((request.unit, request.function, 2 * request.size)), size),
        (bytes((request.unit, request.function | _REFUSED)), _REFUSAL_BYTES),
    ):
        at = held.find(start)
        while at >= 0:
            if _is_sound(frame := held[at : at + length], length):
                return frame
            at = held.find(start, at + 1)
    return None


def split(held: bytes) -> tuple[list[Frame], int, bytes]:
    """What passes on a line, in both directions: the frames, how many bytes between them are none, and what may still
    become one. Only requests for registers, their answers and refusals are known."""
    frames: list[Frame] = []
    stray = at = 0
    while at < len(held):
        lengths = _lengths(held[at : at + 3])
        found = next((n for n in lengths if _is_sound(held[at : at + n], n)), None)
        if found is not None:
            if (frame := _parse(held[at : at + found])) is not None:
                frames.append(frame)
            else:
                stray += found
            at += found
        elif any(n > len(held) - at for n in lengths):
            break
        else:
            stray += 1
            at += 1
    return frames, stray, held[at:]


def is_damaged(held: bytes) -> bool:
    """Whether what `split` held back is long enough for a frame that begins so, and is none."""
    return any(length <= len(held) for length in _lengths(held[:3]))


def _lengths(start: bytes) -> list[int]:
    """How long a frame that begins so may be, shortest first; more than is there where that cannot be told yet."""
    if len(start) < 2:
        return [_REFUSAL_BYTES]
    function = start[1]
    if function in (HOLDING | _REFUSED, INPUT | _REFUSED):
        return [_REFUSAL_BYTES]
    if function not in (HOLDING, INPUT):
        return []
    if len(start) < 3:
        return [_REFUSAL_BYTES]
    data = start[2]
    answers = [_ANSWER_BYTES + data] if data and data % 2 == 0 and data <= _MOST_DATA else []
    return sorted((*answers, _REQUEST_BYTES))


def _is_sound(frame: bytes, length: int) -> bool:
    return len(frame) == length and FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))


def _parse(frame: bytes) -> Frame | None:
    """What a frame with a right CRC says; None for an exception of function 0, which pymodbus cannot read."""
    unit, function = frame[0], frame[1]
    if function & _REFUSED:
        reason = _EXCEPTIONS.get(frame[2], f"code_{frame[2]}")
        return Refusal(unit, function & ~_REFUSED, f"refused_{reason}")
    if len(frame) == _REQUEST_BYTES:
        return Request(unit, function, int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big"))
    try:
        _, pdu = _framer.handleFrame(frame, unit, 0)
    except ModbusException:
        return None
    return None if pdu is None else Answer(unit, function, tuple(pdu.registers))
