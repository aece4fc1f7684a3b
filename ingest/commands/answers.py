"""The sink that reads posts' answers out of the journal into the book of commands."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from firmware_bridge.readings import Kind
from gateway.contract.batches import decode_groups, decode_head
from gateway.contract.commands import Outcome
from gateway.contract.topics import ContractError, Lane, up
from ingest.commands.book import BookError, CommandBook
from ingest.errors import RetryLater
from ingest.messages import DeadLetter, JournalMessage

log = logging.getLogger(__name__)

_OUTCOMES: Final = frozenset(outcome.value for outcome in Outcome)


class AnswerSink:
    """Writes answers into the book; what is no answer is not its business, and what cannot be read is a dead letter of
    the sink that stores readings, not of this one."""

    name: Final = "commands"

    def __init__(self, book: CommandBook) -> None:
        self._book = book

    def write(self, messages: Sequence[JournalMessage]) -> list[DeadLetter]:
        """Note the answers in these messages; no letters. Raises RetryLater when the book cannot be written."""
        for message in messages:
            if message.topic != up(message.station, Lane.ALERT):  # the lane of answers: the rest is not unpacked
                continue
            try:
                groups = decode_groups(message.payload, decode_head(message.payload))
            except ContractError as error:
                log.debug("message %d: %s", message.id, error)
                continue
            for group in groups:
                if group.kind is not Kind.COMMAND_ANSWER:
                    continue
                for at, (command_id, outcome) in enumerate(zip(group.sensors, group.labels, strict=True)):
                    self._note(message, command_id, outcome, group.notes.get(at, ""))
        return []

    def _note(self, message: JournalMessage, command_id: str, outcome: str, note: str) -> None:
        if outcome not in _OUTCOMES:
            log.warning("%s answers command %s with %r, which says nothing to us", message.station, command_id, outcome)
            return
        try:
            known = self._book.answered(message.station, command_id, outcome, note, message.received_ms)
        except BookError as error:
            raise RetryLater(f"{error}") from error
        if not known:
            log.warning("%s answers command %s, which was not given to it", message.station, command_id)
        else:
            log.info("command %s to %s: %s %s", command_id, message.station, outcome, note)
