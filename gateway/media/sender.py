"""Tells headquarters of pictures and clips, and sends it those that it is to have whole: a freight of the uplink.

The store's files are their own outbox: nothing is written twice. A file goes through these steps, and begins again at
the question whenever headquarters does not answer, or after a restart:

    announce (with the thumbnail) -> headquarters has it -> chunks, if it is to go whole -> headquarters has it all
    question ("what do you have of it?") -> unknown: announce -> some of it: the rest -> all of it: done

Only headquarters' answers count; what the broker acknowledges does not. While headquarters does not answer, nothing
but questions is sent, more and more seldom.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from gateway.clock.clock import Clock
from gateway.contract import topics
from gateway.contract.media import (
    CHUNK_OVERHEAD_BYTES,
    MAX_QUESTIONS,
    Answer,
    Chunk,
    Status,
    decode_answers,
    encode_announcement,
    encode_chunk,
    encode_question,
)
from gateway.contract.topics import ContractError, Lane
from gateway.media.agenda import Agenda, Step, Transfer
from gateway.media.index import FileState
from gateway.media.ledger import Piece
from gateway.media.settings import MediaSettings
from gateway.media.store import KeptFile, MediaStore
from gateway.media.times import Freeze
from gateway.seldom import Seldom
from gateway.uplink.freight import FreightMessage

log = logging.getLogger(__name__)

WINDOW_BYTES: Final = 128 * 1024
"""How much may be sent and not yet answered by headquarters."""
_LONGEST_WAIT_S: Final = 3600.0
_MOST_DOUBLINGS: Final = 12
_LEAST_CHUNK_BYTES: Final = 512
_QUESTION_HEAD_BYTES: Final = 4
_QUESTIONS_IN_VAIN: Final = 4
_SETTLE_STEP_S: Final = 1.0


class _Flight(NamedTuple):
    """What one message said. pieces: of its one file."""

    step: Step
    sha256s: tuple[str, ...]
    piece: Piece | None = None


class MediaSender:
    """Implements `gateway.uplink.freight.Freight`; the uplink's thread calls it. alert_labels: whose thumbnails go
    first. settle_s: how long after connecting a file of unknown time waits for the clock to be set, unless it warns.
    answer_timeout_s: how long headquarters' answer is waited for at first. count: told why a file was given up. freeze:
    settles the time of what was kept while nobody vouched for the clock."""

    def __init__(
        self,
        station: str,
        store: MediaStore,
        settings: MediaSettings,
        clock: Clock,
        *,
        alert_labels: Collection[str],
        settle_s: float,
        answer_timeout_s: float,
        count: Callable[[str], None],
        freeze: Freeze,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._topic = topics.up(station, Lane.MEDIA)
        self._answers_topic = topics.media(station)
        self._store = store
        self._settings = settings
        self._clock = clock
        self._alert_labels = frozenset(alert_labels)
        self._whole_labels = frozenset(settings.send_whole)
        self._settle_s = settle_s
        self._timeout_s = answer_timeout_s
        self._count = count
        self._freeze = freeze
        self._wake = wake
        self._news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._agenda = Agenda()
        self._flights: dict[int, _Flight] = {}
        self._returned: list[_Flight] = []
        self._last_cookie = 0
        self._up_at = 0.0
        self._heard_at = 0.0  # when headquarters last answered
        self._in_vain = 0  # how often it did not since
        self._quiet_until = 0.0
        self._unreadable = Seldom(log)

    def begin(self) -> None:
        """After the store is open: look at what is kept, and hear of what comes."""
        self._store.tell_news_to(self._tell)
        for file in self._store.files():
            if file.state is FileState.KEPT or (file.state is FileState.ANNOUNCED and self._goes_whole(file)):
                self._agenda.put(self._transfer(file), Step.ASK)

    # the uplink's questions

    @property
    def down_topics(self) -> Sequence[str]:
        """See `Freight`."""
        return (self._answers_topic,)

    def next_message(self, budget_bytes: int) -> FreightMessage | None:
        """See `Freight`."""
        now = time.monotonic()
        self._settle_returned(now, is_refused=True)
        self._take_news(now)
        for late in self._agenda.overdue(now):
            self._not_answered(late, now)
        if self._in_vain and len(self._agenda):
            return self._ask_in_vain(budget_bytes, now)
        while (transfer := self._agenda.next()) is not None:
            if transfer.step is Step.ASK:
                return self._ask(budget_bytes, MAX_QUESTIONS)
            if self._window_is_full(now):
                return None
            if transfer.step is Step.ANNOUNCE:
                message = self._announce(transfer, budget_bytes, now)
            else:
                message = self._chunk(transfer, budget_bytes)
            if message is not None:
                return message
            if self._agenda.next() is transfer:
                return None  # it does not fit into what may be sent now, and nothing less urgent goes before it
        return None

    def acknowledged(self, cookie: int) -> None:
        """See `Freight`."""
        flight = self._flights.pop(cookie, None)
        now = time.monotonic()
        for sha256 in flight.sha256s if flight is not None else ():
            self._await(sha256, now)

    def returned(self, cookie: int) -> None:
        """See `Freight`."""
        flight = self._flights.pop(cookie, None)
        if flight is not None:
            self._returned.append(flight)

    def received(self, topic: str, payload: bytes) -> bool:
        """See `Freight`."""
        if topic != self._answers_topic:
            return False
        try:
            answers = decode_answers(payload)
        except ContractError as error:
            self._count(error.reason)
            self._unreadable.warn("what headquarters says of pictures cannot be read: %s", error)
            return True
        self._heard_at = now = time.monotonic()
        self._in_vain = 0
        for sha256, answer in answers.items():
            self._answered(sha256, answer, now)
        return True

    def link_is(self, up: bool) -> None:
        """See `Freight`."""
        now = time.monotonic()
        if up:
            self._up_at = now
            self._quiet_until = now
            return
        self._settle_returned(now, is_refused=False)
        self._flights.clear()
        for transfer in self._agenda:  # what the broker had may or may not have come through
            if transfer.away_bytes:
                self._ask_again(transfer)

    # what comes from this post

    def _tell(self, sha256: str) -> None:
        self._news.put(sha256)
        self._wake()

    def _take_news(self, now: float) -> None:
        while True:
            try:
                sha256 = self._news.get_nowait()
            except queue.Empty:
                return
            file = self._store.file(sha256)
            if file is None:
                continue
            if file.wish or file.label in self._alert_labels:
                self._quiet_until = min(self._quiet_until, now)
            transfer = self._agenda.get(sha256)
            if transfer is None:
                # What was kept a moment ago is unknown at headquarters; of anything else it is asked.
                step = Step.ANNOUNCE if file.state is FileState.KEPT and not self._in_vain else Step.ASK
                self._agenda.put(self._transfer(file), step)
            elif transfer.wish != file.wish:
                transfer.wish = file.wish
                self._agenda.put(transfer, transfer.step, transfer.due_at)

    def _transfer(self, file: KeptFile) -> Transfer:
        urgent = file.label in self._alert_labels
        return Transfer(file.sha256, max(1, file.size_bytes), file.order, urgent, file.wish)

    def _goes_whole(self, file: KeptFile) -> bool:
        return file.wish > 0 or file.label in self._whole_labels

    # messages

    def _message(self, payload: bytes, flight: _Flight) -> FreightMessage:
        self._last_cookie += 1
        self._flights[self._last_cookie] = flight
        for sha256 in flight.sha256s:
            transfer = self._agenda.get(sha256)
            if transfer is not None and (flight.step is not Step.SEND or not transfer.ledger.has_unsent):
                # Its time begins to count when the broker has it: a slow line is not headquarters' silence.
                self._agenda.put(transfer, Step.WAIT, float("inf"))
        return FreightMessage(self._topic, payload, self._last_cookie)

    def _ask(self, budget_bytes: int, most: int, *, any_step: bool = False) -> FreightMessage | None:
        room = min(most, (budget_bytes - _QUESTION_HEAD_BYTES) // 32)
        asking = self._agenda.to_ask(room, any_step=any_step) if room > 0 else []
        if not asking:
            return None
        asked = tuple(transfer.sha256 for transfer in asking)
        return self._message(encode_question(asked), _Flight(Step.ASK, asked))

    def _ask_in_vain(self, budget_bytes: int, now: float) -> FreightMessage | None:
        if now < self._quiet_until:
            return None
        question = self._ask(budget_bytes, _QUESTIONS_IN_VAIN, any_step=True)
        if question is not None:
            self._quiet_until = now + self._wait_s(self._in_vain)
            self._in_vain += 1
        return question

    def _window_is_full(self, now: float) -> bool:
        away = self._agenda.away()
        if sum(transfer.away_bytes for transfer in away) < WINDOW_BYTES:
            return False
        for transfer in away:
            if transfer.step is Step.SEND:
                self._agenda.put(transfer, Step.WAIT, now + self._wait_s(transfer.tries))
        return True

    def _announce(self, transfer: Transfer, budget_bytes: int, now: float) -> FreightMessage | None:
        if not transfer.is_urgent and now < self._up_at + self._settle_s and self._may_mend(transfer.sha256):
            transfer.is_settling = True
            self._agenda.put(transfer, Step.WAIT, now + _SETTLE_STEP_S)
            return None
        announcement = self._store.announcement(transfer.sha256, self._freeze)
        if announcement is None:
            self._agenda.drop(transfer.sha256)
            return None
        try:
            payload = encode_announcement(announcement)
        except ValueError as error:
            log.debug("%s cannot be announced: %s", transfer.sha256, error)
            self._give_up(transfer, "bad_announcement")
            return None
        if len(payload) > budget_bytes:
            return None
        transfer.announced_bytes = len(payload)
        return self._message(payload, _Flight(Step.ANNOUNCE, (transfer.sha256,)))

    def _chunk(self, transfer: Transfer, budget_bytes: int) -> FreightMessage | None:
        longest = min(self._settings.chunk_bytes, budget_bytes - CHUNK_OVERHEAD_BYTES)
        if longest < _LEAST_CHUNK_BYTES:
            return None
        piece = transfer.ledger.next(longest)
        if piece is None:
            self._agenda.put(transfer, Step.WAIT, time.monotonic() + self._wait_s(transfer.tries))
            return None
        content = self._store.read(transfer.sha256, *piece)
        if content is None:
            if self._store.find(transfer.sha256) is not None:
                self._give_up(transfer, "unreadable")
            self._agenda.drop(transfer.sha256)
            return None
        payload = encode_chunk(Chunk(transfer.sha256, transfer.size_bytes, piece.offset, content))
        self._agenda.put(transfer, Step.SEND)
        return self._message(payload, _Flight(Step.SEND, (transfer.sha256,), piece))

    def _may_mend(self, sha256: str) -> bool:
        """Whether a clock that is set soon could still tell when it was."""
        if self._clock.now().is_trusted:
            return False
        card = self._store.card(sha256)
        return card is not None and not card.moment().is_trusted and card.boot == self._clock.boot_id()

    # answers and silence

    def _answered(self, sha256: str, answer: Answer, now: float) -> None:
        transfer, file = self._agenda.get(sha256), self._store.file(sha256)
        if file is None:
            self._agenda.drop(sha256)
            return
        if answer.status is Status.COMPLETE:
            self._store.mark(sha256, FileState.DELIVERED)
            self._agenda.drop(sha256)
        elif transfer is None:
            return  # of what we do not ask about
        elif answer.status is Status.UNKNOWN:
            self._store.mark(sha256, FileState.KEPT)
            transfer.announced_bytes = 0
            transfer.ledger.lost_all()
            self._agenda.put(transfer, Step.ANNOUNCE)
        elif answer.status is Status.REFUSED:
            self._refused(transfer, answer, now)
        else:
            self._held(transfer, file, answer, now)

    def _held(self, transfer: Transfer, file: KeptFile, answer: Answer, now: float) -> None:
        self._store.mark(transfer.sha256, FileState.ANNOUNCED)
        transfer.announced_bytes = 0
        if transfer.ledger.told(answer.held) or not answer.held:
            transfer.tries = 0
        self._store.progress(transfer.sha256, transfer.ledger.held_bytes)
        if not self._goes_whole(file):
            self._agenda.drop(transfer.sha256)
        elif transfer.ledger.has_unsent:
            self._agenda.put(transfer, Step.SEND)
        else:
            self._agenda.put(transfer, Step.WAIT, now + self._wait_s(transfer.tries))

    def _refused(self, transfer: Transfer, answer: Answer, now: float) -> None:
        transfer.announced_bytes = 0
        transfer.ledger.lost_all()
        if answer.retry_after_s:
            self._agenda.put(transfer, Step.WAIT, now + answer.retry_after_s)
        elif answer.reason == "hash_mismatch" and not self._store.is_sound(transfer.sha256):
            self._give_up(transfer, "altered")  # our card has spoilt it
        else:
            self._give_up(transfer, answer.reason)

    def _give_up(self, transfer: Transfer, reason: str) -> None:
        log.warning("headquarters does not get %s: %s", transfer.sha256, reason)
        self._count(f"refused_{reason}"[:32])
        self._store.mark(transfer.sha256, FileState.REFUSED, reason)
        self._agenda.drop(transfer.sha256)

    def _await(self, sha256: str, now: float) -> None:
        transfer = self._agenda.get(sha256)
        if transfer is not None and transfer.step is Step.WAIT:
            self._agenda.put(transfer, Step.WAIT, now + self._wait_s(transfer.tries))

    def _not_answered(self, transfer: Transfer, now: float) -> None:
        if transfer.is_settling:
            transfer.is_settling = False
            self._agenda.put(transfer, Step.ANNOUNCE)
            return
        waited_s = self._wait_s(transfer.tries)
        transfer.tries += 1
        self._ask_again(transfer)
        if self._heard_at < now - waited_s and not self._in_vain:
            self._in_vain, self._quiet_until = 1, now

    def _ask_again(self, transfer: Transfer) -> None:
        transfer.announced_bytes = 0
        transfer.ledger.lost_all()
        self._agenda.put(transfer, Step.ASK)

    def _wait_s(self, tries: int) -> float:
        return float(min(_LONGEST_WAIT_S, self._timeout_s * 2.0 ** min(max(0, tries), _MOST_DOUBLINGS)))

    def _settle_returned(self, now: float, *, is_refused: bool) -> None:
        """What did not arrive. is_refused: though there is a link, so nobody listens at headquarters."""
        for flight in self._returned:
            for sha256 in flight.sha256s:
                transfer = self._agenda.get(sha256)
                if transfer is None:
                    continue
                if is_refused:
                    self._ask_again(transfer)
                elif flight.piece is not None:
                    transfer.ledger.lost(flight.piece)
                    self._agenda.put(transfer, Step.SEND)
                else:
                    transfer.announced_bytes = 0
                    self._agenda.put(transfer, flight.step)
        if self._returned and is_refused:
            self._in_vain += 1
            self._quiet_until = now + self._wait_s(self._in_vain)
        self._returned.clear()
