"""From what the sources deliver to the outbox: a lane and a moment for each reading, a counter for each discard."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence

from firmware_bridge.readings import QUANTITIES, Kind, Reading
from firmware_bridge.sources import Delivery, RadioText, SensorAnswer
from gateway.clock.clock import Clock
from gateway.clock.moments import Moment
from gateway.commands.heard import counter_of, reading_of, words_of
from gateway.contract.topics import Lane
from gateway.media.store import MediaStore
from gateway.outbox.outbox import Accepted, Outbox
from gateway.settings import LaneSettings

log = logging.getLogger(__name__)
texts_log = logging.getLogger("gateway.texts")

_CONFIDENCE = QUANTITIES["confidence_ratio"]
_DETECTIONS = frozenset({int(Kind.ACOUSTIC_DETECTION), int(Kind.CAMERA_DETECTION)})
_HEALTH = frozenset({int(Kind.STATION_HEALTH), int(Kind.TALLY)})
_ACTS = frozenset({int(Kind.INCIDENT), int(Kind.PATROL)})

Hear = Callable[[Sequence[Accepted]], None]
"""Told of what was accepted; what holds an alert is all safe on disk. Must return at once."""
ReadTexts = Callable[[str, Sequence[RadioText], Moment], None]
"""Told of what people wrote on a radio of a source, or a sensor answered, and when. Must return at once."""


class Lanes:
    """Which lane a reading goes to, by the post's settings."""

    def __init__(self, settings: LaneSettings) -> None:
        self._alert_labels = frozenset(settings.alert_labels)
        self._alert_steps = _CONFIDENCE.to_steps(settings.alert_confidence)

    def of(self, reading: Reading) -> Lane:
        """ALERT for an alert label with enough confidence (or none told), then by kind."""
        kind = reading.kind
        if kind in _DETECTIONS:
            if reading.label in self._alert_labels:
                sure = reading.steps[0] if reading.codes[:1] == (_CONFIDENCE.code,) else self._alert_steps
                return Lane.ALERT if sure >= self._alert_steps else Lane.DETECTION
            return Lane.DETECTION
        if kind in _ACTS:
            return Lane.DETECTION
        return Lane.HEALTH if kind in _HEALTH else Lane.READING


class Intake:
    """The one way into the outbox. Called by each source's own thread. media: keeps what is attached to readings."""

    def __init__(
        self,
        outbox: Outbox,
        lanes: Lanes,
        clock: Clock,
        hear: Hear,
        media: MediaStore | None = None,
        *,
        read_texts: ReadTexts | None = None,
    ) -> None:
        self._outbox = outbox
        self._lanes = lanes
        self._clock = clock
        self._hear = hear
        self._media = media
        self._read_texts = read_texts

    def deliver(self, delivery: Delivery) -> None:
        """Take one chunk's worth in; files are on disk before their readings, alerts before anyone is warned."""
        for text in delivery.texts:
            stranger = "" if text.is_known else " (a radio that the settings do not name)"
            texts_log.info("%s, %s, %s%s: %s", delivery.source, text.channel, text.sender, stranger, text.text)
        texts = [*delivery.texts, *map(_told, delivery.answers)]
        for text in texts[len(delivery.texts) :]:
            texts_log.info("%s, %s %s", delivery.source, text.sender, text.text)
        if texts and self._read_texts is not None:
            self._read_texts(delivery.source, texts, self._clock.now())
        if delivery.gps_utc_ms is not None:
            self._clock.hear_gps(delivery.gps_utc_ms)
            if not delivery.readings and not delivery.rejected and not delivery.answers:
                return
        moment = self._clock.now()
        lane_of = self._lanes.of
        readings = [*delivery.readings, *map(reading_of, delivery.answers)]
        accepted = [Accepted(lane_of(reading), moment, reading) for reading in readings]
        tallies: Counter[tuple[str, str]] = Counter(map(counter_of, delivery.answers))
        for rejected in delivery.rejected:
            tallies[delivery.source, rejected.reason] += rejected.count
            log.debug("%s: %s (%s)", delivery.source, rejected.reason, rejected.detail)
        tallies.update(self._keep(delivery, moment))
        self._outbox.accept(accepted, replay=delivery.replay, tallies=tallies)
        if accepted:
            self._hear(accepted)

    def submit(self, reading: Reading) -> None:
        """Take in what a person at the post did; it is on disk when this returns."""
        accepted = [Accepted(self._lanes.of(reading), self._clock.now(), reading)]
        self._outbox.accept(accepted)
        self._outbox.commit()
        self._hear(accepted)

    def _keep(self, delivery: Delivery, moment: Moment) -> Counter[tuple[str, str]]:
        """Keep what is attached; what became of it, to be counted."""
        counts: Counter[tuple[str, str]] = Counter()
        for index, attachments in delivery.attachments.items():
            for attachment in attachments:
                if self._media is None:
                    counts["media", "not_kept"] += 1
                    continue
                for reason, count in self._media.keep(attachment, delivery.readings[index], moment).items():
                    counts["media", reason] += count
        return counts


def _told(answer: SensorAnswer) -> RadioText:
    """What a sensor answered, for the post's page."""
    return RadioText(answer.sensor, words_of(answer), is_known=True)
