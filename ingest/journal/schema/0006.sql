-- Which series (measurement, sensor, label) each station has in the database, so that none makes them without end.
-- quality: that of the time, where it is one that this version does not know, else 0.
CREATE TABLE series (
    station TEXT    NOT NULL,
    kind    INTEGER NOT NULL,
    sensor  TEXT    NOT NULL,
    label   TEXT    NOT NULL,
    quality INTEGER NOT NULL,
    PRIMARY KEY (station, kind, sensor, label, quality)
) WITHOUT ROWID;
