"""Where a process spends its time: py-spy from outside, which neither asks nor slows the interpreter that it watches.

In the venv of the peer, since the product needs it as little. Only with `--profile`; it needs the right to look into
another process (root, or kernel.yama.ptrace_scope 0).
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deploy.parts.processes import Part
from tests.bench.harness import say
from tests.bench.peer import VENV, PeerMissingError, peer_python

PACKAGE: Final = "py-spy"
_RATE: Final = 200


@contextmanager
def profiled(parts: list[Part], directory: Path, wanted: bool, found: list[str], most: int = 12) -> Iterator[None]:
    """Watch some running parts while the body runs; append to `found` where each held the interpreter."""
    watchers: list[tuple[Part, Path, subprocess.Popen[bytes]]] = []
    program = _program() if wanted else None
    for part in parts if program is not None else ():
        out = directory / f"{part.name.replace(' ', '-')}.stacks"
        command = [str(program), "record", "--pid", str(part.pid), "--rate", str(_RATE), "--format", "raw"]
        command += ["--gil", "--threads", "--nolineno", "--duration", "120", "--output", str(out)]
        watchers.append((part, out, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)))
    try:
        yield
    finally:
        for part, out, watcher in watchers:
            watcher.send_signal(2)  # as Ctrl-C: it writes what it has
            watcher.wait(20)
            found += lines_of(part.name, out, most)


def lines_of(title: str, out: Path, most: int) -> list[str]:
    """Where a process was found most often, by thread: shares of the samples that held the interpreter."""
    where: Counter[str] = Counter()
    for line in out.read_text().splitlines() if out.exists() else ():
        stack, count = line.rsplit(" ", 1)
        thread, *frames = stack.split(";")
        thread = thread.split(": ")[-1].strip('"')
        where[f"{thread}: {frames[-1]}"] += int(count)
    total = sum(where.values()) or 1
    lines = [f"{title}: {total} samples at {_RATE}/s that held the interpreter"]
    return lines + [f"    {count / total:5.1%}  {place}" for place, count in where.most_common(most)]


def _program() -> Path | None:
    program = VENV / "bin" / "py-spy"
    if not program.exists():
        try:
            pip = [str(peer_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]
            subprocess.run(pip, check=True, capture_output=True, text=True, timeout=120)
        except (OSError, subprocess.SubprocessError, PeerMissingError) as error:
            say(f"no profile: {PACKAGE} cannot be installed here ({error})")
            return None
    return program
