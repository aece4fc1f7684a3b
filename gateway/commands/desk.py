"""The desk where commands arrive: believed only with headquarters' signature, each begun at most once, each answered
through the outbox like any reading."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from firmware_bridge.readings import MAX_NOTE_BYTES, BridgeError, Kind, make_reading
from gateway.clock.clock import Clock
from gateway.commands.errors import OrderError
from gateway.commands.ledger import Ledger, LedgerError
from gateway.commands.orders import Orders, Reply
from gateway.commands.overlay import Overlay
from gateway.commands.places import ANSWERS, ORDERS
from gateway.contract.commands import (
    Command,
    Outcome,
    PutFirmware,
    SayToSensor,
    SendMedia,
    decode_command,
    topic,
)
from gateway.contract.entries import TimeQuality
from gateway.contract.topics import ContractError, Lane
from gateway.errors import GatewayError
from gateway.outbox.outbox import Accepted, Outbox
from gateway.seldom import Seldom
from gateway.uplink.freight import FreightMessage
from gateway.uplink.uplink import LinkState, UplinkState

log = logging.getLogger(__name__)

_MOST_WAITING: Final = 64
_TICK_S: Final = 0.5
_HARMLESS: Final = (SendMedia, SayToSensor, PutFirmware)
"""Orders that may come late, when the post cannot tell whether they have expired."""
_LINK_WANTED: Final = frozenset({LinkState.WAITING, LinkState.CONNECTING, LinkState.UP})


class CommandDesk:
    """A freight of the uplink, which only hears, and a stage (`run`) that works. link: how the uplink fares."""

    def __init__(
        self,
        station: str,
        key_file: Path,
        ledger: Ledger,
        overlay: Overlay,
        orders: Orders,
        outbox: Outbox,
        clock: Clock,
        link: Callable[[], UplinkState],
        *,
        trial_s: float,
        restart: Callable[[], None],
    ) -> None:
        self._station = station
        self._key_file = key_file
        self._ledger = ledger
        self._overlay = overlay
        self._orders = orders
        self._outbox = outbox
        self._clock = clock
        self._link = link
        self._trial_s = trial_s
        self._restart = restart
        self._inbox: queue.Queue[bytes] = queue.Queue(_MOST_WAITING)
        self._link_wanted_s = 0.0
        self._looked_at = 0.0
        self._not_believed = Seldom(log)

    # as a freight, in the uplink's thread

    @property
    def down_topics(self) -> Sequence[str]:
        """Where commands come."""
        return (topic(self._station),)

    def next_message(self, budget_bytes: int) -> FreightMessage | None:
        """Nothing: answers go through the outbox."""
        return None

    def acknowledged(self, cookie: int) -> None:
        """Nothing was sent."""

    def returned(self, cookie: int) -> None:
        """Nothing was sent."""

    def received(self, topic_: str, payload: bytes) -> bool:
        """Take a message in to be looked at. What there is no room for comes again: headquarters sends until it is
        answered."""
        if topic_ != topic(self._station):
            return False
        try:
            self._inbox.put_nowait(payload)
        except queue.Full:
            self._count("no_room")
        return True

    def link_is(self, up: bool) -> None:
        """Of no concern."""

    # as a stage

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop. Raises LedgerError, OSError or GatewayError for what the supervisor may mend by
        starting it again."""
        key = self._read_key()
        try:
            for command_id in self._ledger.open(self._trusted_ms()):
                self._take_up(command_id)
            self._answer_trial()
            self._tell_trial()
            while not stop.is_set():
                with suppress(queue.Empty):
                    self._handle(self._inbox.get(timeout=_TICK_S), key)
                self._watch_trial()  # also while somebody sends on and on
        finally:
            self._ledger.close()

    def _read_key(self) -> Ed25519PublicKey:
        try:
            key = load_pem_public_key(self._key_file.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise GatewayError(f"commands.key_file {self._key_file} cannot be used: {error}") from error
        if not isinstance(key, Ed25519PublicKey):
            raise GatewayError(f"commands.key_file {self._key_file} is not an Ed25519 public key: `vigia commands key`")
        return key

    def _take_up(self, command_id: str) -> None:
        """A command that was begun before this start, and not answered for good."""
        trial = self._overlay.trial
        on_trial = trial.ids if trial is not None else ()
        if command_id in (*on_trial, *self._overlay.failed(), *self._overlay.confirmed()):
            return  # it answers when its trial is over
        self._answer(command_id, Outcome.INTERRUPTED, "the gateway started anew in the middle of it", 0.0)

    def _handle(self, payload: bytes, key: Ed25519PublicKey) -> None:
        try:
            command = decode_command(payload, key)
        except ContractError as error:
            self._count(error.reason)
            self._not_believed.warn("a command is not believed: %s", error.detail)
            return
        if reason := self._not_now(command):
            self._count(reason)
            # Headquarters says it again until it has the answer; so may whoever holds the broker, ten thousand times.
            log.log(logging.DEBUG if reason == "repeated" else logging.INFO, "command %s: %s", command.id, reason)
            return
        began = time.monotonic()
        now_ms = self._clock.now().wall_ms
        try:
            self._ledger.begin(command.id, now_ms, command.issued_ms, command.expires_ms)
        except LedgerError as error:
            self._count("ledger")
            log.warning("command %s is not begun: %s", command.id, error)
            return
        log.info("command %s: %s", command.id, type(command.order).__name__)
        try:
            reply = self._orders.carry_out(command.id, command.order)
        except OrderError as error:
            reply = Reply(_outcome_of(error), f"{error}")
        except (GatewayError, BridgeError, OSError) as error:
            reply = Reply(Outcome.FAILED, f"{error}")
        self._answer(command.id, reply.outcome, reply.words, time.monotonic() - began)
        if reply.afterwards is not None:
            reply.afterwards()

    def _not_now(self, command: Command) -> str:
        """Why a believed command is not begun (a counter's name), or ""."""
        if command.station != self._station:
            return "wrong_station"
        if self._ledger.knows(command.id):
            return "repeated"
        if command.issued_ms <= self._ledger.forgot_at_ms(self._trusted_ms()):
            return "maybe_repeated"
        now = self._clock.now()
        if now.quality is TimeQuality.UNTRUSTED:
            harmless = isinstance(command.order, _HARMLESS)
            return "" if harmless or command.despite_clock else "clock_not_trusted"
        return "expired" if now.wall_ms - now.uncertainty_ms > command.expires_ms else ""

    def _trusted_ms(self) -> int | None:
        now = self._clock.now()
        return now.wall_ms if now.is_trusted else None

    def _watch_trial(self) -> None:
        """Keep what was tried when headquarters was heard under it, go back when it was not in all the time that the
        link should have been there."""
        # A trial proposed just now is none yet: what is heard still comes under the earlier settings.
        if self._overlay.trial is None or not self._overlay.is_tried:
            return
        state = self._link()
        if state.receipts:
            self._overlay.confirm()
            self._answer_trial()
            return
        now = time.monotonic()
        self._link_wanted_s += min(_TICK_S, now - self._looked_at) if state.link in _LINK_WANTED else 0.0
        self._looked_at = now
        if self._link_wanted_s >= self._trial_s:
            command_ids = self._overlay.roll_back()
            log.warning(
                "command %s: headquarters was not reached in %.0f s under its settings; going back to the earlier ones",
                ", ".join(command_ids),
                self._trial_s,
            )
            self._restart()

    def _tell_trial(self) -> None:
        """Say under the new settings that they are tried. The receipt for that proves them, at once also where the link
        has hours and none is near."""
        if self._overlay.trial is not None and self._overlay.is_tried:
            for command_id in self._overlay.trial.ids:
                self._answer(command_id, Outcome.ON_TRIAL, "started under the new settings", 0.0)

    def _answer_trial(self) -> None:
        """Say how a trial ended, if that was not said yet."""
        failed, confirmed = self._overlay.failed(), self._overlay.confirmed()
        for command_id in failed:
            self._answer(command_id, Outcome.ROLLED_BACK, "headquarters was not reached under the new settings", 0.0)
        for command_id in confirmed:
            self._answer(command_id, Outcome.DONE, "headquarters was reached under the new settings", 0.0)
        if failed or confirmed:
            self._overlay.end_answered()

    def _answer(self, command_id: str, outcome: Outcome, words: str, took_s: float) -> None:
        """Into the outbox, on disk; then the command counts as answered. A power cut between the two lets a later start
        answer once more, and headquarters keeps the first last word. Somebody waits for it, and it is small: it goes as
        an alert does, whatever the hours of the link and the budgets of other lanes."""
        reading = make_reading(
            Kind.COMMAND_ANSWER,
            command_id,
            {"duration_seconds": min(took_s, 86_400.0)},
            label=outcome.value,
            note=note_of(words),
        )
        self._outbox.accept([Accepted(Lane.ALERT, self._clock.now(), reading)], tallies={(ANSWERS, outcome.value): 1})
        self._outbox.commit()
        if outcome is not Outcome.ON_TRIAL:
            self._ledger.answered(command_id)
        log.info("command %s: %s %s", command_id, outcome.value, words)

    def _count(self, reason: str) -> None:
        self._outbox.accept([], tallies=Counter({(ORDERS, reason): 1}))


def _outcome_of(error: OrderError) -> Outcome:
    if error.interrupted:
        return Outcome.INTERRUPTED
    return Outcome.FAILED if error.begun else Outcome.REFUSED


def note_of(words: str) -> str:
    """Words as a note: on one line, printable, cut to its bytes."""
    line = "".join(letter if letter.isprintable() else " " for letter in words)
    return line.encode()[:MAX_NOTE_BYTES].decode(errors="ignore").strip()
