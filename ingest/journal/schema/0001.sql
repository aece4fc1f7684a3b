-- Uplink messages as they came. fresh: those of its sequence numbers that no earlier message held (ranges, encoded).
CREATE TABLE message (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    received_ms INTEGER NOT NULL,
    topic       TEXT    NOT NULL,
    station     TEXT    NOT NULL,
    fresh       BLOB    NOT NULL,
    payload     BLOB    NOT NULL
);
CREATE INDEX message_received ON message (received_ms);

-- Which entries of each outbox epoch are in the journal or were, for ever (ranges, encoded).
CREATE TABLE seen (
    station    TEXT    NOT NULL,
    epoch      BLOB    NOT NULL,
    ranges     BLOB    NOT NULL,
    touched_ms INTEGER NOT NULL,
    PRIMARY KEY (station, epoch)
) WITHOUT ROWID;

-- How far each sink has read: every message up to this one is stored there or is a dead letter.
CREATE TABLE cursor (
    sink       TEXT    PRIMARY KEY,
    message_id INTEGER NOT NULL
) WITHOUT ROWID;

-- What was refused for good, and why. message_id is NULL where it never became a message.
CREATE TABLE dead_letter (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms      INTEGER NOT NULL,
    stage      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    topic      TEXT    NOT NULL,
    payload    BLOB    NOT NULL,
    message_id INTEGER
);
