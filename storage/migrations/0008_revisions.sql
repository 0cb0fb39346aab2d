-- What a reply made of a picture: a JSON object; NULL where nothing was changed by a reply.
ALTER TABLE requests ADD COLUMN revision TEXT;

-- Messages that show a picture once more: after an undo, or when one of several was chosen.
CREATE TABLE reposts (
    message INTEGER PRIMARY KEY,
    picture INTEGER NOT NULL REFERENCES pictures (id),
    channel INTEGER NOT NULL
) STRICT;
CREATE INDEX reposts_by_picture ON reposts (picture);
