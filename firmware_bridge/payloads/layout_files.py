"""Layouts in TOML files: those that come with Vigía, in `layouts/`, and a technician's own."""

from __future__ import annotations

import difflib
import re
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from firmware_bridge.payloads.layout_settings import Layout

MAX_FILE_BYTES: Final = 65_536
_PACKAGED: Final = re.compile(r"^[a-z0-9_]{1,64}$")


def packaged_layouts() -> list[str]:
    """Names of the layouts that come with Vigía."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))


def load_layout(which: str) -> Layout:
    """The layout of a name or of a file. Raises ValueError (what is wrong in it, and where) or OSError."""
    if _PACKAGED.match(which):
        entry = _folder() / f"{which}.toml"
        if not entry.is_file():
            names = packaged_layouts()
            makers = {name.split("_")[0] for name in names}
            close = difflib.get_close_matches(which.split("_")[0], makers, n=1)
            near = [name for name in names if name.split("_")[0] in close]
            near = near or difflib.get_close_matches(which, names, n=3)
            raise ValueError(
                f"no layout named {which!r} comes with Vigía; {'near it: ' + ', '.join(near) + '; ' if near else ''}"
                "write a path that ends in .toml for one of your own"
            )
        return parse_layout(entry.read_text("utf-8"), which)
    if not which.endswith(".toml"):
        raise ValueError(f"{which!r} is neither the name of a layout nor a path that ends in .toml")
    with Path(which).open("rb") as file:
        raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise ValueError(f"{which} is larger than {MAX_FILE_BYTES} bytes: that is no layout")
    try:
        return parse_layout(raw.decode("utf-8"), which)
    except UnicodeDecodeError:
        raise ValueError(f"{which} is not text in UTF-8") from None


def parse_layout(text: str, where: str) -> Layout:
    """The layout that a TOML text says. Raises ValueError that says where it is wrong; `where` names the text."""
    try:
        return Layout.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as wrong:
        raise ValueError(f"{where} is not TOML: {wrong}") from None
    except ValidationError as wrong:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'layout'}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in wrong.errors(include_url=False, include_context=False, include_input=False)[:5]
        )
        raise ValueError(f"{where}: {faults}") from None


def _folder() -> Traversable:
    return files("firmware_bridge.payloads") / "layouts"
