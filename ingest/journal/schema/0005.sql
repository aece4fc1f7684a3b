-- The territory that a message's points stand under, frozen when it came (NULL: its station was not registered then, or
-- it is from before), so that a message driven again after its station moved writes the same points.
ALTER TABLE message ADD COLUMN territory TEXT;
ALTER TABLE dead_letter ADD COLUMN territory TEXT;
