"""The languages of the page: gettext catalogues, read once.

The message id is the Spanish sentence itself, so that what a catalogue lacks is said in Spanish. `languages/` holds the
catalogues that we keep (.po, and the .mo that `vigia generate` makes of it) and page.pot, what there is to translate; a
community puts <code>.po or <code>.mo into the directory that the settings name. A translation that drops a placeholder
falls back too.
"""

from __future__ import annotations

import gettext
import io
import logging
import re
import struct
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Final

from firmware_bridge.readings import LABELS
from gateway.page.compiling import CatalogueError, compiled_apart, read_bounded

log = logging.getLogger(__name__)

OURS: Final = Path(__file__).parent / "languages"
_CODE: Final = re.compile(r"[a-z]{2,3}(?:_[A-Za-z]{2,8})?")
_MAX_LANGUAGES: Final = 16


class Language:
    """Sentences in one language, at the post's hours. code: as in its file's name. zone: the post's."""

    def __init__(self, code: str, zone: tzinfo, catalogues: tuple[gettext.NullTranslations, ...] = ()) -> None:
        self.code = code
        self.zone = zone
        self._catalogues = catalogues

    @property
    def tag(self) -> str:
        """For HTML (BCP 47)."""
        return self.code.replace("_", "-")

    @property
    def name(self) -> str:
        """What it calls itself: the translation of "Español", or its code."""
        own = self("Español")
        return own if own != "Español" or self.code == "es" else self.code

    def __call__(self, message: str, **words: object) -> str:
        """A sentence, with words in the places of its %(name)s."""
        for catalogue in self._catalogues:
            if (said := catalogue.gettext(message)) != message and (filled := _filled(said, words)) is not None:
                return filled
        return message % words if words else message

    def many(self, one: str, several: str, count: int, **words: object) -> str:
        """The same for a number of things; %(n)s is the number."""
        words["n"] = count
        for catalogue in self._catalogues:
            said = catalogue.ngettext(one, several, count)
            if said not in (one, several) and (filled := _filled(said, words)) is not None:
                return filled
        return (one if count == 1 else several) % words

    def label(self, name: str) -> str:
        """What was heard or seen, by its name in `LABELS`."""
        label = LABELS.get(name)
        if label is None:
            return self("Sensor callado") if name == "silence" else name.replace("_", " ")
        title = self(label.title_es)
        return label.title_en if title == label.title_es and self.code.startswith("en") else title


def _filled(said: str, words: Mapping[str, object]) -> str | None:
    if not words:
        return said
    try:
        return said % words
    except (KeyError, TypeError, ValueError):
        return None


class Languages:
    """All that there are. extra: a directory of further ones, None for none."""

    def __init__(self, extra: Path | None, default: str, zone: tzinfo) -> None:
        self._extra = extra
        self._default = default
        self._zone = zone
        self._by_code: dict[str, Language] = {"es": Language("es", zone)}

    def open(self) -> None:
        """Read the catalogues. One that cannot be read is told in the log and left out."""
        chosen: list[Path] = []
        codes = {"es"}
        for directory in (self._extra, OURS):
            for path in _catalogue_files(directory) if directory is not None else ():
                if path.stem not in codes and len(codes) >= _MAX_LANGUAGES:
                    log.warning("%s: more than %d languages; this one is left out", path, _MAX_LANGUAGES)
                    continue
                codes.add(path.stem)
                chosen.append(path)
        written = [path for path in chosen if path.suffix == ".po"]
        compiled = dict(zip(written, compiled_apart(written), strict=True))
        found: dict[str, tuple[gettext.NullTranslations, ...]] = {"es": ()}
        for path in chosen:
            try:
                found[path.stem] = (*found.get(path.stem, ()), _read(path, compiled.get(path)))
            except CatalogueError as error:
                log.warning("%s: the page does without it: %s", path, error)
        self._by_code = {code: Language(code, self._zone, catalogues) for code, catalogues in sorted(found.items())}
        if self._default not in self._by_code:
            log.warning("the page has no language %s (it has %s): Spanish is used", self._default, ", ".join(found))

    def all(self) -> tuple[Language, ...]:
        """By code."""
        return tuple(self._by_code.values())

    def get(self, code: str) -> Language:
        """By its code; the default for one that there is not."""
        return self._by_code.get(code) or self._by_code.get(self._default) or self._by_code["es"]


def _read(path: Path, compiled: bytes | CatalogueError | None) -> gettext.GNUTranslations:
    """A catalogue. compiled: what became of a .po; None for a .mo. Raises CatalogueError."""
    if isinstance(compiled, CatalogueError):
        raise compiled
    try:
        return gettext.GNUTranslations(io.BytesIO(read_bounded(path) if compiled is None else compiled))
    except (OSError, ValueError, IndexError, KeyError, AttributeError, struct.error) as error:
        # what gettext raises for bytes that are no catalogue: magic, length, encoding, plural rule
        raise CatalogueError(f"it is no catalogue of gettext ({error})") from error


def _catalogue_files(directory: Path) -> list[Path]:
    """Its catalogues, .mo before .po of the same name, which is then left out."""
    try:
        files = sorted(directory.iterdir())
    except OSError as error:
        log.warning("the languages in %s cannot be read: %s", directory, error.strerror)
        return []
    by_code: dict[str, Path] = {}
    for path in files:  # .mo comes before .po
        if path.suffix in (".mo", ".po") and _CODE.fullmatch(path.stem):
            by_code.setdefault(path.stem, path)
    return list(by_code.values())
