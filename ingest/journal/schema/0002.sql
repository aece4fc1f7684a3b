-- What dead letters take, kept by triggers so that nobody has to count them. dropped: those that went for want of room.
CREATE TABLE dead_letter_total (
    letters INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    dropped INTEGER NOT NULL
);
INSERT INTO dead_letter_total SELECT count(*), coalesce(sum(length(payload)), 0), 0 FROM dead_letter;

CREATE TRIGGER dead_letter_comes AFTER INSERT ON dead_letter BEGIN
    UPDATE dead_letter_total SET letters = letters + 1, bytes = bytes + length(NEW.payload);
END;

CREATE TRIGGER dead_letter_goes AFTER DELETE ON dead_letter BEGIN
    UPDATE dead_letter_total SET letters = letters - 1, bytes = bytes - length(OLD.payload);
END;
