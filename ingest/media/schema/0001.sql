-- One file of one post, as announced. state: 0 announced, 1 comes in part, 2 whole and to be verified and stored,
-- 3 stored, 4 refused. ranges: what of it lies in its part (encoded). attempt: names the part; it counts up when what
-- came was not what the hash says. touched_ms: when it last changed. name: where it is stored, below [media] store.
CREATE TABLE file (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    station        TEXT    NOT NULL,
    sha256         TEXT    NOT NULL,
    territory      TEXT    NOT NULL,
    size_bytes     INTEGER NOT NULL,
    media_type     TEXT    NOT NULL,
    sensor         TEXT    NOT NULL,
    label          TEXT    NOT NULL,
    time_ms        INTEGER NOT NULL,
    quality        INTEGER NOT NULL,
    uncertainty_ms INTEGER NOT NULL,
    number         INTEGER NOT NULL,
    total          INTEGER NOT NULL,
    notes          TEXT    NOT NULL,
    received_ms    INTEGER NOT NULL,
    touched_ms     INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    ranges         BLOB    NOT NULL,
    attempt        INTEGER NOT NULL,
    failures       INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    UNIQUE (station, sha256)
);
CREATE INDEX file_time ON file (time_ms, id);
CREATE INDEX file_state ON file (station, state, touched_ms);
CREATE INDEX file_content ON file (sha256);
CREATE INDEX file_whole ON file (id) WHERE state = 2;

-- Thumbnails, apart so that lists do not read past them.
CREATE TABLE thumbnail (
    file_id INTEGER PRIMARY KEY REFERENCES file (id),
    content BLOB NOT NULL
);
