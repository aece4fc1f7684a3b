-- What the watch has heard of what the outbox holds (one row), see gateway/watch/heard.py: all up to a place in it, which
-- is a sequence number in the last of some epochs, and beyond it the entries of some marks. epochs, beyond: 8 bytes each.
CREATE TABLE heard (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    epochs   BLOB    NOT NULL,
    sequence INTEGER NOT NULL,
    beyond   BLOB    NOT NULL
);
