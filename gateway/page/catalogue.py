"""What there is to translate: page.pot, made from the templates, the code and the names of what is heard (Babel).

For `vigia generate` and for tests: the gateway itself never imports this.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import write_po
from jinja2.ext import babel_extract

from firmware_bridge.readings import KINDS, LABELS, QUANTITIES
from gateway.page.languages import OURS

_HERE: Final = Path(__file__).parent
TEMPLATE: Final = OURS / "page.pot"
_OF_THE_GATEWAY: Final = 64
"""Quantities from this code on are the gateway's own, which the page says in other words."""
_KEYWORDS: Final = {"_": None, "say": None, "many": (1, 2)}
_NOTE: Final = """What there is to translate on the post's page; the Spanish sentence itself is the key.
Copy this file as <code>.po (qu.po, boa.po), translate what you can, and put it into the directory that
languages_path of [page] names: what you leave empty is said in Spanish. Translate "Español" by the
name of your own language. Keep what looks like %(name)s as it is."""
_HEAD: Final = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"
"""

Message = str | tuple[str, str]


def messages() -> dict[Message, str]:
    """Each message (with its plural) and where it comes from."""
    found = own_messages()
    for name, where in names_of_things().items():
        found.setdefault(name, where)
    return found


def own_messages() -> dict[Message, str]:
    """Those of the page itself."""
    found: dict[Message, str] = dict.fromkeys(("Español", "Sensor callado"), "languages.py")
    for path in (*sorted(_HERE.glob("*.py")), *sorted((_HERE / "templates").glob("*.html"))):
        method: Any = "python" if path.suffix == ".py" else babel_extract
        with path.open("rb") as source:
            for _, message, _, _ in extract(method, source, _KEYWORDS, options={"trim_blocks": "true"}):
                found.setdefault(message if isinstance(message, str) else (message[0], message[1]), path.name)
    return found


def names_of_things() -> dict[str, str]:
    """Spanish names from the vocabulary, and where they are: English has its own there."""
    found: dict[str, str] = {}
    for where, titles in (
        ("labels", [label.title_es for label in LABELS.values()]),
        ("kinds", [kind.title_es for kind in KINDS.values()]),
        ("quantities", [quantity.title_es for quantity in QUANTITIES.values() if quantity.code < _OF_THE_GATEWAY]),
    ):
        for title in titles:
            found.setdefault(title, where)
    return found


def template_text() -> str:
    """The content of page.pot."""
    catalogue = Catalog(project="vigia", header_comment=_NOTE, fuzzy=False)
    for message, where in sorted(messages().items(), key=lambda one: (one[1], str(one[0]))):
        catalogue.add(message, locations=[(where, 0)])
    out = io.BytesIO()
    write_po(out, catalogue, width=120, include_lineno=False, omit_header=True)
    note = "".join(f"# {line}\n" for line in _NOTE.splitlines())
    return f"{note}{_HEAD}\n{out.getvalue().decode()}"
