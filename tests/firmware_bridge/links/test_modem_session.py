"""A modem is set up and kept listening, whatever it loses, refuses or forgets; packets come out in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.drivers import microchip_rn2483, rak_rui3, reyax_rylr, seeed_lora_e5
from firmware_bridge.links.modem_dialect import Dialect, Event, Packet
from firmware_bridge.links.modem_session import ModemSession, Phase
from firmware_bridge.readings import Rejected
from tests.support.modems import PACKET, LoraE5, Modem, Rak3172, Rn2483, Rylr998

STEP_S = 0.05
RADIO: dict[str, Any] = {
    "name": "radio",
    "port": "/dev/none",
    "band": "au915",
    "frequency_hz": 916_800_000,
    "devices": [{"id": "00a1b2c3", "name": "rio-arriba", "key": "00" * 16}],
}
DIALECTS: dict[str, Callable[[], Dialect]] = {
    "rn2483": lambda: microchip_rn2483.dialect(
        microchip_rn2483.Settings.model_validate(RADIO | {"driver": "microchip_rn2483"})
    ),
    "rak": lambda: rak_rui3.dialect(rak_rui3.Settings.model_validate(RADIO | {"driver": "rak_rui3"})),
    "e5": lambda: seeed_lora_e5.dialect(seeed_lora_e5.Settings.model_validate(RADIO | {"driver": "seeed_lora_e5"})),
    "reyax": lambda: reyax_rylr.dialect(reyax_rylr.Settings.model_validate(RADIO | {"driver": "reyax_rylr"})),
}
MODEMS: dict[str, Callable[..., Modem]] = {"rn2483": Rn2483, "rak": Rak3172, "e5": LoraE5, "reyax": Rylr998}
ALL = pytest.mark.parametrize("kind", sorted(DIALECTS))


class Talk:
    """A session and a modem in one room, with a clock that the test moves."""

    def __init__(self, kind: str, modem: Modem | None = None) -> None:
        self.modem = modem or MODEMS[kind]()
        self.session = ModemSession(DIALECTS[kind]())
        self.now = 0.0
        self.packets: list[Packet] = []
        self.reasons: Counter[str] = Counter()
        self.session.start(self.now)

    def go(self, seconds: float) -> None:
        """Let time pass; both talk."""
        end = self.now + seconds
        while self.now < end:
            said = self.modem.say(self.session.take_output()) + self.modem.pending
            self.modem.pending = b""
            self.take(said)
            self.now += STEP_S

    def take(self, said: bytes) -> None:
        """Bytes from the modem, or none."""
        self.note(self.session.feed(said, self.now) if said else self.session.tick(self.now))

    def note(self, events: list[Event]) -> None:
        """What the session gave."""
        for event in events:
            if isinstance(event, Rejected):
                self.reasons[event.reason] += event.count
            else:
                self.packets.append(event)

    def go_until_listening(self, within_s: float = 60.0) -> None:
        """Let time pass until the modem listens and the session knows it."""
        end = self.now + within_s
        while self.session.phase is not Phase.LISTENING or self.session.take_output():
            assert self.now < end, self.session.words
            self.go(STEP_S)
        assert self.modem.is_listening


@ALL
class TestEveryDialect:
    def test_it_is_set_up_and_heard(self, kind: str) -> None:
        talk = Talk(kind)
        talk.go_until_listening()
        for n in range(5):
            assert talk.modem.receive(bytes((n,)) + PACKET, -90 - n, n)
            talk.go(0.5)
        assert [p.content for p in talk.packets] == [bytes((n,)) + PACKET for n in range(5)]
        assert [p.rssi_dbm for p in talk.packets] == [-90, -91, -92, -93, -94]
        assert [p.snr_decibels for p in talk.packets] == [0, 1, 2, 3, 4]
        assert not talk.reasons
        assert "listens" in talk.session.words

    def test_any_lost_command_is_said_again(self, kind: str) -> None:
        plain = Talk(kind)
        plain.go_until_listening()
        for lost in range(len(plain.modem.commands)):
            talk = Talk(kind, MODEMS[kind](lose={lost}))
            talk.go_until_listening()
            talk.go(1.0)
            assert talk.modem.settings == plain.modem.settings
            assert talk.modem.receive(PACKET)
            talk.go(1.0)
            assert [p.content for p in talk.packets] == [PACKET]

    def test_busy_means_later(self, kind: str) -> None:
        if DIALECTS[kind]().busy is None:
            return  # this modem is never busy
        talk = Talk(kind, MODEMS[kind](busy={0: 3, 5: 2}))
        talk.go_until_listening()
        assert talk.modem.commands.count(talk.modem.commands[0]) >= 4

    def test_a_modem_that_says_nothing_is_trouble_in_words_and_tried_again(self, kind: str) -> None:
        talk = Talk(kind)
        talk.modem.dead = True
        talk.go(10.0)
        assert talk.session.in_trouble
        assert "does not answer" in talk.session.words
        assert "port and speed" in talk.session.words
        talk.modem.dead = False
        talk.go_until_listening()
        assert not talk.session.in_trouble

    def test_a_refused_setting_is_named(self, kind: str) -> None:
        talk = Talk(kind)
        probe = Talk(kind)
        probe.go_until_listening()
        talk.modem.refuses = {c for c in probe.modem.commands if "916" in c}
        talk.go(8.0)
        assert talk.session.in_trouble
        assert "refused" in talk.session.words
        assert talk.reasons["modem_refused"] >= 1

    def test_half_a_command_of_another_life_does_no_harm(self, kind: str) -> None:
        modem = MODEMS[kind]()
        modem.say(b"radio se")
        talk = Talk(kind, modem)
        talk.go_until_listening(within_s=4.0)
        assert not talk.session.in_trouble

    def test_a_restart_is_noticed(self, kind: str) -> None:
        talk = Talk(kind)
        talk.go_until_listening()
        before = dict(talk.modem.settings)
        talk.modem.restart()
        talk.go(700.0)  # long enough for those that say nothing
        talk.go_until_listening()
        assert talk.modem.settings == before
        assert talk.reasons["modem_reset"] + talk.reasons["modem_silent"] >= 1
        assert talk.modem.receive(PACKET)
        talk.go(1.0)
        assert [p.content for p in talk.packets] == [PACKET]

    def test_a_restart_at_any_moment_of_the_set_up(self, kind: str) -> None:
        for ticks in range(14):
            talk = Talk(kind)
            talk.go(ticks * STEP_S)
            talk.modem.restart()
            talk.go(700.0)
            talk.go_until_listening()
            assert talk.modem.receive(PACKET)
            talk.go(1.0)
            assert [p.content for p in talk.packets] == [PACKET]

    def test_garbage_and_cuts_change_no_packet(self, kind: str) -> None:
        chance = Random(7)
        talk = Talk(kind)
        sent = []
        while len(sent) < 30:
            said = talk.modem.say(talk.session.take_output()) + talk.modem.pending
            talk.modem.pending = b""
            if chance.random() < 0.2 and not said:
                said = b"\xff\xfe what? \r\n"
            at = chance.randint(0, len(said))
            talk.take(said[:at])
            talk.take(said[at:])
            talk.now += STEP_S
            if talk.session.phase is Phase.LISTENING and talk.modem.receive(bytes((len(sent),)) + PACKET):
                sent.append(bytes((len(sent),)) + PACKET)
        talk.go(2.0)
        assert [p.content for p in talk.packets] == sent
        assert set(talk.reasons) <= {"other_text"}

    @pytest.mark.parametrize("started", [False, True])
    def test_any_bytes_at_any_time(self, kind: str, started: bool) -> None:
        lines = st.sampled_from(
            b"ok|busy|0|OK|AT_ERROR|+OK|+ERR=4|+RCV=1,3,|+TEST: LEN:5, RSSI:-1, SNR:1|radio_rx  00|radio_rx 0|"
            b"radio_err|RN2483 1.0.5 x|+EVT:AA|+EVT:RXP2P:1:1:AA|+READY".split(b"|")
        )
        chunks = st.one_of(st.binary(max_size=40), lines.map(lambda line: line + b"\r\n"))

        @given(st.lists(st.tuples(chunks, st.floats(0, 400))))
        def feed(parts: list[tuple[bytes, float]]) -> None:
            session = ModemSession(DIALECTS[kind]())
            now = 0.0
            if started:
                session.start(now)
            for chunk, later in parts:
                now += later
                session.feed(chunk, now)
                session.tick(now)
                assert len(session.take_output()) < 400
                assert session.words

        feed()


def test_a_one_shot_receiver_is_armed_again_and_again() -> None:
    modem = Rn2483()
    talk = Talk("rn2483", modem)
    talk.go_until_listening()
    for n in range(20):
        modem.watchdog() if n % 3 == 0 else modem.receive(PACKET)
        talk.go(0.4)
        assert modem.is_listening
    assert len(talk.packets) == 13
    assert not talk.reasons


def test_a_watchdog_that_never_comes_means_that_it_does_not_listen() -> None:
    talk = Talk("rn2483")
    talk.go_until_listening()
    set_up = len(talk.modem.commands)
    talk.go(95.0)
    assert talk.reasons == {"modem_silent": 1}
    assert len(talk.modem.commands) == 2 * set_up


def test_strength_that_old_firmware_cannot_tell_is_asked_once() -> None:
    talk = Talk("rn2483", Rn2483(old=True))
    talk.go_until_listening()
    for _ in range(3):
        talk.modem.receive(PACKET, -90, 7)
        talk.go(0.5)
    assert [(p.rssi_dbm, p.snr_decibels) for p in talk.packets] == [(None, 7.0)] * 3
    assert talk.modem.commands.count("radio get rssi") == 1


def test_a_question_without_answer_delays_a_packet_and_does_not_lose_it() -> None:
    talk = Talk("rn2483")
    talk.go_until_listening()
    talk.modem._lose = {len(talk.modem.commands), len(talk.modem.commands) + 1}
    talk.modem.receive(PACKET)
    talk.go(0.2)
    assert not talk.packets
    talk.go(1.0)
    assert talk.packets == [Packet(PACKET)]
    assert talk.modem.is_listening


def test_the_last_packet_before_the_port_is_lost_is_kept() -> None:
    talk = Talk("rn2483")
    talk.go_until_listening()
    talk.take(b"radio_rx  48656C6C6F\r\n")
    assert talk.session.lost() == [Packet(PACKET)]


def test_a_module_that_restarts_to_change_its_mode_does_not_do_so_for_ever() -> None:
    talk = Talk("rak")
    talk.go_until_listening()
    assert talk.modem.commands.count("AT+NWM=0") == 1
    assert talk.modem.settings == {"P2P": "916800000:9:0:0:8:14", "SYNCWORD": "1424"}
    talk.session.start(talk.now)
    talk.go(0.01)
    talk.go_until_listening()
    assert talk.modem.commands.count("AT+NWM=0") == 1


def test_older_rak_firmware() -> None:
    talk = Talk("rak", Rak3172(form="two_lines", p2p=True))
    talk.go_until_listening()
    assert talk.modem.settings == {"P2P": "916800000:9:125:0:8:14"}
    assert talk.reasons == {"modem_refused": 1}
    talk.modem.receive(PACKET, -60, 11)
    talk.go(0.2)
    assert talk.packets == [Packet(PACKET, -60.0, 11.0)]


@pytest.mark.parametrize(
    ("said", "packets", "reasons"),
    [
        (b"M R", [(-106, 10)], {}),
        (b"M M R", [(-106, 10)], {"payload_line_lost": 1}),
        (b"R M R", [(None, None), (-106, 10)], {"metadata_line_lost": 1}),
        (b"M noise R R", [(-106, 10), (None, None)], {"other_text": 1, "metadata_line_lost": 1}),
        (b"M wait R", [(None, None)], {"payload_line_lost": 1, "metadata_line_lost": 1}),
        (b"M short M R", [(-106, 10)], {"bad_line": 1}),
    ],
)
def test_two_lines_are_paired_in_order(said: bytes, packets: list[Any], reasons: dict[str, int]) -> None:
    lines = {
        b"M": b"+TEST: LEN:5, RSSI:-106, SNR:10\r\n",
        b"R": b'+TEST: RX "48656C6C6F"\r\n',
        b"short": b'+TEST: RX "48656C6C"\r\n',
        b"noise": b"noise\r\n",
    }
    talk = Talk("e5")
    talk.go_until_listening()
    for word in said.split(b" "):
        if word == b"wait":
            talk.go(1.5)
        else:
            talk.take(lines[word])
    assert [(p.rssi_dbm, p.snr_decibels) for p in talk.packets] == packets
    assert talk.reasons == reasons


def test_a_reyax_that_has_forgotten_its_frequency_is_set_up_again() -> None:
    talk = Talk("reyax")
    talk.go_until_listening()
    talk.modem.settings["BAND"] = "915000000"
    talk.go(320.0)
    talk.go_until_listening()
    assert talk.modem.settings["BAND"] == "916800000"
    assert talk.reasons["modem_silent"] == 1


@ALL
def test_a_line_that_was_cut_off_with_the_port_spoils_nothing_of_the_next(kind: str) -> None:
    talk = Talk(kind)
    talk.go(5.0)
    half = talk.modem.heard(PACKET, -97, 5)
    talk.take(half[: len(half) * 2 // 3].rstrip())
    talk.note(talk.session.lost())
    assert talk.reasons["bad_line"] == 1
    assert not talk.packets
    talk.modem.restart()
    talk.modem.pending = b""
    talk.session.start(talk.now)
    talk.go(5.0)
    assert talk.session.phase is Phase.LISTENING
    assert talk.modem.receive(PACKET, -97, 5)
    talk.go(1.0)
    assert [packet.content for packet in talk.packets] == [PACKET]
