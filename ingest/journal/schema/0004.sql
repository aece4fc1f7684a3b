-- A topic (a station and a lane) is a queue: what is urgent is read first, and no flood of one station delays another's.
-- The index holds each topic's messages in the order in which they came.
CREATE INDEX message_topic ON message (topic);

-- How far a sink has read a topic, where that is further than its cursor. From now on a cursor's message_id says: every
-- message up to this one, of whatever topic, is stored there or is a dead letter.
CREATE TABLE place (
    sink       TEXT    NOT NULL,
    topic      TEXT    NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (sink, topic)
) WITHOUT ROWID;
