"""Modbus RTU: river gauges, rain gauges and other sensors with registers, several on one RS-485 line.

Device          any that answers functions 03 or 04; what is in which register is declared in settings
Specification   Modbus Application Protocol 1.1b3; Modbus over Serial Line 1.02 (modbus.org); the device's manual
Link            serial (RS-485 by an adapter), 8 bits, 9600 baud, no parity, 1 stop bit unless set otherwise; the
                gateway asks, one question at a time

Data layout     one letter a nibble; big-endian but for the CRC

    question        UU FF AAAA NNNN KKKK
    answer          UU FF LL  registers, 2 bytes each  KKKK
    refusal         UU FF XX KKKK

    U   8  unit         1 to 247
    F   8  function     03 holding registers, 04 input registers; + 0x80 in a refusal
    A  16  address      of the first register, from 0
    N  16  count        1 to 125
    L   8  length       of the registers in bytes
    X   8  exception    1 illegal function, 2 illegal address, 3 illegal value, 4 device failure, 6 busy, ...
    registers           int16, uint16, int32, uint32, float32 (IEEE 754); order, scale, unit, sentinel by settings
    K  16  CRC          CRC-16/MODBUS of all before it, low byte first

Integrity       CRC; unit, function and length must be those asked for; range. The protocol does not say which question
                an answer belongs to: what comes late is dropped before the next question
Extra           modbus (pymodbus)
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import Field, model_validator

from firmware_bridge.delivery import ReplayState, Source, SourceSettings
from firmware_bridge.framing.our_frames import check_all_different
from firmware_bridge.links.serial_link import Parity, SerialLink
from firmware_bridge.modbus.settings import ModbusDevice
from firmware_bridge.readings import DEVICE_QUANTITIES, BridgeError

if TYPE_CHECKING:
    from firmware_bridge.modbus.decoder import ModbusDecoder

QUANTITIES: Final = DEVICE_QUANTITIES
SAMPLE: Final = """\
driver = "modbus_rtu"
name = "muelle"
port = "/dev/serial/by-id/usb-FTDI_USB-RS485_Cable_FT0001-if00-port0"
baud = 9600

[[devices]]
unit = 1
name = "nivel-muelle"
interval_s = 300

[[devices.registers]]
address = 0
function = "input"
type = "uint16"
quantity = "water_level_metres"
unit = "mm"
absent = [65535]

[[devices.registers]]
address = 1
function = "input"
type = "int16"
scale = 0.1
quantity = "water_temperature_celsius"
absent = [32767]

[[devices]]
unit = 2
name = "lluvia-muelle"
interval_s = 60

[[devices.registers]]
address = 4
type = "uint32"
word_order = "little"
counter = true
scale = 0.2
quantity = "rainfall_millimetres"
most = 50
"""


class Settings(SourceSettings):
    """A line with Modbus devices."""

    driver: Literal["modbus_rtu"] = Field(description="modbus_rtu: devices with registers on an RS-485 line.")
    port: str = Field(
        min_length=1,
        description="Path of the serial port; /dev/serial/by-id/... stays the same when other devices are plugged in.",
    )
    baud: int = Field(default=9600, ge=300, le=4_000_000, description="Speed of the line in baud.")
    parity: Parity = Field(default="none", description="Parity bit: none, even (what the standard wants) or odd.")
    stop_bits: Literal[1, 2] = Field(default=1, description="Stop bits; the standard wants 2 without parity.")
    timeout_s: float = Field(default=1.0, ge=0.05, le=10, description="How long a device may take to answer.")
    retries: int = Field(default=1, ge=0, le=5, description="How often a question without an answer is asked again.")
    pause_s: float = Field(
        default=0.05, ge=0, le=5, description="Rest of the line between an answer and the next question."
    )
    devices: list[ModbusDevice] = Field(min_length=1, max_length=64, description="The devices on the line.")

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        check_all_different(self.devices, what=("name",))
        return self


def new_decoder(settings: Settings, replay: Mapping[str, ReplayState]) -> ModbusDecoder:
    """See `Driver.new_decoder`. It is fed what passes on the line, questions and answers."""
    _need_pymodbus()
    made: ModbusDecoder = importlib.import_module("firmware_bridge.modbus.decoder").ModbusDecoder(
        settings.name, settings.devices, replay
    )
    return made


def open_source(settings: Settings, replay: Mapping[str, ReplayState]) -> Source:
    """See `Driver.open_source`. Raises BridgeError when pymodbus is not installed."""
    _need_pymodbus()
    link = SerialLink(
        settings.port, settings.baud, name=settings.name, parity=settings.parity, stop_bits=settings.stop_bits
    )
    source: Source = importlib.import_module("firmware_bridge.links.modbus_source").ModbusSource(
        settings.name,
        link,
        settings.devices,
        replay,
        timeout_s=settings.timeout_s,
        retries=settings.retries,
        pause_s=settings.pause_s,
    )
    return source


def _need_pymodbus() -> None:
    """It is an extra, and of 9 MB: imported only where a line of this kind is opened. Raises BridgeError."""
    if importlib.util.find_spec("pymodbus") is None:
        raise BridgeError("the driver modbus_rtu needs pymodbus; install it with: pip install 'vigia[modbus]'")
