"""Radio modems as their makers' manuals describe them, in memory or on a tty: they lose commands, are busy, restart.

modem = Rn2483(lose={2}, busy={4: 2})      # the third command is lost, the fifth answered `busy` twice
with ModemOnTty(modem, tmp_path / "port", seed=7): modem.receive(packet, -97, 5)
"""

from __future__ import annotations

import os
import re
import select
import threading
from collections.abc import Mapping, Set
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from tests.support.serial_lines import TtyPair

PACKET = bytes.fromhex("48656c6c6f")


class Modem:
    """Takes command bytes, gives answer bytes. `commands` is what it was told, `settings` what it took of it."""

    ending = b"\r\n"

    def __init__(self, *, lose: Set[int] = frozenset(), busy: Mapping[int, int] | None = None) -> None:
        self.commands: list[str] = []
        self.settings: dict[str, str] = {}
        self.sent: list[bytes] = []  # on the air
        self.mute = False  # it takes what it is to send, and never says that it is sent
        self.is_listening = False
        self.dead = False
        self.refuses: set[str] = set()
        self._lose = set(lose)
        self._busy = dict(busy or {})
        self._rest = b""
        self.lock = threading.RLock()
        self.pending = b""  # what it says by itself

    def say(self, data: bytes) -> bytes:
        """What it answers to bytes of the host."""
        with self.lock:
            *lines, self._rest = re.split(rb"[\r\n]+", self._rest + data)
            return b"".join(self._one(line.decode("ascii")) for line in lines if line)

    def _one(self, command: str) -> bytes:
        if self.dead:
            return b""
        number = len(self.commands)
        self.commands.append(command)
        if number in self._lose:
            return b""
        if self._busy.get(number, 0) > 0:
            self._busy[number + 1] = self._busy[number] - 1
            return self.line(self.busy_word)
        if command in self.refuses or not command.startswith(self.begins):
            return self.line(self.refusal_word)
        return self.answer(command)

    begins: str | tuple[str, ...] = "AT"
    busy_word = "busy"
    refusal_word = "invalid_param"

    def line(self, text: str) -> bytes:
        return text.encode() + b"\r\n"

    def answer(self, command: str) -> bytes:
        raise NotImplementedError

    def transmit(self, content: bytes, done: str) -> bytes:
        """Put it on the air; how it says so."""
        self.sent.append(content)
        return b"" if self.mute else self.line(done)

    def restart(self) -> None:
        """Power lost and back: settings gone, the banner said."""
        with self.lock:
            self.settings.clear()
            self.is_listening = False
            self._rest = b""
            self.pending += self.banner()

    def banner(self) -> bytes:
        return b""

    def heard(self, content: bytes, rssi: int, snr: int) -> bytes:
        """The line or lines of a packet."""
        raise NotImplementedError

    def receive(self, content: bytes, rssi: int = -97, snr: int = 5) -> bool:
        """A packet on the air; whether the modem heard it."""
        with self.lock:
            if not self.is_listening or self.dead:
                return False
            self.pending += self.heard(content, rssi, snr)
            return True


class Rn2483(Modem):
    """RN2483 command reference DS40001784G. old: firmware before 1.0.5, without `radio get rssi`."""

    begins = ("sys ", "mac ", "radio get", "radio set", "radio rx", "radio tx")
    version = "RN2483 1.0.5 Oct 31 2018 15:06:52"

    def __init__(
        self, *, old: bool = False, lose: Set[int] = frozenset(), busy: Mapping[int, int] | None = None
    ) -> None:
        super().__init__(lose=lose, busy=busy)
        self._old = old
        self._last = (0, -128)
        self._paused = False

    def banner(self) -> bytes:
        self._paused = False
        return self.line(self.version)

    def answer(self, command: str) -> bytes:
        words = command.split(" ")
        match words:
            case ["sys", "reset"]:
                self.settings.clear()
                self.is_listening = False
                return self.banner()
            case ["mac", "pause"]:
                self._paused = True
                return self.line("4294967245")
            case ["radio", "set", name, value]:
                self.settings[name] = value
                return self.line("ok")
            case ["radio", "rx", "0"]:
                if self.is_listening or not self._paused:
                    return self.line("busy")
                self.is_listening = True
                return self.line("ok")
            case ["radio", "rxstop"]:
                self.is_listening = False
                return self.line("ok")
            case ["radio", "tx", digits]:
                if self.is_listening:
                    return self.line("busy")
                return self.line("ok") + self.transmit(bytes.fromhex(digits), "radio_tx_ok")
            case ["radio", "get", "snr"]:
                return self.line(str(self._last[1]))
            case ["radio", "get", "rssi"] if not self._old:
                return self.line(str(self._last[0]))
        return self.line("invalid_param")

    def heard(self, content: bytes, rssi: int, snr: int) -> bytes:
        self._last = (rssi, snr)
        self.is_listening = False  # one-shot
        return b"radio_rx  " + content.hex().upper().encode() + b"\r\n"

    def watchdog(self) -> None:
        """Nothing was heard for so long."""
        with self.lock:
            self.is_listening = False
            self.pending += self.line("radio_err")


class Rak3172(Modem):
    """RUI3 AT command manual. form: "rui3", "two_lines" (firmware 1.0.x)."""

    busy_word = "AT_BUSY_ERROR"
    refusal_word = "AT_PARAM_ERROR"

    def __init__(
        self,
        *,
        form: str = "rui3",
        p2p: bool = False,
        lose: Set[int] = frozenset(),
        busy: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__(lose=lose, busy=busy)
        self._form = form
        self._p2p = p2p

    def banner(self) -> bytes:
        mode = "LoRa P2P" if self._p2p else "LoRaWAN"
        return b"".join(map(self.line, ("RAKwireless RAK3172-E Example", "-" * 54, f"Current Work Mode: {mode}.")))

    def answer(self, command: str) -> bytes:
        ok = b"\r\n" + self.line("OK")
        name, _, value = command.removeprefix("AT+").partition("=")
        if command == "AT":
            return ok
        if command == "AT+NWM=?":
            return self.line(f"AT+NWM={0 if self._p2p else 1}") + ok
        if command == "AT+NWM=0":
            self._p2p = True
            self.is_listening = False
            return self.banner()
        if not self._p2p:
            return self.line("AT_MODE_NO_SUPPORT")
        if name == "PRECV":
            if value == "?":
                return self.line(f"AT+PRECV={65534 if self.is_listening else 0}") + ok
            self.is_listening = value != "0"
            return ok
        if self.is_listening:
            return self.line("AT_BUSY_ERROR")
        if name == "PSEND":
            return ok + self.transmit(bytes.fromhex(value), "+EVT:TXP2P DONE")
        if name == "P2P" and value.split(":")[2] in ("125", "250", "500") and self._form == "rui3":
            return self.line("AT_PARAM_ERROR")
        if name == "SYNCWORD" and self._form != "rui3":
            return self.line("AT_COMMAND_NOT_FOUND")
        self.settings[name] = value
        return ok

    def heard(self, content: bytes, rssi: int, snr: int) -> bytes:
        if self._form == "rui3":
            return self.line(f"+EVT:RXP2P:{rssi}:{snr}:{content.hex().upper()}")
        return self.line(f"+EVT:RXP2P, RSSI {rssi}, SNR {snr}") + self.line(f"+EVT:{content.hex().upper()}")


class LoraE5(Modem):
    """LoRa-E5 AT command specification V1.0. A restart is silent and ends in LoRaWAN mode."""

    def answer(self, command: str) -> bytes:
        if command == "AT":
            return self.line("+AT: OK")
        if command == "AT+MODE=TEST":
            self.settings["MODE"] = "TEST"
            return self.line("+MODE: TEST")
        if self.settings.get("MODE") != "TEST":
            return self.line("+TEST: ERROR(-12)")
        if command.startswith("AT+TEST=RFCFG,"):
            mhz, sf, bw, txpr, rxpr, power, crc, iq, net = command.removeprefix("AT+TEST=RFCFG,").split(",")
            self.settings["RFCFG"] = command
            return self.line(
                f"+TEST: RFCFG F:{round(float(mhz) * 1e6)}, {sf}, BW{bw}K, TXPR:{txpr}, RXPR:{rxpr}, POW:{power}dBm, "
                f"CRC:{crc}, IQ:{iq}, NET:{net}"
            )
        if command == "AT+TEST=RXLRPKT":
            self.is_listening = True
            return self.line("+TEST: RXLRPKT")
        if command.startswith("AT+TEST=TXLRPKT,"):
            self.is_listening = False
            digits = command.removeprefix("AT+TEST=TXLRPKT,").strip('"')
            return self.line(f'+TEST: TXLRPKT "{digits}"') + self.transmit(bytes.fromhex(digits), "+TEST: TX DONE")
        return self.line("+AT: ERROR(-1)")

    refusal_word = "+TEST: ERROR(-1)"

    def heard(self, content: bytes, rssi: int, snr: int) -> bytes:
        return self.line(f"+TEST: LEN:{len(content)}, RSSI:{rssi}, SNR:{snr}") + self.line(
            f'+TEST: RX "{content.hex().upper()}"'
        )


class Rylr998(Modem):
    """LoRa AT command guide RYLR998/RYLR498. It keeps its settings and always listens."""

    busy_word = "+ERR=17"
    refusal_word = "+ERR=4"
    sender = 50

    def __init__(self, *, lose: Set[int] = frozenset(), busy: Mapping[int, int] | None = None) -> None:
        super().__init__(lose=lose, busy=busy)
        self.is_listening = True

    def banner(self) -> bytes:
        self.is_listening = True
        return self.line("+READY")

    def answer(self, command: str) -> bytes:
        if command == "AT+BAND?":
            return self.line(f"+BAND={self.settings.get('BAND', '915000000')}")
        name, _, value = command.removeprefix("AT+").partition("=")
        if name == "SEND":
            _, length, data = value.split(",", 2)
            if int(length) != len(data):
                return self.line("+ERR=5")
            return self.transmit(data.encode(), "+OK")
        if value:
            self.settings[name] = value
        return self.line("+OK")

    def heard(self, content: bytes, rssi: int, snr: int) -> bytes:
        return b"+RCV=%d,%d,%b,%d,%d\r\n" % (self.sender, len(content), content, rssi, snr)


class ModemOnTty:
    """A modem on a tty, its thread, and its line: cut anywhere, and with garbage lines between whole ones if wanted."""

    def __init__(self, modem: Modem, link: Path, *, seed: int = 7, garbage: bool = False) -> None:
        self.modem = modem
        self.pair = TtyPair(link)
        self._chance = Random(seed)
        self._garbage = garbage
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="modem")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.pair.unplug()

    def _run(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select((self.pair.master,), (), (), 0.005)
            said = self.modem.say(os.read(self.pair.master, 4096)) if ready else b""
            with self.modem.lock:
                said += self.modem.pending
                self.modem.pending = b""
            if said and self._garbage and self._chance.random() < 0.3:
                said = b"\xfe\x81 boot noise \x07\r\n" + said
            while said:
                cut = self._chance.randint(1, len(said))
                self.pair.say(said[:cut])
                said = said[cut:]
