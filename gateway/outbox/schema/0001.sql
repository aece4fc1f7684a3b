-- An epoch is one opening of this file (see gateway/decisions/0001).
CREATE TABLE run (
    id        INTEGER PRIMARY KEY,
    epoch     BLOB    NOT NULL UNIQUE,
    boot      TEXT    NOT NULL,
    opened_ms INTEGER NOT NULL
);

-- The same once more, on another page: without its epoch no entry can be carried over from a damaged file.
CREATE INDEX run_again ON run (epoch, boot);

-- One reading that is to reach headquarters. time_ms is NULL until it is frozen; boot_ms and wall_ms are NULL after.
CREATE TABLE entry (
    lane           INTEGER NOT NULL,
    run            INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    time_ms        INTEGER,
    quality        INTEGER NOT NULL,
    uncertainty_ms INTEGER NOT NULL,
    boot_ms        INTEGER,
    wall_ms        INTEGER,
    crc            INTEGER NOT NULL,
    body           BLOB    NOT NULL,
    PRIMARY KEY (lane, run, sequence)
) WITHOUT ROWID;

-- The state of each device's replay guard: committed with the readings that moved it.
CREATE TABLE replay (
    device  TEXT PRIMARY KEY,
    highest INTEGER NOT NULL,
    bitmap  BLOB    NOT NULL
) WITHOUT ROWID;

-- Counters that only rise: what was accepted and receipted, and what was discarded where and why.
CREATE TABLE tally (
    place TEXT NOT NULL,
    name  TEXT NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (place, name)
) WITHOUT ROWID;

CREATE TABLE closing (clean INTEGER NOT NULL);
INSERT INTO closing VALUES (0);
