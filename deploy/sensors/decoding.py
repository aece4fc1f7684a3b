"""What bytes say, by a driver's decoder: nothing is opened, nothing is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from rich.table import Table
from rich.text import Text as RichText

from deploy.doctor.findings import Language, Text
from deploy.doctor.reasons import advice
from deploy.errors import DeployError
from deploy.sensors.words import attachment_words, detail_words, head, other_lines, rows
from firmware_bridge.readings import Rejected
from firmware_bridge.sources import DRIVERS, Delivery, EndingDecoder, FileDecoder, SourceSettings

MAX_BYTES: Final = 32 * 1024 * 1024
"""Largest input: a picture."""
_BETWEEN: Final = re.compile(r"0[xX](?=[0-9A-Fa-f]{2})|[\s:,;\-]+")
_NOTHING: Final = Text(
    "Nada todavía: es el comienzo de algo que sigue", "Nothing yet: this is the beginning of something that goes on"
)
_DISCARDED: Final = Text("Descartado", "Discarded")


class Decoding:
    """A fresh decoder of a source, fed with chunks; and the sum of what it discarded."""

    def __init__(self, settings: SourceSettings) -> None:
        """May read key files; one that cannot be read is logged and counted."""
        self._decoder = DRIVERS[settings.driver].new_decoder(settings, {})
        self._rejected: dict[str, Rejected] = {}
        self.has_readings = False

    def feed(self, chunks: Iterable[bytes]) -> Iterator[Delivery]:
        """What each chunk gave. Raises nothing, whatever the bytes."""
        for chunk in chunks:
            yield from self._note(self._decoder.feed(chunk))
        if isinstance(self._decoder, EndingDecoder):
            self._count(self._decoder.end())

    def feed_file(self, path: Path, content: bytes) -> Iterator[Delivery]:
        """The same for a file, whose name and directory tell too where files are what the source takes."""
        if isinstance(self._decoder, FileDecoder):
            yield from self._note(self._decoder.feed_file(path, content))
        else:
            yield from self.feed([content])

    def _note(self, delivery: Delivery | None) -> Iterator[Delivery]:
        if delivery is not None:
            self._count(delivery.rejected)
            self.has_readings |= bool(delivery.readings or delivery.texts or delivery.gps_utc_ms is not None)
            yield delivery

    def _count(self, rejected: Iterable[Rejected]) -> None:
        for item in rejected:
            held = self._rejected.get(item.reason, Rejected(item.reason, 0, item.detail))
            self._rejected[item.reason] = Rejected(item.reason, held.count + item.count, held.detail)

    @property
    def rejected(self) -> list[Rejected]:
        """One item a reason, with the first detail."""
        return list(self._rejected.values())


def bytes_of(words: Iterable[str], language: Language = "es") -> bytes:
    """Bytes of hex digits, however they are grouped: 0a0B, 0a:0b, 0x0a 0x0b. Raises DeployError."""
    digits = _BETWEEN.sub("", " ".join(words))
    if strange := re.search(r"[^0-9A-Fa-f]", digits):
        raise DeployError(
            Text(
                f"{strange[0]!r} no es una cifra hexadecimal; para texto (JSON, líneas de un módem) agregue --text",
                f"{strange[0]!r} is no hex digit; for text (JSON, lines of a modem) add --text",
            )(language)
        )
    if len(digits) % 2:
        raise DeployError(
            Text(
                f"son {len(digits)} cifras hexadecimales: un byte tiene dos, falta una",
                f"{len(digits)} hex digits: a byte has two, one is missing",
            )(language)
        )
    return bytes.fromhex(digits)


def closing_lines(told: Decoding, language: Language) -> list[str]:
    """What was discarded; or that nothing came of it at all."""
    lines = [f"{_DISCARDED(language)}: {_rejected_words(item, language)}" for item in told.rejected]
    return lines or ([] if told.has_readings else [_NOTHING(language)])


def closing_advice(told: Decoding, language: Language) -> list[RichText]:
    """The same for a terminal, with what it means and what to do."""
    shown = []
    for item in told.rejected:
        reason = advice(item.reason)
        words = RichText.assemble((f"{_DISCARDED(language)}: ", "yellow"), _rejected_words(item, language))
        shown.append(words.append(f"\n  {reason.what(language)}. {reason.todo(language)}", "dim"))
    return shown or ([] if told.has_readings else [RichText(_NOTHING(language))])


def tables(delivery: Delivery, language: Language) -> list[Table | RichText]:
    """For a terminal: a table for each reading, a line for each text."""
    shown: list[Table | RichText] = []
    for index, reading in enumerate(delivery.readings):
        table = Table(title=RichText(head(reading, language)), title_justify="left", show_header=False, min_width=56)
        table.add_column()
        table.add_column(justify="right")
        for row in rows(reading, language):
            table.add_row(RichText(row.title), RichText(row.value, "bold"))
        shown.append(table)
        shown += [RichText(attachment_words(one, language)) for one in delivery.attachments.get(index, [])]
    return shown + [RichText(line) for line in other_lines(delivery, language)]


def _rejected_words(item: Rejected, language: Language) -> str:
    return f"{item.reason} {item.count}{f' ({detail_words(item.detail, language)})' if item.detail else ''}"
