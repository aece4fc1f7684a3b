"""The decoders and layouts that payloads name: there, readable, and fit to be used."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from deploy.doctor.devices import devices_of
from deploy.doctor.findings import (
    AS_ROOT,
    Check,
    Finding,
    Language,
    Text,
    attention,
    counted,
    ok,
    sentence,
    unseen,
    wrong,
)
from deploy.language import system_words
from deploy.settings.lines import Place, line_numbers
from firmware_bridge.payloads.javascript import read_source
from firmware_bridge.payloads.javascript_engine import EngineError, JavascriptEngine
from firmware_bridge.payloads.settings import JavascriptPayload, LayoutPayload
from firmware_bridge.sources import SourceSettings

_LIMIT_S: Final = 8.0
_MOST_SAID: Final = 160
_PIP: Final = f"{sys.prefix}/bin/pip install 'vigia[javascript]'"


class _Named(NamedTuple):
    """A file that a payload names. line: of the setting, 0 where it is not known. of: the sensor."""

    line: int
    of: str
    payload: JavascriptPayload | LayoutPayload

    @property
    def file(self) -> str:
        """The path, or the name of a layout that comes with Vigía."""
        return str(self.payload.file if isinstance(self.payload, JavascriptPayload) else self.payload.layout)


def codec_checks(sources: Sequence[SourceSettings], settings_file: Path) -> list[Check]:
    """One look at all of them, each file once; settings_file is where the sources are told. Runs what it finds in the
    confined helper process that decodes payloads."""
    named = list(_named(sources, settings_file))
    first = {(one.file, type(one.payload)): one for one in reversed(named)}
    if not first:
        return []
    chosen = [one for one in named if first[one.file, type(one.payload)] is one]
    return [Check(Text("Decodificadores", "Decoders"), partial(_look, chosen), _LIMIT_S)]


def _named(sources: Sequence[SourceSettings], settings_file: Path) -> Iterator[_Named]:
    lines, numbers = _lines(settings_file)
    for source in sources:
        for device in devices_of(source):
            payload = getattr(device.settings, "payload", None)
            if isinstance(payload, JavascriptPayload):
                setting = "file"
            elif isinstance(payload, LayoutPayload) and isinstance(payload.layout, str):
                setting = "layout"
            else:
                continue
            place = ("sources", numbers.get(source.name, -1), *device.place, "payload", setting)
            line = next(filter(None, (lines.get(place[:length]) for length in range(len(place), 1, -1))), 0)
            yield _Named(line, device.settings.name, payload)


def _lines(settings_file: Path) -> tuple[Mapping[Place, int], Mapping[str, int]]:
    """The line of each place of the file, and the number of each source by its name: those with faults may be left out
    of the sources."""
    try:
        text = settings_file.read_text("utf-8-sig")
        told = tomllib.loads(text).get("sources", [])
    except (OSError, ValueError):
        return {}, {}
    return line_numbers(text), {str(source.get("name")): number for number, source in enumerate(told)}


def _look(named: Sequence[_Named]) -> list[Finding]:
    findings = []
    with closing(JavascriptEngine()) as engine:
        for one in named:
            look = _decoder if isinstance(one.payload, JavascriptPayload) else _layout
            if (finding := look(one, engine)) is not None:
                findings.append(finding)
    if len(findings) < len(named):
        sound = counted(
            len(named) - len(findings),
            Text("decodificador o formato sirve", "decoder or layout can be used"),
            Text("decodificadores o formatos sirven", "decoders or layouts can be used"),
        )
        findings.insert(0, ok("codecs", sound.es, sound.en))
    return findings


def _decoder(one: _Named, engine: JavascriptEngine) -> Finding | None:
    try:
        fault = engine.fault_of(read_source(Path(one.file)))
    except EngineError:
        return attention(
            "codec_no_engine",
            _told(one, "es", f"no está instalado lo que ejecuta decodificadores JavaScript; no se oirá a {one.of}"),
            _told(one, "en", f"what runs JavaScript decoders is not installed; {one.of} will not be heard"),
            one.file,
            todo=Text(f"Instálelo: {_PIP}", f"Install it: {_PIP}"),
        )
    except (OSError, ValueError) as trouble:
        return _unreadable(one, trouble)
    return _unusable(one, fault) if fault else None


def _layout(one: _Named, _: JavascriptEngine) -> Finding | None:
    if not isinstance(one.payload, LayoutPayload):
        return None
    try:
        one.payload.read_layout()
    except (OSError, ValueError) as trouble:
        return _unreadable(one, trouble)
    return None


def _unreadable(one: _Named, trouble: OSError | ValueError) -> Finding:
    if isinstance(trouble, PermissionError):
        return unseen(
            "codec_unseen",
            _told(one, "es", f"no se pudo leer el decodificador de {one.of}"),
            _told(one, "en", f"the decoder of {one.of} could not be read"),
            one.file,
            todo=AS_ROOT,
        )
    if not isinstance(trouble, OSError):
        return _unusable(one, str(trouble))
    why = system_words(trouble)
    return wrong(
        "codec_missing",
        _told(one, "es", f"falta el decodificador de {one.of}, no se le oirá: {why.es}"),
        _told(one, "en", f"the decoder of {one.of} is missing, it will not be heard: {why.en}"),
        one.file,
        todo=Text(
            "Copie el archivo ahí, o corrija su ruta en la configuración",
            "Copy the file there, or mend its path in the settings",
        ),
    )


def _unusable(one: _Named, fault: str) -> Finding:
    said = " ".join(fault.split())[:_MOST_SAID]
    return wrong(
        "codec_bad",
        _told(one, "es", f"el decodificador de {one.of} no sirve ({said})"),
        _told(one, "en", f"the decoder of {one.of} cannot be used ({said})"),
        one.file,
        todo=Text(
            "Baje otra vez el archivo del fabricante y pruébelo: vigia sensors decode",
            "Get the maker's file again and try it: vigia sensors decode",
        ),
    )


def _told(one: _Named, language: Language, words: str) -> str:
    """With the line of the settings, where it is known."""
    return f"{Text('Línea', 'Line')(language)} {one.line}: {words}" if one.line else sentence(words)
