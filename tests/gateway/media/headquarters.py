"""The other end of the wire, in a few lines: what it is told it keeps in memory and answers, as the contract has it."""

from __future__ import annotations

from gateway.contract import topics
from gateway.contract.media import Announcement, Answer, Chunk, Question, Status, decode_media, encode_answers
from gateway.contract.ranges import RangeSet
from gateway.media.sender import MediaSender

STATION = "puesto-a"
LINE_BYTES = 16 * 1024


class Headquarters:
    """heard: every message, in order. refusals: by hash, what is said instead."""

    def __init__(self) -> None:
        self.heard: list[Announcement | Chunk | Question] = []
        self.held: dict[str, RangeSet] = {}
        self.sizes: dict[str, int] = {}
        self.content: dict[str, bytearray] = {}
        self.refusals: dict[str, Answer] = {}

    def hear(self, payload: bytes) -> list[bytes]:
        """Take one message; the answers to it."""
        message = decode_media(payload)
        self.heard.append(message)
        asked = message.sha256s if isinstance(message, Question) else (message.sha256,)
        if isinstance(message, Announcement):
            self.held.setdefault(message.sha256, RangeSet())
            self.sizes[message.sha256] = message.size_bytes
            self.content.setdefault(message.sha256, bytearray(message.size_bytes))
        elif isinstance(message, Chunk) and message.sha256 in self.held:
            self.held[message.sha256].add(message.offset + 1, message.offset + len(message.content))
            self.content[message.sha256][message.offset : message.offset + len(message.content)] = message.content
        return encode_answers({sha256: self.answer(sha256) for sha256 in asked})

    def answer(self, sha256: str) -> Answer:
        """What it has of a file."""
        if sha256 in self.refusals:
            return self.refusals[sha256]
        if sha256 not in self.held:
            return Answer(Status.UNKNOWN)
        held = self.held[sha256]
        return Answer(Status.COMPLETE) if len(held) == self.sizes[sha256] else Answer(Status.HELD, held)

    def announced(self) -> list[str]:
        """Hashes in the order in which they were announced."""
        return [message.sha256 for message in self.heard if isinstance(message, Announcement)]


def exchange(sender: MediaSender, headquarters: Headquarters | None, *, most: int = 10_000) -> int:
    """Over a good link, until the sender has nothing more to say: how many messages. None: nobody answers."""
    for count in range(most):
        message = sender.next_message(LINE_BYTES)
        if message is None:
            return count
        assert message.topic == f"vigia/1/{STATION}/up/media"
        assert len(message.payload) <= LINE_BYTES
        sender.acknowledged(message.cookie)
        for answer in headquarters.hear(message.payload) if headquarters is not None else ():
            assert sender.received(topics.media(STATION), answer)
    return most
