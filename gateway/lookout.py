"""The part of the gateway that warns: watch, board, history and outputs, built from the settings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from firmware_bridge.readings import Reading
from gateway.clock.clock import Clock
from gateway.hearing import Hearing, configured_sensors
from gateway.media.store import MediaStore
from gateway.outbox.outbox import Outbox
from gateway.place.errors import PlaceError
from gateway.place.place import Place, place_of
from gateway.rules.book import RuleBook, default_rules
from gateway.rules.engine import Engine
from gateway.rules.errors import RulesError
from gateway.rules.facts import Change
from gateway.rules.loading import load_rules
from gateway.rules.words import words
from gateway.settings import GatewaySettings
from gateway.speakers import Speakers
from gateway.supervision.supervisor import Supervisor
from gateway.uplink.uplink import UplinkState
from gateway.warning.untold import UntoldFile
from gateway.warning.warnings import Warnings
from gateway.watch.actions import Actions
from gateway.watch.board import Board
from gateway.watch.history import History
from gateway.watch.post import PostTeller
from gateway.watch.watch import Watch
from gateway.watch.words import SensorCard, TroubleWord

log = logging.getLogger(__name__)


class Lookout:
    """place: the post's map. board: what it knows now. hearing: is to be told what sources deliver. warnings: the
    outputs. watch: takes what the intake accepted.

    Reads the map and the rules when it is made, as the settings do their file; all else waits for `open` and `start`.
    """

    def __init__(self, settings: GatewaySettings, outbox: Outbox, clock: Clock, speakers: Speakers) -> None:
        self._settings = settings
        self._outbox = outbox
        self._clock = clock
        self._directory = settings.outbox.path.parent
        self.place, book, self._troubles = _place_and_rules(settings)
        self._max_patrol_hours = book.longest_patrol_s / 3600
        cards = [
            SensorCard(sensor.name, sensor.title, sensor.groups, sensor.expected_interval_s)
            for sensor in self.place.sensors.values()
        ]
        cards += [SensorCard(name) for name in configured_sensors(settings.sources) if name not in self.place.sensors]
        self.hearing = Hearing(settings.sources, speakers)
        self.board = Board(cards, wall_ms=self._wall_ms)
        self.history = History(
            settings.history.path or self._directory / "history.db",
            days=settings.history.days,
            max_bytes=settings.history.max_megabytes * 1024 * 1024,
            count=self._count,
        )
        self.warnings = Warnings(
            settings.warnings,
            station=settings.station.name,
            words=self.words,
            zone=settings.rules.zone,
            speakers=speakers,
            count=self._count,
            wall_ms=self._wall_ms,
            is_time_known=lambda: clock.now().is_trusted,
        )
        self.watch = Watch(
            outbox,
            self.board,
            self.history,
            clock,
            lambda: Engine(book, self.place, settings.rules.zone),
            self.warnings,
            lambda change: self.words(change, "es"),
            commit_every_s=settings.history.commit_every_s,
        )

    def actions(self, submit: Callable[[Reading], None]) -> Actions:
        """What people may do. submit: `Intake.submit`."""
        return Actions(self.board, submit, self._max_patrol_hours)

    def words(self, change: Change, lang: str) -> str:
        """An incident's step in a line; hours are told only while somebody vouches for the clock."""
        zone = self._settings.rules.zone if self._clock.now().is_trusted else None
        return words(change, lang, self.place, zone)

    def open(self) -> None:
        """Open the history, and take up the warnings that nobody was given before the restart. Never raises for the
        disk."""
        self.history.open()
        untold = UntoldFile(self._directory / "untold.json", self._clock.boot_id(), self._clock.now)
        self.warnings.open(untold, lambda: self.watch.is_live, self._is_seen_to)

    def start(self, supervisor: Supervisor, link: Callable[[], UplinkState], media: MediaStore) -> None:
        """Start the stages: one for each output and one for what they have not given, the watch and its keeper, the
        board."""
        teller = PostTeller(
            self.board,
            self._clock,
            self._outbox,
            link,
            self.history,
            media,
            self.warnings.states,
            self._settings.outbox.path,
            self._troubles,
            self.hearing.sources,
        )
        teller.begin()
        supervisor.start("keep warnings", self.warnings.keep, watched=False)  # nobody waits for a disk that hangs
        for desk in self.warnings.desks:
            supervisor.start(f"warning {desk.name}", desk.run, watched=False)  # one that hangs is told on the board
        supervisor.start("watch", self.watch.run)
        supervisor.start("keep", self.watch.keep)
        supervisor.start("board", teller.run)

    def close(self) -> None:
        """After the stages have ended: put on disk what is left, warnings too; close the history."""
        self.watch.flush()
        self.warnings.close()
        self.history.close()

    def _is_seen_to(self, number: int) -> bool:
        change = self.board.incident(number)
        return change is not None and (change.incident.state == "acknowledged" or change.incident.note != "")

    def _wall_ms(self) -> int:
        return self._clock.now().wall_ms

    def _count(self, counts: Mapping[tuple[str, str], int]) -> None:
        self._outbox.accept([], tallies=counts)


def _place_and_rules(settings: GatewaySettings) -> tuple[Place, RuleBook, list[TroubleWord]]:
    """The post's map and rules. A file that cannot be used does not keep the post from warning: what the settings alone
    say serves in its place, and the trouble is said."""
    troubles = []
    try:
        place = Place.load(settings.place)
    except PlaceError as error:
        log.error("%s", error)
        troubles.append(TroubleWord("place", str(error)))
        place = place_of(settings.place, [])
    book = default_rules(settings.lanes.alert_labels, settings.lanes.alert_confidence)
    if settings.rules.path is not None:
        try:
            book = load_rules(settings.rules.path)
        except RulesError as error:
            log.error("%s", error)
            troubles.append(TroubleWord("rules", str(error)))
    return place, book, troubles
