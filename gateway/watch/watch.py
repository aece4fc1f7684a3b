"""The stages "watch" and "keep": from what the intake accepted to incidents, to whoever is to know of them at once, to
the board, the history and headquarters.

An alert's way: outbox (on disk) -> inbox -> rules -> outputs and board -> history (on disk) and headquarters. Whoever
is to be warned is warned before the incident itself is on disk: if the gateway is killed between the two, a person was
warned of something that this post then does not know of, and not the other way round. If it is killed before the rules
have heard of the alert, the next start finds it in the outbox; what people did, too. The history keeps up to which
place in the outbox all was heard (`gateway.watch.heard`).
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Event
from typing import Final, Protocol

import msgspec

from firmware_bridge.readings import Kind
from firmware_bridge.sources import RadioText
from gateway.clock.clock import Clock
from gateway.clock.moments import Moment
from gateway.clock.steady import Steady, SteadyPoint
from gateway.contract.topics import Lane
from gateway.outbox.outbox import Accepted, Outbox, Standing
from gateway.rules.engine import Engine
from gateway.rules.facts import DETECTIONS, Change, Fact, Incident, Note, Step, with_note
from gateway.watch.board import MAX_DETECTIONS, Board
from gateway.watch.heard import MOST_BEYOND, joined
from gateway.watch.history import History
from gateway.watch.inbox import Inbox
from gateway.watch.missed import LANES, as_facts, is_act, is_asked_for, missed
from gateway.watch.upstream import Upstream, lane_of, reading_of

log = logging.getLogger(__name__)

TICK_S: Final = 1.0
STAND_EVERY_MS: Final = 300_000
"""How often the steady time is kept while nothing is heard."""
NUMBERED: Final = ("watch", "incidents_numbered")
"""The counter, in the outbox, of the highest number that an incident had. A phone rings once for a number, so none is
given out again when the history is lost."""
_MANY_WAITING: Final = 500
"""So many facts are put on disk before their time: a flood must not wait in memory."""
_BATCH: Final = 64
"""Facts between two looks at what else is due: at a flood, so many share one commit."""
_DAY_MS: Final = 86_400_000
_SETTLED_S: Final = 5.0
"""What a source has put on disk it hands in at once; after so long, surely."""


class Warner(Protocol):
    """`gateway.warning.warnings.Warnings`, as far as it is used here: returns at once."""

    def warn(self, change: Change, age_s: float, before: Incident | None) -> None:
        """Warn of this, which happened so long ago. before: the incident as it stood when it was last told."""

    def acknowledged(self, number: int) -> None:
        """Somebody has seen to it."""


class Watch:
    """See the module. new_rules: makes the rules, without any past. words: of a change, for headquarters."""

    def __init__(
        self,
        outbox: Outbox,
        board: Board,
        history: History,
        clock: Clock,
        new_rules: Callable[[], Engine],
        warner: Warner,
        words: Callable[[Change], str],
        *,
        commit_every_s: float,
    ) -> None:
        self._outbox = outbox
        self._board = board
        self._history = history
        self._clock = clock
        self._new_rules = new_rules
        self._warner = warner
        self._words = words
        self._commit_every_s = commit_every_s
        self._inbox = Inbox()
        self._steady = Steady(None, "")
        self._stood_ms = 0
        self._rules: Engine | None = None
        self._upstream = Upstream()
        self._warned: dict[int, Incident] = {}  # as they stood when they were last told
        self._highest = self._numbered = 0  # number of an incident; and as counted in the outbox
        self._urgent = Event()
        self._taken: deque[Accepted] = deque()  # those after one that the stage failed on are not lost
        self._recall_failed = False
        self.is_live = False
        """Whether it has gone through the history and hears what comes."""
        self._to_tell: deque[Accepted] = deque()
        self._has_asked = False  # the outbox, for what was missed
        self._all_heard_s = 0.0  # all that was handed in before then was heard
        self._passed: tuple[float, Standing, int] | None = None  # when, where, and how many were heard before
        self._settled_count = 0

    # for the intake, from any thread

    def hear(self, accepted: Sequence[Accepted]) -> None:
        """These are in the outbox. Returns at once."""
        self._inbox.put(list(accepted))

    def read_texts(self, source: str, texts: Sequence[RadioText], moment: Moment) -> None:
        """People wrote on a radio."""
        for text in texts:
            self._board.read_text(source, text, moment.wall_ms)

    # the stage

    def run(self, stop: Event) -> None:
        """Begin from the history, then work until told to stop."""
        self.is_live = False
        self._begin()
        self.is_live = True
        tick_at = time.monotonic()
        while not stop.is_set():
            now = time.monotonic()
            self._taken.extend(self._inbox.take(_BATCH, min(TICK_S / 2, max(0.0, tick_at - now))))
            while self._taken:
                self._hear(self._taken.popleft())
            looked_s = time.monotonic()
            if self._inbox.is_empty:
                self._all_heard_s = looked_s
            if time.monotonic() >= tick_at:
                self._tick()
                tick_at = time.monotonic() + TICK_S

    def keep(self, stop: Event) -> None:
        """Put on disk what `run` made, at once when it is urgent. A stage of its own: no alert waits for the disk
        because of the one before it."""
        commit_at = time.monotonic() + self._commit_every_s
        while not stop.is_set():
            is_urgent = self._urgent.wait(min(TICK_S, self._commit_every_s))
            self._settle()
            if is_urgent or time.monotonic() >= commit_at or self._history.waiting > _MANY_WAITING:
                self._urgent.clear()
                self._history.commit(sync=is_urgent)
                commit_at = time.monotonic() + self._commit_every_s
            self._tell()

    def flush(self) -> None:
        """After both stages have ended: put on disk what is left. What has come and was not looked at goes into the
        history, so that the next start tells of it."""
        while self._rules is not None and (left := self._inbox.take(_BATCH, 0.0)):
            self._taken.extend(left)
        while self._rules is not None and self._taken:
            item = self._taken.popleft()
            self._history.add(self._fact(item), is_asked_for=is_asked_for(item.lane, item.reading))
        if self._rules is not None and (standing := self._outbox.standing()) is not None:
            self._history.settle(standing, self._history.heard_count)
        if (point := self._steady.point) is not None:
            self._history.stand(point)
        self._history.commit(sync=True)
        self._tell()

    def _settle(self) -> None:
        """Move the place in the outbox up to which all was heard. One that is passed counts when no source can be about
        to hand in something from before it. Ordinary readings move nothing."""
        if self._passed is not None and self._all_heard_s >= self._passed[0] + _SETTLED_S:
            _, standing, self._settled_count = self._passed
            self._history.settle(standing, self._settled_count)
            self._passed = None
        count = self._history.heard_count
        if self._passed is None and count > self._settled_count and (passed := self._outbox.standing()) is not None:
            self._passed = time.monotonic(), passed, count

    def _tell(self) -> None:
        """Tell headquarters of incidents, and of what was left out."""
        left_out = self._inbox.left_out()
        told = [self._to_tell.popleft() for _ in range(len(self._to_tell))]
        if (more := self._highest - self._numbered) > 0:
            self._numbered += more
            left_out[NUMBERED] = more
        if told or left_out:
            if urgent := sum(item.lane is Lane.ALERT for item in told):
                left_out["watch", "incident_alerts"] = urgent
            self._outbox.accept(told, tallies=left_out)

    # live

    def _hear(self, item: Accepted) -> None:
        reading, moment = item.reading, item.moment
        fact = self._fact(item)
        self._history.add(fact, is_asked_for=is_asked_for(item.lane, reading))
        if (point := self._steady.point) is not None:
            self._history.stand(point)
        assert self._rules is not None
        self._steps(self._rules.hear(fact), fact.steady_ms, moment, reading.age_ms / 1000)
        if reading.kind == Kind.INCIDENT:
            self._note_what_is_over(fact)
        self._board.hear(fact, is_alert=item.lane is Lane.ALERT)
        if reading.kind in (Kind.INCIDENT, Kind.PATROL):
            self._urgent.set()

    def _note_what_is_over(self, fact: Fact) -> None:
        """The rules have let go of an incident that is closed; a note on it still belongs to it."""
        told = fact.reading.values()
        shown = self._board.incident(round(told.get("incident_number", 0)))
        if shown is None or shown.incident.state != "closed" or told.get("incident_step") != Step.ACKNOWLEDGED:
            return
        incident = shown.incident
        if (note := Note(fact.wall_ms, fact.reading.note)) in incident.notes:
            return
        notes = with_note(incident.notes, note)
        change = Change(shown.step, msgspec.structs.replace(incident, note=fact.reading.note, notes=notes))
        self._board.change(change)
        self._history.change(change)

    def _fact(self, item: Accepted) -> Fact:
        moment = item.moment
        within_ms = moment.uncertainty_ms if moment.is_trusted else None
        return Fact(self._steady.at(moment), moment.wall_ms, int(moment.quality), item.reading, within_ms)

    def _tick(self) -> None:
        moment = self._clock.now()
        steady_ms = self._steady.at(moment)
        assert self._rules is not None
        self._steps(self._rules.tick(steady_ms, moment.wall_ms, int(moment.quality)), steady_ms, moment, 0.0)
        self._board.tick(steady_ms)
        if steady_ms - self._stood_ms >= STAND_EVERY_MS and (point := self._steady.point) is not None:
            self._history.stand(point)
            self._stood_ms = steady_ms

    def _steps(self, changes: list[Change], steady_ms: int, moment: Moment, age_s: float) -> None:
        for change in changes:
            self._highest = max(self._highest, change.incident.number)
            is_warned = self._warn(change, age_s)
            self._board.change(change)
            self._history.change(change)
            self._send(change, steady_ms, moment)
            if is_warned or change.step is not Step.GROWN:
                self._urgent.set()

    def _warn(self, change: Change, age_s: float) -> bool:
        """Of what begins, and of what grows into something more urgent, or is found by another rule, which may be that
        of an output. Whether anybody is."""
        incident, number = change.incident, change.incident.number
        if change.step is Step.ACKNOWLEDGED:
            self._warner.acknowledged(number)
        elif change.step is Step.CLOSED:
            self._warned.pop(number, None)
        elif not incident.suppressed_by and change.step is not Step.HELD_BACK:
            before = self._warned.get(number)
            if before is None or (before.level, before.found_by) != (incident.level, incident.found_by):
                self._warned[number] = incident
                if incident.state == "open":
                    self._warner.warn(change, age_s, before)
                    return True
        return False

    def _send(self, change: Change, steady_ms: int, moment: Moment, *, is_past: bool = False) -> None:
        if self._upstream.is_due(change, steady_ms):
            reading = reading_of(change, self._words(change), moment.wall_ms)
            self._to_tell.append(Accepted(Lane.HEALTH if is_past else lane_of(change), moment, reading))

    # the beginning

    def _begin(self) -> None:
        """Make the rules what they were, from the history, with every output mute: nobody is warned of what was, but of
        what nobody was told before the post went off. The outputs know what is too late for them."""
        began = time.monotonic()
        self._history.commit(sync=False)  # if the stage failed: what it had not committed
        stood = self._history.steady_point()
        self._steady = Steady(stood, self._clock.boot_id())
        moment = self._clock.now()
        steady_ms = self._steady.at(moment)
        if stood is not None:
            self._board.was_deaf(stood.steady_ms, steady_ms)
        known = self._history.incidents()
        taken_up = self._take_up_missed(known, stood, steady_ms)
        for change in known:
            if change.incident.state != "closed" or steady_ms - change.incident.last_steady_ms < _DAY_MS:
                self._board.change(change)
        self._warned = {change.incident.number: change.incident for change in known if _is_told(change)}
        rules = self._rules = self._new_rules()
        past: Iterable[Fact] = ()
        if not self._recall_failed:
            since_ms = steady_ms - max(_DAY_MS, rules.longest_window_ms)
            past = self._remembered(self._history.facts(since_steady_ms=since_ms), steady_ms - rules.longest_window_ms)
        else:
            log.warning("the rules failed on what was heard before: they begin without it")
        self._recall_failed = True
        incidents = [change.incident for change in known]
        last = self._numbered = self._outbox.tallies().get(NUMBERED, 0)
        changes = rules.recall(incidents, past, steady_ms, moment.wall_ms, int(moment.quality), last_number=last)
        for fact in taken_up:
            if is_act(fact.reading):  # a note on what somebody had seen to before
                changes += rules.hear(fact)
        self._recall_failed = False
        self._highest = max([last, *(one.number for one in incidents), *(one.incident.number for one in changes)])
        for change in changes:
            if _is_told(change):
                self._warn(change, max(0, steady_ms - change.incident.last_steady_ms) / 1000)
            self._board.change(change)
            self._history.change(change)
            self._send(change, steady_ms, moment, is_past=True)
            self._urgent.set()
        for fact in taken_up:
            if is_act(fact.reading):
                self._note_what_is_over(fact)
        for incident in (*rules.open_incidents(), *rules.held_back()):  # what has grown, and was not told yet
            shown = self._board.incident(incident.number)
            if shown is not None and shown.incident != incident:
                self._board.change(Change(shown.step, incident))
        self._board.tick(steady_ms)
        took_s = time.monotonic() - began
        log.info("the rules have begun in %.1f s, %d incidents are open", took_s, len(rules.open_incidents()))

    def _take_up_missed(self, known: Sequence[Change], stood: SteadyPoint | None, steady_ms: int) -> list[Fact]:
        """Put into the history what the outbox had and the rules had not when the post was killed, and that this is
        done with. A history that does not say what was heard is lost, or of an earlier version: then nothing."""
        if self._has_asked:
            return []
        heard, epochs, point = self._history.heard(), self._outbox.epochs(), self._steady.point
        facts: list[Fact] = []
        if heard is not None and point is not None:
            entries = self._outbox.latest_beyond(heard.standing, LANES, MOST_BEYOND)
            found = missed(entries, heard.beyond, {change.incident.number for change in known})
            facts = as_facts(found, stood or point, 0 if stood is None else stood.steady_ms, steady_ms)
        if facts:
            log.info("%d readings came just before the post went off: the rules hear them now", len(facts))
        for fact in facts:
            self._history.add(fact)
        if point is not None:
            self._history.stand(point)
        self._history.settle(joined(heard and heard.standing, Standing(epochs, 0)), 0)
        self._history.commit(sync=True)
        self._has_asked = True
        return facts

    def _remembered(self, facts: Iterable[Fact], since_ms: int) -> Iterator[Fact]:
        """Those facts since a steady time; and what the board shows of all of them, for the board."""
        words = _LastWords()
        for fact in facts:
            words.hear(fact)
            if fact.steady_ms >= since_ms:
                yield fact
        if not self._board.snapshot().detections:  # a stage that failed and began again: the board has them
            words.tell(self._board)


def _is_told(change: Change) -> bool:
    """Whether people were warned of it."""
    return change.incident.state != "closed" and not change.incident.suppressed_by


class _LastWords:
    """Of a history, what the board shows: the last word of each sensor, the last detections, who is out."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], Fact] = {}
        self._detections: deque[Fact] = deque(maxlen=MAX_DETECTIONS)

    def hear(self, fact: Fact) -> None:
        reading = fact.reading
        self._last.pop((reading.sensor, reading.kind), None)
        self._last[reading.sensor, reading.kind] = fact
        if reading.kind in DETECTIONS:
            self._detections.append(fact)

    def tell(self, board: Board) -> None:
        detections = {id(fact): fact for fact in self._detections}
        rest = [fact for fact in self._last.values() if fact.reading.kind not in DETECTIONS]
        for fact in sorted([*detections.values(), *rest], key=lambda fact: fact.steady_ms):
            board.hear(fact)
