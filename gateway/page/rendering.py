"""Templates and files of the page: read once, when the first page is made."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.page.languages import Language

_HERE: Final = Path(__file__).parent
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


class Asset(NamedTuple):
    """A file of the page. url: with a mark of its content, so that a phone may keep it for ever."""

    content: bytes
    media_type: str
    url: str


class Renderer:
    """Makes pages. No I/O before `open`."""

    def __init__(self) -> None:
        self.assets: dict[str, Asset] = {}
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def open(self) -> None:
        """Read the files."""
        for path in sorted((_HERE / "static").iterdir()):
            if path.suffix in _TYPES:
                content = path.read_bytes()
                mark = hashlib.sha256(content).hexdigest()[:10]
                self.assets[path.name] = Asset(content, _TYPES[path.suffix], f"/static/{path.name}?v={mark}")
        self._templates.globals.update(asset=lambda name: self.assets[name].url, picto=self._pictogram)

    def page(self, template: str, say: Language, **words: object) -> str:
        """A whole page, in one language."""
        return self._templates.get_template(template).render(say=say, _=say, many=say.many, **words)

    def _pictogram(self, name: str) -> Markup:
        url = self.assets["pictos.svg"].url
        return Markup('<svg class="p" aria-hidden="true"><use href="{}#{}"/></svg>').format(url, name)
