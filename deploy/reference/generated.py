"""Every generated file of the source tree: what it should hold, and whether it does."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from deploy.errors import DeployError
from deploy.reference.vocabulary import vocabulary_text
from deploy.sensors.cards import cards
from deploy.sensors.listing import index_page
from deploy.settings.text import gateway_text, ingest_text

BOARDS: Final = "dashboards/generated"
"""Every file of this folder is generated."""
DRIVERS_PAGE: Final = "firmware_bridge/docs/README.md"


class Change(NamedTuple):
    """A file that is, or was, not what it should be. path: below the root."""

    path: str
    how: Literal["new", "changed", "removed"]


def source_tree(what: str = "generated files belong") -> Path:
    """The root of the checkout that this code runs from. what: is wanted of it, for the DeployError that an installed
    copy raises."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "pyproject.toml").is_file():
        raise DeployError(f"Vigía is installed here without its source tree ({root}): {what} into a checkout of it")
    return root


def wanted() -> Mapping[str, bytes]:
    """Every generated file by its path below the root. Needs what the extras gateway, ingest and dashboards bring."""
    from dashboards.boards import generate as generate_boards
    from gateway.page.catalogue import template_text
    from gateway.page.compiling import compiled
    from gateway.page.languages import OURS
    from ingest.api.application import openapi_document

    files = {
        "deploy/reference/gateway.toml": gateway_text().encode(),
        "deploy/reference/ingest.toml": ingest_text().encode(),
        "deploy/reference/quantities.md": vocabulary_text().encode(),
        DRIVERS_PAGE: index_page(cards()).encode(),
        "ingest/api/openapi.json": openapi_document().encode(),
        "gateway/page/languages/page.pot": template_text().encode(),
    }
    for path in OURS.glob("*.po"):
        files[f"gateway/page/languages/{path.stem}.mo"] = compiled(path.read_bytes())
    with tempfile.TemporaryDirectory() as directory:
        for path in generate_boards(Path(directory)):
            files[f"{BOARDS}/{path.name}"] = path.read_bytes()
    return files


def stale(root: Path, files: Mapping[str, bytes]) -> list[Change]:
    """The files below the root that are not as wanted. Raises OSError."""
    changes = []
    for path, content in files.items():
        there = root / path
        if not there.is_file():
            changes.append(Change(path, "new"))
        elif there.read_bytes() != content:
            changes.append(Change(path, "changed"))
    unwanted = (f"{BOARDS}/{path.name}" for path in (root / BOARDS).glob("*.json"))
    return changes + [Change(path, "removed") for path in sorted(unwanted) if path not in files]


def write(root: Path, files: Mapping[str, bytes]) -> list[Change]:
    """Make the files below the root as wanted; what that changed. Raises OSError."""
    changes = stale(root, files)
    for change in changes:
        path = root / change.path
        if change.how == "removed":
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[change.path])
    return changes
