"""The desk: believes headquarters alone, begins each command once, answers through the outbox."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from firmware_bridge.readings import Downlink, DownlinkError, Kind, Reading
from gateway.commands.desk import CommandDesk, note_of
from gateway.commands.ledger import Ledger
from gateway.commands.orders import Orders
from gateway.commands.overlay import Overlay
from gateway.contract.commands import (
    ChangeSettings,
    Command,
    Order,
    PutFirmware,
    Restart,
    SayToSensor,
    SendMedia,
    SetRules,
    UpdateFirmware,
    encode_command,
    new_id,
    topic,
)
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Outbox
from gateway.rules.loading import load_rules
from gateway.settings import GatewaySettings
from gateway.uplink.uplink import LinkState, Uplink, UplinkState
from tests.gateway.outbox.boxes import MONDAY, SetClock, opened, parcels
from tests.support.waiting import wait_until

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of b"test"
TROUBLES = {"bad_signature": "refused", "busy": "refused", "no_answer": "failed", "stopped": "interrupted"}
RULES = '[[rules]]\nname = "motosierra"\nwhen = "heard"\nlabels = ["chainsaw"]\n'
OWN = GatewaySettings.model_validate({"station": {"name": "puesto-a"}})


class CountingStop(threading.Event):
    """Counts the turns of the stage that looks at it."""

    turns = 0

    def is_set(self) -> bool:
        self.turns += 1
        return super().is_set()


@dataclass
class Post:
    """A desk on real files, and what its orders came to."""

    directory: Path
    clock: SetClock = field(default_factory=SetClock)
    done: list[object] = field(default_factory=list)
    restarts: int = 0
    receipts: int = 0
    kept_bytes: dict[str, int] = field(default_factory=dict)
    stop: CountingStop = field(default_factory=CountingStop)

    def say(self, name: str, downlink: Downlink) -> None:
        if name == "nadie":
            raise DownlinkError("unknown_speaker", "no source knows nadie")
        self.done.append(downlink)

    def want(self, sha256: str) -> str:
        self.done.append(sha256)
        return ""

    def update(self, sensor: str, image: bytes) -> str:
        if sensor in TROUBLES:
            raise DownlinkError(sensor, "it is as it is")
        self.done.append((sensor, image))
        return "version 2"

    def restart(self) -> None:
        self.restarts += 1

    def link(self, state: UplinkState) -> UplinkState:
        return state._replace(receipts=self.receipts, link=LinkState.WAITING)

    @contextmanager
    def running(self, *, trial_s: float = 600.0) -> Iterator[tuple[CommandDesk, Outbox]]:
        (self.directory / "key.pub").write_bytes(
            KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )
        overlay = Overlay(self.directory / "headquarters.json")
        overlay.open()
        overlay.settings(OWN)
        orders = Orders(
            OWN,
            self.directory,
            overlay,
            want_media=self.want,
            read_rules=load_rules,
            kept_bytes=lambda: self.kept_bytes,
            speakers=self,
            update=self.update,
            restart=self.restart,
        )
        with opened(self.directory / "o.db", clock=self.clock) as outbox:
            uplink = Uplink("puesto-a", outbox, OWN.uplink, OWN.clock, self.clock, software="test")
            desk = CommandDesk(
                "puesto-a",
                self.directory / "key.pub",
                Ledger(self.directory / "ledger.db"),
                overlay,
                orders,
                outbox,
                self.clock,
                lambda: self.link(uplink.state()),
                trial_s=trial_s,
                restart=self.restart,
            )
            self.stop = stop = CountingStop()
            thread = threading.Thread(target=desk.run, args=(stop,))
            thread.start()
            try:
                yield desk, outbox
            finally:
                stop.set()
                thread.join()


def given(
    order: Order, *, expires_ms: int = MONDAY + 60_000, station: str = "puesto-a", any_time: bool = False
) -> Command:
    return Command(new_id(), station, MONDAY - 60_000, expires_ms, order, any_time)


def give(desk: CommandDesk, command: Command) -> None:
    assert desk.received(topic("puesto-a"), encode_command(command, KEY))


def answers(outbox: Outbox) -> list[Reading]:
    found = [entry.reading for parcel in parcels(outbox, Lane.ALERT) for entry in parcel.entries]
    return [reading for reading in found if reading.kind == Kind.COMMAND_ANSWER]


def answered(outbox: Outbox, count: int = 1) -> list[tuple[str, str, str]]:
    wait_until(f"{count} answers", lambda: len(answers(outbox)) >= count)
    return [(reading.sensor, reading.label, reading.note) for reading in answers(outbox)]


def counted(outbox: Outbox, reason: str) -> None:
    wait_until(reason, lambda: outbox.tallies().get(("commands", reason), 0) >= 1)


def test_a_command_is_carried_out_once_though_it_comes_again_and_after_a_restart(tmp_path: Path) -> None:
    post, command = Post(tmp_path), given(SendMedia(SHA))
    with post.running() as (desk, outbox):
        for _ in range(3):
            give(desk, command)
        counted(outbox, "repeated")
        assert [(a[0], a[1]) for a in answered(outbox)] == [(command.id, "done")]
    with post.running() as (desk, outbox):
        give(desk, command)
        wait_until("the repeat", lambda: outbox.tallies()["commands", "repeated"] >= 3)
        assert len(answers(outbox)) == 1
    assert post.done == [SHA]


@pytest.mark.expects_warnings
def test_who_is_not_headquarters_is_not_obeyed(tmp_path: Path) -> None:
    post = Post(tmp_path)
    with post.running() as (desk, outbox):
        assert desk.received(topic("puesto-a"), encode_command(given(Restart("gateway")), Ed25519PrivateKey.generate()))
        counted(outbox, "bad_signature")
        give(desk, given(Restart("gateway"), station="puesto-b"))
        counted(outbox, "wrong_station")
        give(desk, given(Restart("gateway"), expires_ms=MONDAY - 30_000))
        counted(outbox, "expired")
        assert not desk.received("vigia/1/puesto-b/command", b"")
        assert answers(outbox) == []
    assert post.restarts == 0


@pytest.mark.expects_warnings
def test_ten_thousand_forged_commands_are_counted_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    forged = encode_command(given(Restart("gateway")), Ed25519PrivateKey.generate())
    with Post(tmp_path).running() as (desk, outbox):
        for _ in range(10_000):
            desk.received(topic("puesto-a"), forged)

        def all_counted() -> bool:
            tallies = outbox.tallies()
            return sum(tallies.get(("commands", reason), 0) for reason in ("bad_signature", "no_room")) == 10_000

        wait_until("all are counted", all_counted, timeout_s=30)
        give(desk, given(SendMedia(SHA)))
        assert len(answered(outbox)) == 1
    assert sum("not believed" in record.message for record in caplog.records) == 1


def test_what_was_kept_is_answered_as_done_though_the_power_goes_before_the_answer(tmp_path: Path) -> None:
    post, command = Post(tmp_path), given(ChangeSettings({"health.every_s": 5}))
    with post.running() as (desk, outbox):
        give(desk, command)
        wait_until("the restart", lambda: post.restarts == 1)
    overlay = Overlay(tmp_path / "headquarters.json")
    overlay.open()
    overlay.settings(OWN)
    overlay.confirm()  # and the power went
    with post.running() as (_, outbox):
        assert [label for _, label, _ in answered(outbox, 2)] == ["on_trial", "done"]


@pytest.mark.expects_warnings
def test_the_answer_is_true_though_the_disk_is_not_sure_of_what_is_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, command = Post(tmp_path), given(ChangeSettings({"health.every_s": 5}))
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        sync(descriptor)

    with post.running() as (desk, outbox), monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        give(desk, command)
        wait_until("the restart", lambda: post.restarts == 1)
    post.receipts = 1
    with post.running() as (_, outbox):
        assert [label for _, label, _ in answered(outbox, 3)] == ["on_trial", "on_trial", "done"]


def test_while_the_hour_is_not_known_only_what_does_no_harm_is_carried_out(tmp_path: Path) -> None:
    post = Post(tmp_path, clock=SetClock(trusted=False))
    with post.running() as (desk, outbox):
        give(desk, given(Restart("gateway")))
        counted(outbox, "clock_not_trusted")
        give(desk, given(SendMedia(SHA)))
        give(desk, given(Restart("gateway"), any_time=True))
        assert [label for _, label, _ in answered(outbox, 2)] == ["done", "started"]
    assert post.restarts == 1


def test_what_cannot_be_done_is_answered_with_the_reason(tmp_path: Path) -> None:
    orders: list[tuple[Order, str]] = [
        (SayToSensor("nadie", text="hola"), "no source knows nadie"),
        (SetRules("mal"), "no es TOML"),
        (SetRules("[storm]"), "no rule among them"),
        (ChangeSettings({"lanes.alert_labels": []}), "nobody would be warned"),
        (ChangeSettings({"outbox.max_megabytes": 2}), "2.5 MB wait there"),
        (ChangeSettings({"media.max_megabytes": None}), "5000.0 MB wait there"),
        (ChangeSettings({"health.every_s": -1}), "health.every_s: Input should be greater"),
        (ChangeSettings({"rules.path": str(tmp_path / "malas.toml")}), "no es TOML"),
        (UpdateFirmware("audio-01", SHA), "send it first"),
        (PutFirmware(SHA, 4, 2, b"st"), "send the earlier ones first"),
    ]
    (tmp_path / "malas.toml").write_text("mal")
    post = Post(tmp_path, kept_bytes={"outbox": 5 * 2**19, "media": 5000 * 2**20})
    with post.running() as (desk, outbox):
        for number, (order, words) in enumerate(orders, start=1):
            give(desk, given(order))
            _, label, note = answered(outbox, number)[-1]
            assert (label, words in note) == ("refused", True), note
    assert (post.done, post.restarts) == ([], 0)


@pytest.mark.expects_warnings
def test_the_machine_is_started_anew_by_whoever_may_once_the_answer_is_on_disk(tmp_path: Path) -> None:
    post = Post(tmp_path)
    with post.running() as (desk, outbox):
        give(desk, given(Restart("machine")))
        assert answered(outbox)[0][1] == "started"
        wait_until("it is asked for", (tmp_path / "restart-machine").exists)


def test_an_image_comes_in_pieces_and_goes_to_the_sensor(tmp_path: Path) -> None:
    post = Post(tmp_path)
    with post.running() as (desk, outbox):
        for order in (PutFirmware(SHA, 4, 0, b"te"), PutFirmware(SHA, 4, 2, b"st"), UpdateFirmware("audio-01", SHA)):
            give(desk, given(order))
        assert [note for _, _, note in answered(outbox, 3)] == ["2 of 4 bytes", "4 of 4 bytes", "version 2"]
    assert post.done == [("audio-01", b"test")]


def test_what_an_update_left_behind_is_told_by_its_outcome(tmp_path: Path) -> None:
    post = Post(tmp_path)
    with post.running() as (desk, outbox):
        give(desk, given(PutFirmware(SHA, 4, 0, b"test")))
        for reason in TROUBLES:
            give(desk, given(UpdateFirmware(reason, SHA)))
        told = answered(outbox, 1 + len(TROUBLES))[1:]
    assert [(label, note) for _, label, note in told] == [
        (outcome, f"{reason}: it is as it is") for reason, outcome in TROUBLES.items()
    ]


def test_an_image_that_is_not_what_it_says_is_thrown_away(tmp_path: Path) -> None:
    post = Post(tmp_path)
    with post.running() as (desk, outbox):
        give(desk, given(PutFirmware(SHA, 4, 0, b"abcd")))
        assert answered(outbox)[0][1] == "failed"
        give(desk, given(PutFirmware(SHA, 4, 0, b"test")))
        assert answered(outbox, 2)[1][1] == "done"


def test_settings_are_kept_when_headquarters_is_reached_under_them(tmp_path: Path) -> None:
    post, command = Post(tmp_path, receipts=1), given(ChangeSettings({"health.every_s": 5}))
    with post.running() as (desk, outbox):
        give(desk, command)
        assert answered(outbox) == [(command.id, "on_trial", "health.every_s")]
        wait_until("the restart", lambda: post.restarts == 1)
        give(desk, given(SendMedia(SHA)))
        wait_until("that is done", lambda: len(answers(outbox)) == 2)
        turns = post.stop.turns
        # It takes receipts under the earlier settings for no proof, however often it looks.
        wait_until("the desk has looked since", lambda: post.stop.turns >= turns + 3)
        assert len(answers(outbox)) == 2
    with post.running() as (_, outbox):
        assert [label for _, label, _ in answered(outbox, 4)] == ["on_trial", "done", "on_trial", "done"]
    overlay = Overlay(tmp_path / "headquarters.json")
    overlay.open()
    assert dict(overlay.changes) == {"health.every_s": 5}


def test_settings_that_come_one_after_the_other_are_tried_together_and_each_is_answered(tmp_path: Path) -> None:
    post = Post(tmp_path, receipts=1)
    first, second = given(ChangeSettings({"health.every_s": 5})), given(SetRules(RULES))
    with post.running() as (desk, outbox):
        give(desk, first)
        give(desk, second)
        assert [(a, b) for a, b, _ in answered(outbox, 2)] == [(first.id, "on_trial"), (second.id, "on_trial")]
    with post.running() as (_, outbox):
        told = [(a, b) for a, b, _ in answered(outbox, 6)]
    assert told[-2:] == [(first.id, "done"), (second.id, "done")]
    assert "interrupted" not in {label for _, label in told}
    overlay = Overlay(tmp_path / "headquarters.json")
    overlay.open()
    assert set(overlay.changes) == {"health.every_s", "rules.path"}


@pytest.mark.expects_warnings
def test_settings_that_cut_the_link_are_taken_back_and_that_is_answered(tmp_path: Path) -> None:
    post, command = Post(tmp_path), given(ChangeSettings({"uplink.host": "nowhere.invalid"}))
    with post.running() as (desk, outbox):
        give(desk, command)
        wait_until("the restart", lambda: post.restarts == 1)
    forged = encode_command(given(Restart("gateway")), Ed25519PrivateKey.generate())
    with post.running(trial_s=1.0) as (desk, _):

        def is_back() -> bool:  # though somebody keeps the desk busy
            for _ in range(50):
                desk.received(topic("puesto-a"), forged)
            return post.restarts == 2

        wait_until("the restart", is_back, every_s=0.001)
    with post.running() as (_, outbox):
        labels = ["on_trial", "on_trial", "rolled_back"]
        assert [(a, b) for a, b, _ in answered(outbox, 3)] == [(command.id, label) for label in labels]
    with post.running() as (_, outbox):
        assert len(answers(outbox)) == 3  # said once
    overlay = Overlay(tmp_path / "headquarters.json")
    overlay.open()
    assert dict(overlay.changes) == {}


def test_a_command_that_ended_in_the_middle_is_answered_and_not_begun_again(tmp_path: Path) -> None:
    post, command = Post(tmp_path), given(UpdateFirmware("audio-01", SHA))
    ledger = Ledger(tmp_path / "ledger.db")
    ledger.open(MONDAY)
    ledger.begin(command.id, MONDAY, command.issued_ms, command.expires_ms)  # and the power went
    ledger.close()
    with post.running() as (desk, outbox):
        assert [(a, b) for a, b, _ in answered(outbox)] == [(command.id, "interrupted")]
        give(desk, command)
        counted(outbox, "repeated")
    assert post.done == []


def test_a_note_is_one_line_of_what_can_be_printed() -> None:
    assert note_of("line\nbell\a ñandú") == "line bell  ñandú"
    assert len(note_of("ñ" * 999).encode()) <= 400
