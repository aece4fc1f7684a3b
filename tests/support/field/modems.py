"""Radio modems: each hears a detection in our own frames and, where it can, a foreign sensor's packet."""

from __future__ import annotations

import hashlib
from pathlib import Path

from firmware_bridge.framing import cobs_frames
from tests.firmware_bridge.drivers.radio_frames import READING, sealed
from tests.support.field.played import Played, Stored
from tests.support.modems import LoraE5, Modem, ModemOnTty, Rak3172, Rn2483, Rylr998
from tests.support.waiting import wait_until

TEMPERATURE = bytes.fromhex("0367 0110")  # Cayenne LPP: channel 3, temperature, 27.2 degrees
_RADIO = 'band = "au915"\nfrequency_hz = 916_800_000\n'
_OURS = """\
[[sources.devices]]
id = "{id}"
name = "{name}"
key = "{key}"
"""
_CLIMATE = """\
[sources.default]
name = "{name}"
payload = {{ codec = "cayenne_lpp" }}
"""
_ADDRESSED = """\
[[sources.devices]]
id = "{address}"
name = "{name}"
payload = {{ codec = "cayenne_lpp" }}
"""


class _OnAir(Played):
    """What all of them share: two sensors on the air, `oido-<name>` and `clima-<name>`. address: of the latter, for
    modems that tell it."""

    address = 50

    def __init__(self, place: Path, name: str) -> None:
        super().__init__(place)
        self.name = name
        secret = hashlib.sha256(f"modem {name}".encode()).hexdigest()
        self.id, self.key = secret[:8], secret[8:40]

    def frame(self) -> bytes:
        """The detection, sealed by its sensor."""
        return sealed(1, key=self.key, device=int(self.id, 16))

    def expect(self, signal: dict[str, float]) -> None:
        """The detection, three seconds old, with this signal."""
        values = READING.values() | signal
        self.stored.append(Stored(f"oido-{self.name}", "acoustic_detection", values, "chainsaw", age_s=3))

    def expect_climate(self, signal: dict[str, float]) -> None:
        """The temperature."""
        self.stored.append(Stored(f"clima-{self.name}", "environment", {"temperature_celsius": 27.2} | signal))

    def table(self, more: str, devices: str) -> str:
        """Its [[sources]], whose ends are named."""
        head = f'[[sources]]\ndriver = "{self.driver}"\nname = "{self.name}"\nport = "{self.place}/port"\n'
        ours = _OURS.format(name=f"oido-{self.name}", id=self.id, key=self.key)
        return head + more + ours + devices.format(name=f"clima-{self.name}", address=self.address)


class OnModem(_OnAir):
    """A modem that is set up by commands. rssi, snr: as its lines tell them; snr_decibels: what that is."""

    def __init__(
        self,
        place: Path,
        name: str,
        modem: Modem,
        *,
        rssi: int,
        snr: int,
        snr_decibels: float,
        more: str = "",
        devices: str = _CLIMATE,
    ) -> None:
        super().__init__(place, name)
        self._modem, self._rssi, self._snr = modem, rssi, snr
        self._more, self._devices = more, devices
        for expect in (self.expect, self.expect_climate):
            expect({"rssi_dbm": rssi, "snr_decibels": snr_decibels})

    @property
    def settings(self) -> str:
        return self.table(_RADIO + self._more, self._devices)

    def open(self) -> None:
        self.ends.enter_context(ModemOnTty(self._modem, self.place / "port"))

    def say(self) -> None:
        for packet in (self.frame(), TEMPERATURE):  # a one-shot receiver is armed again in between
            wait_until(
                f"{self.name} has heard it; it was told {self._modem.commands}",
                lambda packet=packet: self._modem.receive(packet, self._rssi, self._snr),  # type: ignore[misc]
                timeout_s=30,
            )


class MicrochipRn2483(OnModem):
    driver = "microchip_rn2483"

    def __init__(self, place: Path) -> None:
        super().__init__(place, "rn2483", Rn2483(), rssi=-97, snr=5, snr_decibels=5)


class RakRui3(OnModem):
    driver = "rak_rui3"

    def __init__(self, place: Path) -> None:
        super().__init__(place, "rak-rui3", Rak3172(), rssi=-101, snr=-7, snr_decibels=-7)


class RakTwoLines(OnModem):
    """The same with the firmware that tells a packet in two lines."""

    driver = "rak_rui3"

    def __init__(self, place: Path) -> None:
        super().__init__(place, "rak-viejo", Rak3172(form="two_lines"), rssi=-88, snr=9, snr_decibels=9)


class SeeedLoraE5(OnModem):
    driver = "seeed_lora_e5"

    def __init__(self, place: Path) -> None:
        super().__init__(place, "lora-e5", LoraE5(), rssi=-106, snr=10, snr_decibels=10)


class ReyaxRylr998(OnModem):
    driver = "reyax_rylr"

    def __init__(self, place: Path) -> None:
        super().__init__(place, "rylr998", Rylr998(), rssi=-99, snr=11, snr_decibels=11, devices=_ADDRESSED)


class ReyaxRylr896(OnModem):
    """The older one, whose SNR is in quarters."""

    driver = "reyax_rylr"
    address = 51

    def __init__(self, place: Path) -> None:
        more = 'model = "rylr896"\nnetwork_id = 5\n'
        modem = Rylr998()
        modem.sender = self.address
        super().__init__(place, "rylr896", modem, rssi=-99, snr=-30, snr_decibels=-7.5, more=more, devices=_ADDRESSED)


class EbyteE22(_OnAir):
    """A transparent modem, our sensors behind it; an RSSI byte after each packet."""

    driver = "ebyte_e22"

    def __init__(self, place: Path) -> None:
        super().__init__(place, "e22")
        self.expect({"rssi_dbm": -97})

    @property
    def settings(self) -> str:
        return self.table("", "")

    def open(self) -> None:
        self._line = self.tty()

    def say(self) -> None:
        self._line.say(cobs_frames.encode(b"\0" + self.frame()) + bytes((256 - 97,)))


class EbyteE22Bursts(_OnAir):
    """The same, any packets, each ended by silence; the older meaning of the RSSI byte."""

    driver = "ebyte_e22"

    def __init__(self, place: Path) -> None:
        super().__init__(place, "e22-viejo")
        self.expect_climate({"rssi_dbm": -80})

    @property
    def settings(self) -> str:
        return self.table('framing = "bursts"\nrssi_formula = "half"\n', _CLIMATE)

    def open(self) -> None:
        self._line = self.tty()

    def say(self) -> None:
        self._line.say(TEMPERATURE + bytes((2 * 80,)))
