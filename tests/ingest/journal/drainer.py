"""Reads a journal as a sink and notes each message's number in a file before it marks it, until it is killed.

python -m tests.ingest.journal.drainer JOURNAL NOTES COST [--end]       with --end it ends when nothing is left
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ingest.journal.reader import JournalReader


def main(path: Path, notes: Path, cost: int, end: bool) -> None:
    reader = JournalReader(path, "drainer")
    reader.open()
    with notes.open("a") as file:
        print("at work", flush=True)
        while True:
            messages = reader.next(cost)
            if not messages and end:
                return
            file.writelines(f"{message.id}\n" for message in messages)
            file.flush()
            os.fsync(file.fileno())
            reader.done(messages, [])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), "--end" in sys.argv)
