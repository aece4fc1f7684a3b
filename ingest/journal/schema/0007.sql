-- Whose dead letters they are, so that one station's make room for its own and not for another's.
ALTER TABLE dead_letter ADD COLUMN station TEXT
    GENERATED ALWAYS AS (substr(topic, 9, instr(substr(topic, 9), '/') - 1)) VIRTUAL;
CREATE INDEX dead_letter_station ON dead_letter (station, stage);

-- What those of sinks take, by station; kept by triggers.
CREATE TABLE dead_letter_share (
    station TEXT    PRIMARY KEY,
    letters INTEGER NOT NULL,
    bytes   INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO dead_letter_share
    SELECT station, count(*), coalesce(sum(length(payload)), 0) FROM dead_letter WHERE stage <> 'journal' GROUP BY station;

CREATE TRIGGER dead_letter_of_station_comes AFTER INSERT ON dead_letter WHEN NEW.stage <> 'journal' BEGIN
    INSERT INTO dead_letter_share VALUES (NEW.station, 1, length(NEW.payload))
        ON CONFLICT (station) DO UPDATE SET letters = letters + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER dead_letter_of_station_goes AFTER DELETE ON dead_letter WHEN OLD.stage <> 'journal' BEGIN
    UPDATE dead_letter_share SET letters = letters - 1, bytes = bytes - length(OLD.payload) WHERE station = OLD.station;
    DELETE FROM dead_letter_share WHERE station = OLD.station AND letters = 0;
END;
