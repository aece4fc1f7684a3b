"""The beginning of a new driver: the template's driver, test and page under another name, and the index with it."""

from __future__ import annotations

import importlib
import keyword
import re
from pathlib import Path
from typing import Final

from deploy.errors import DeployError

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_MAX_NAME: Final = 40
_TEMPLATE: Final = "maker_model"
_FILES: Final = {
    "firmware_bridge/driver_template/maker_model.py": "firmware_bridge/drivers/{name}.py",
    "tests/firmware_bridge/driver_template/test_maker_model.py": "tests/firmware_bridge/drivers/test_{name}.py",
    "firmware_bridge/driver_template/maker_model.md": "firmware_bridge/docs/{name}.md",
}


def begin_driver(root: Path, name: str) -> list[Path]:
    """Write the files below the root of a source tree; nothing is written over. Returns them.

    Raises DeployError for a name that is none, or that is taken; OSError comes through as DeployError too.
    """
    _check(name)
    wanted = {root / source: root / target.format(name=name) for source, target in _FILES.items()}
    if taken := [str(path.relative_to(root)) for path in wanted.values() if path.exists()]:
        raise DeployError(f"{', '.join(taken)} is there already: choose another name, or change it by hand")
    try:
        texts = {target: _renamed(source.read_text(), name) for source, target in wanted.items()}
        for target, text in texts.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x") as file:  # never over another
                file.write(text)
    except OSError as error:
        raise DeployError(f"{error.filename}: {error.strerror}") from error
    importlib.invalidate_caches()  # the new driver is found at once
    return list(texts)


def _check(name: str) -> None:
    if _NAME.fullmatch(name) is None or len(name) > _MAX_NAME or keyword.iskeyword(name) or name == _TEMPLATE:
        raise DeployError(
            f"{name!r} is no name for a driver: <maker>_<model>, in a-z, 0-9 and _, at most {_MAX_NAME} characters,"
            " such as davis_vantage"
        )


def _renamed(text: str, name: str) -> str:
    words = name.split("_")
    return (
        text.replace(f"firmware_bridge.driver_template.{_TEMPLATE}", f"firmware_bridge.drivers.{name}")
        .replace("MakerModel", "".join(word.capitalize() for word in words))
        .replace("Maker Model", " ".join(word.capitalize() for word in words))
        .replace(_TEMPLATE, name)
    )
