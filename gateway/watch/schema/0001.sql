-- What the post heard and what people at it did, in the order in which it came: id and steady_ms both ascend.
CREATE TABLE fact (
    id        INTEGER PRIMARY KEY,
    steady_ms INTEGER NOT NULL,
    wall_ms   INTEGER NOT NULL,
    quality   INTEGER NOT NULL,
    body      BLOB    NOT NULL
);

-- Each incident as it stood after its last step, by the number that people know it by.
CREATE TABLE incident (
    number         INTEGER PRIMARY KEY,
    last_steady_ms INTEGER NOT NULL,
    step           INTEGER NOT NULL,
    body           BLOB    NOT NULL
);

-- Where the steady time stood (one row), see gateway/clock/steady.py.
CREATE TABLE steady (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    steady_ms      INTEGER NOT NULL,
    boot           TEXT    NOT NULL,
    boot_ms        INTEGER NOT NULL,
    wall_ms        INTEGER NOT NULL,
    quality        INTEGER NOT NULL,
    uncertainty_ms INTEGER NOT NULL
);
