-- A boot of the machine, as far as its clock goes (see gateway/decisions/0004 and gateway.clock.boots.Boot). crc: of the
-- rest of the row. Boots from before this table are known by the name in `run` alone.
CREATE TABLE boot (
    number               INTEGER PRIMARY KEY,
    name                 TEXT    NOT NULL,
    not_before_ms        INTEGER NOT NULL,
    seen_ms              INTEGER NOT NULL,
    wall_offset_ms       INTEGER,
    first_boot_ms        INTEGER,
    first_time_ms        INTEGER,
    first_uncertainty_ms INTEGER,
    last_boot_ms         INTEGER,
    last_time_ms         INTEGER,
    last_uncertainty_ms  INTEGER,
    crc                  INTEGER NOT NULL
);
