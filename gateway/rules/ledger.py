"""The incidents: raised, grown, acknowledged, closed, held back; many of one label become one.

Times are steady milliseconds. What is due at a time is done at that time, in order, whenever the ledger is brought
there, so that the same facts give the same changes however often it is looked at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from enum import IntEnum
from heapq import heappop, heappush
from math import inf
from typing import Final

from gateway.rules.book import SILENCE, STORM, HeardRule, NearRule, RuleBase, Storm
from gateway.rules.facts import Change, Incident, Note, Step, with_note
from gateway.rules.live import Live, kind_of, live_of
from gateway.rules.matches import Match

TOLD_AGAIN_MS: Final = 15_000
"""An incident that grows is told of at once when a sensor joins, and otherwise this long after the last time."""
_MOST_OPEN: Final = 2000
_MOST_NUMBER: Final = 4_294_967_295


class _Due(IntEnum):
    CLOSE = 0
    TELL = 1


class Ledger:
    """See the module."""

    def __init__(self, storm: Storm) -> None:
        self._storm = storm
        self._storm_ms, self._storm_open_ms = round(storm.within_s * 1000), round(storm.open_s * 1000)
        self._spared = frozenset(storm.spares)
        self._number = 0
        self._current: dict[tuple[str, Hashable, str], Live] = {}
        self._open: dict[int, Live] = {}
        self._alive: dict[Live, None] = {}  # those that may grow: open, in a storm, or not told of yet
        self._storms: dict[str, Live] = {}
        self._raised: dict[str, deque[tuple[int, Live]]] = {}
        self._due: list[tuple[int, int, _Due, Live]] = []
        self._order = 0
        self._unbound: dict[str, list[Live]] = {}  # known from before, by rule, their keys not known
        self._unanswered: list[Live] | None = None  # while recalling: of whom nobody was told

    @property
    def due_ms(self) -> float:
        """When something is due next; infinity for never."""
        return self._due[0][0] if self._due else inf

    def incidents(self, *, held_back: bool) -> tuple[Incident, ...]:
        """Those that are not closed, by number."""
        return tuple(live.incident for _, live in sorted(self._open.items()) if bool(live.held_by) == held_back)

    def matched(self, rule: RuleBase, match: Match, held_by: str, now_ms: int, reading: int) -> list[Change]:
        """A rule matched. held_by: the suppression that holds it back, or "". reading: number of that which made it
        match: in an incident of several rules it counts once."""
        changes: list[Change] = []
        live = self._find(rule.name, match)
        if live is not None and self._unanswered is not None and match.at_ms <= live.covered_ms:
            return []
        if live is not None and live.held_by and not held_by:
            changes, live = self._close(live), None  # what held it back is over
        if live is None and (live := self._find_same(rule, match, held_by)) is not None:
            self._bind(rule.name, match, live)
        if live is not None:
            return changes + self._grow(live, rule, match, now_ms, reading)
        live = Live(rule.name, rule.level, match, held_by)
        live.found(rule)
        live.touched_ms, live.reading = now_ms, reading
        self._bind(rule.name, match, live)
        if self._unanswered is None:
            return changes + self._announce(live, now_ms)
        if not self._is_in_known_storm(live):
            self._unanswered.append(live)
        return changes

    def heard_again(self, rule: str, sensor: str) -> list[Change]:
        """The silence of a sensor is over."""
        live = self._current.get(_key(rule, sensor, SILENCE)) or self._find_unbound(rule, {sensor}, None)
        return self._close(live) if live is not None else []

    def acknowledge(self, number: int, note: str, at_ms: int, wall_ms: int) -> list[Change]:
        """A person has seen to it, or notes more about it. wall_ms: Unix time, for people."""
        live = self._open.get(number)
        if live is None or (live.state == "acknowledged" and (self._unanswered is not None or live.note == note)):
            return []
        live.state, live.note, live.acknowledged_ms = "acknowledged", note, at_ms
        live.notes = with_note(live.notes, Note(wall_ms, note))
        self._schedule_close(live)
        return [self._tell(Step.ACKNOWLEDGED, live, at_ms)]

    def number_seen(self, number: int) -> None:
        """A number that is taken."""
        if 0 < number <= _MOST_NUMBER:
            self._number = max(self._number, number)

    def run(self, now_ms: int) -> list[Change]:
        """Do what is due at or before now."""
        changes: list[Change] = []
        while self._due and self._due[0][0] <= now_ms:
            due_ms, _, what, live = heappop(self._due)
            if live.state == "closed":
                continue
            if what is _Due.CLOSE:
                if live.close_ms <= due_ms:
                    changes += self._close(live)
                else:
                    self._schedule_close(live)
            elif live.is_untold:
                changes.append(self._tell(Step.HELD_BACK if live.held_by else Step.GROWN, live, due_ms))
        return changes

    # a restart

    def recall(self, known: Iterable[Incident], rules: Mapping[str, RuleBase]) -> None:
        """What was told before: from now on matches that are in a known incident are passed over, and those that are in
        none wait for `recalled`. rules: by name; an incident of a rule that is no more closes soon."""
        self._unanswered = []
        for incident in sorted(known, key=lambda one: one.number):
            self.number_seen(incident.number)
            found_by = dict.fromkeys((incident.rule, *incident.found_by))
            live = live_of(incident, [rules[name] for name in found_by if name in rules])
            for name in live.found_by:
                self._unbound.setdefault(name, []).append(live)
            if incident.rule == STORM:
                live.quiet_ms, live.open_ms = self._storm_ms, self._storm_open_ms
                if incident.state != "closed":
                    self._storms[incident.label] = live
            elif not incident.suppressed_by:
                self._raised.setdefault(incident.label, deque(maxlen=self._storm.incidents)).append(
                    (incident.first_steady_ms, live)
                )
            if incident.state != "closed":
                self._open[live.number] = live
                self._alive[live] = None
                self._schedule_close(live)

    def recalled(self, now_ms: int) -> list[Change]:
        """The past is known: tell of what nobody was told, unless it is over."""
        unanswered, self._unanswered = self._unanswered or [], None
        changes: list[Change] = []
        for live in unanswered:
            if live.label != SILENCE and now_ms < live.last_ms + live.quiet_ms and live.state != "closed":
                changes += self._announce(live, live.first_ms)
            else:
                self._unbind(live)
        for name, lives in list(self._unbound.items()):
            self._unbound[name] = [live for live in lives if live.state != "closed"]
        for live in [live for live in self._alive if live.state == "closed"]:
            self._unbind(live)
        return changes

    def is_silent(self, rule: str, sensor: str) -> bool:
        """Whether a silence is told and not over."""
        live = self._current.get(_key(rule, sensor, SILENCE)) or self._find_unbound(rule, {sensor}, None)
        return live is not None and live.label == SILENCE and live.state != "closed"

    def forget_silences(self, is_watched: Iterable[tuple[str, str]]) -> list[Change]:
        """Close silences that no rule (by its name, and the sensor) watches any more."""
        watched = set(is_watched)
        over = [
            live
            for live in self._open.values()
            if live.label == SILENCE
            and live.rule != STORM
            and not any((live.rule, sensor) in watched for sensor in live.sensors)
        ]
        return [change for live in over for change in self._close(live)]

    # inside

    def _find(self, rule: str, match: Match) -> Live | None:
        live = self._current.get(_key(rule, match.key, match.label))
        if live is not None and live.takes(match):
            return live
        live = self._find_unbound(rule, set(match.sensors), match)
        if live is not None:
            self._bind(rule, match, live)
        return live

    def _find_same(self, rule: RuleBase, match: Match, held_by: str) -> Live | None:
        """The incident of another rule that this is more of, so that people are warned of one thing once: of what is
        heard at places. Boats are told apart by their ways, and a sensor's silence is nobody else's."""
        if not isinstance(rule, HeardRule | NearRule):
            return None
        same = (live for live in self._alive if (held_by or not live.held_by) and live.is_same(rule, match))
        return min(same, key=lambda live: (live.first_ms, live.number), default=None)

    def _bind(self, rule: str, match: Match, live: Live) -> None:
        key = _key(rule, match.key, match.label)
        live.keys.append(key)
        self._current[key] = live
        self._alive[live] = None

    def _unbind(self, live: Live) -> None:
        for key in live.keys:
            if self._current.get(key) is live:
                del self._current[key]
        live.keys.clear()
        self._alive.pop(live, None)

    def _find_unbound(self, rule: str, sensors: set[str], match: Match | None) -> Live | None:
        for live in reversed(self._unbound.get(rule, ())):
            if sensors.isdisjoint(live.sensors) or live.rule == STORM:
                continue
            if match is not None and match.passage is not None and live.keys:  # another boat
                continue
            if match is None:
                if live.state != "closed":
                    return live
            elif live.first_ms <= match.at_ms and live.takes(match):
                return live
        return None

    def _is_in_known_storm(self, live: Live) -> bool:
        storms = [one for one in self._unbound.get(STORM, ()) if one.label == live.label]
        for storm in storms:
            if storm.first_ms <= live.last_ms < storm.last_ms + self._storm_ms and not live.held_by:
                live.storm = storm
                self._schedule_close(live)
                return True
        return False

    def _announce(self, live: Live, at_ms: int) -> list[Change]:
        """Tell of a new incident, or let it go into the storm of its label."""
        if not live.held_by and live.label not in self._spared and self._is_stormy(live, at_ms):
            return self._absorb(live, at_ms)
        self._number_it(live)
        self._schedule_close(live)
        changes = [self._tell(Step.HELD_BACK if live.held_by else Step.RAISED, live, at_ms)]
        if not live.held_by:
            self._raised.setdefault(live.label, deque(maxlen=self._storm.incidents)).append((at_ms, live))
        if len(self._open) > _MOST_OPEN:
            changes += self._close(min(self._open.values(), key=_matters))
        return changes

    def _is_stormy(self, live: Live, at_ms: int) -> bool:
        storm = self._storms.get(live.label)
        if storm is not None and storm.state != "closed" and at_ms < storm.last_ms + self._storm_ms:
            return True
        raised = self._raised.get(live.label)
        if raised is None or len(raised) < self._storm.incidents:
            return False
        return at_ms - raised[0][0] < self._storm_ms

    def _absorb(self, live: Live, at_ms: int) -> list[Change]:
        storm = self._storms.get(live.label)
        step = Step.GROWN
        if storm is None or storm.state == "closed" or at_ms >= storm.last_ms + self._storm_ms:
            storm = self._begin_storm(live, [one for _, one in self._raised[live.label]])
            step = Step.RAISED
        elif storm.state == "acknowledged" and (
            not live.sensors.keys() <= storm.sensors.keys() or live.level == "alert" != storm.level
        ):
            storm = self._begin_storm(live, [])  # people have seen to those before, and not to this one
            step = Step.RAISED
        live.storm = storm
        self._schedule_close(live)
        joined = not live.sensors.keys() <= storm.sensors.keys()
        storm.sensors.update(live.sensors)
        storm.count += 1
        is_worse = self._reach(storm, live)
        if step is Step.RAISED:
            return [self._tell(step, storm, at_ms)]
        return self._grown(storm, at_ms, at_once=joined or is_worse)

    def _begin_storm(self, live: Live, before: list[Live]) -> Live:
        """before: incidents that are counted in it, besides this one."""
        of_it = [*before, live]
        first = min(of_it, key=lambda one: one.first_ms)
        match = Match(
            live.label,
            live.label,
            tuple(dict.fromkeys(sensor for one in of_it for sensor in one.sensors)),
            first.first_ms,
            first.first_wall_ms,
            live.last_ms,
            live.last_wall_ms,
            len(before),
            live.confidence,
            frozenset((live.label,)),
            first.first_within_ms,
        )
        level = "alert" if any(one.level == "alert" for one in of_it) else live.level
        storm = Live(STORM, level, match, "", self._storm_ms, self._storm_open_ms)
        self._number_it(storm)
        self._storms[live.label] = storm
        self._schedule_close(storm)
        return storm

    def _number_it(self, live: Live) -> None:
        self._number += 1
        live.number = self._number
        self._open[live.number] = live

    def _grow(self, live: Live, rule: RuleBase, match: Match, now_ms: int, reading: int) -> list[Change]:
        if match.label == SILENCE:
            return []
        joined = not live.sensors.keys() >= set(match.sensors)
        is_new, is_worse = rule.name not in live.found_by, rule.level == "alert" != live.level
        live.found(rule)
        live.level = rule.level if is_worse else live.level
        live.sensors.update(dict.fromkeys(match.sensors))
        live.count += live.reading != reading
        live.touched_ms, live.reading = now_ms, reading
        if match.at_ms >= live.last_ms:
            live.last_ms, live.last_wall_ms = match.at_ms, match.wall_ms
        if match.first_ms < live.first_ms:
            live.first_ms, live.first_wall_ms = match.first_ms, match.first_wall_ms
            live.first_within_ms = match.first_within_ms
        if match.confidence is not None:
            live.confidence = max(match.confidence, live.confidence or 0.0)
        live.passage = match.passage or live.passage
        if live.storm is not None:
            return self._grown(live.storm, now_ms, at_once=True) if self._reach(live.storm, live) else []
        return self._grown(live, now_ms, at_once=joined or is_new or is_worse)

    def _reach(self, storm: Live, live: Live) -> bool:
        """What an incident does to its storm; whether it makes an alert of it."""
        storm.touched_ms = max(storm.touched_ms, live.touched_ms)
        if live.last_ms >= storm.last_ms:
            storm.last_ms, storm.last_wall_ms = live.last_ms, live.last_wall_ms
        if live.confidence is not None:
            storm.confidence = max(live.confidence, storm.confidence or 0.0)
        is_worse = live.level == "alert" != storm.level
        storm.level = live.level if is_worse else storm.level
        return is_worse

    def _grown(self, live: Live, at_ms: int, *, at_once: bool) -> list[Change]:
        if live.number == 0:  # not told of yet
            return []
        if at_once or at_ms >= live.told_ms + TOLD_AGAIN_MS:
            return [self._tell(Step.HELD_BACK if live.held_by else Step.GROWN, live, at_ms)]
        if not live.is_untold:
            live.is_untold = True
            self._push(live.told_ms + TOLD_AGAIN_MS, _Due.TELL, live)
        return []

    def _tell(self, step: Step, live: Live, at_ms: int) -> Change:
        live.told_ms = max(live.told_ms, at_ms)
        live.is_untold = False
        return Change(step, live.incident)

    def _close(self, live: Live) -> list[Change]:
        live.state = "closed"
        self._open.pop(live.number, None)
        self._unbind(live)
        if live.rule == STORM and self._storms.get(live.label) is live:
            del self._storms[live.label]
        return [Change(Step.CLOSED, live.incident)] if live.number and live.storm is None else []

    def _schedule_close(self, live: Live) -> None:
        if live.close_ms != inf:
            self._push(int(live.close_ms), _Due.CLOSE, live)

    def _push(self, due_ms: int, what: _Due, live: Live) -> None:
        self._order += 1
        heappush(self._due, (due_ms, self._order, what, live))


def _key(rule: str, key: Hashable, label: str) -> tuple[str, Hashable, str]:
    return rule, key, kind_of(label)


def _matters(live: Live) -> tuple[bool, int]:
    """The least closes first when there are too many: what is no open alert, what is old."""
    return live.level == "alert" and live.state == "open" and not live.held_by, live.number
