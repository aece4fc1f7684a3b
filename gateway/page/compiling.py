"""Turns catalogues that people write (.po) into those that programs read: `python -m gateway.page.compiling FILE...`

Babel does it, in a process that ends with its work, so that the gateway does not carry it for months: `compiled_apart`
asks that process. It prints a line of JSON for each file: {"mo": base64} or {"fault": words}.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

MAX_FILE_BYTES: Final = 512 * 1024
_TIMEOUT_S: Final = 60.0
_NO_DATE: Final = datetime.fromtimestamp(0, UTC)
"""Babel would write when it was done, and the same .po would give another .mo each time."""


class CatalogueError(ValueError):
    """What is wrong with a catalogue file."""


def read_bounded(path: Path) -> bytes:
    """What a catalogue file holds. Raises CatalogueError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CatalogueError(f"it cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise CatalogueError(f"it is larger than {MAX_FILE_BYTES} bytes")
    return content


def compiled(content: bytes) -> bytes:
    """A .po as a .mo. Raises CatalogueError."""
    # Imported here: who only asks for it to be done apart must not pay for it.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import PoFileError, read_po

    out = io.BytesIO()
    try:
        catalogue = read_po(io.BytesIO(content), abort_invalid=True)
        catalogue.creation_date = catalogue.revision_date = _NO_DATE
        write_mo(out, catalogue)
    except (PoFileError, ValueError, IndexError, KeyError, AttributeError) as error:  # what Babel raises for nonsense
        raise CatalogueError(f"it is no .po file ({error})") from error
    return out.getvalue()


def compiled_apart(paths: Sequence[Path]) -> list[bytes | CatalogueError]:
    """Each file as a .mo, or what is wrong with it; in another process. Takes as long as Python needs to start."""
    if not paths:
        return []
    command = [sys.executable, "-P", "-m", __name__, *map(str, paths)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=True)
        told = [json.loads(line) for line in done.stdout.splitlines()]
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return [CatalogueError(f"it cannot be compiled ({error})")] * len(paths)
    return [base64.b64decode(one["mo"]) if "mo" in one else CatalogueError(one["fault"]) for one in told]


def _main() -> None:
    for name in sys.argv[1:]:
        try:
            told = {"mo": base64.b64encode(compiled(read_bounded(Path(name)))).decode()}
        except CatalogueError as error:
            told = {"fault": str(error)}
        sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    _main()
