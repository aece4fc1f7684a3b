-- What never became a message is bounded apart, so that it never takes the room of what was receipted.
CREATE INDEX dead_letter_stage ON dead_letter (stage);

-- Those of stage 'journal', which letters and bytes hold as well.
ALTER TABLE dead_letter_total ADD COLUMN journal_letters INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letter_total ADD COLUMN journal_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE dead_letter_total SET (journal_letters, journal_bytes) =
    (SELECT count(*), coalesce(sum(length(payload)), 0) FROM dead_letter WHERE stage = 'journal');

CREATE TRIGGER dead_letter_of_journal_comes AFTER INSERT ON dead_letter WHEN NEW.stage = 'journal' BEGIN
    UPDATE dead_letter_total
    SET journal_letters = journal_letters + 1, journal_bytes = journal_bytes + length(NEW.payload);
END;

CREATE TRIGGER dead_letter_of_journal_goes AFTER DELETE ON dead_letter WHEN OLD.stage = 'journal' BEGIN
    UPDATE dead_letter_total
    SET journal_letters = journal_letters - 1, journal_bytes = journal_bytes - length(OLD.payload);
END;
