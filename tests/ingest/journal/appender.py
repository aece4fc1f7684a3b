"""Appends to a journal until it is killed; says each receipt on standard output once the journal has given it.

python -m tests.ingest.journal.appender JOURNAL SEED
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from gateway.contract.ranges import RangeSet
from tests.ingest.journal.arrivals import headed, opened

STATIONS = ("boca-yaguas", "puesto-dos")


def main(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with opened(path) as journal:
        while True:
            batch = []
            for _ in range(chance.randint(1, 8)):
                first = chance.randint(1, 5_000)
                batch.append(
                    headed(
                        RangeSet([(first, first + chance.randint(0, 40))]),
                        station=chance.choice(STATIONS),
                        epoch=bytes((chance.randint(1, 3),)) * 8,
                        body=chance.randbytes(chance.randint(1, 2_000)),
                    )
                )
            for station, epochs in journal.append(batch).receipts.items():
                for epoch, ranges in epochs.items():
                    print(station, epoch.hex(), ranges.encode().hex(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
