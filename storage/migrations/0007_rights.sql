-- Answers with buttons or menus about a request that one person alone sees: a component is believed
-- only in a message that stands for its request here, in the outbox, with a picture, or as progress.
CREATE TABLE answers (
    message INTEGER PRIMARY KEY,
    request INTEGER NOT NULL REFERENCES requests (id)
) STRICT;

-- What was deleted a moment ago: its files are kept until then, and whoever deleted it can bring it
-- back.  The pictures are marked as deleted meanwhile.
CREATE TABLE deletions (
    request INTEGER PRIMARY KEY REFERENCES requests (id),
    by      INTEGER NOT NULL,
    until   REAL NOT NULL  -- Unix time
) STRICT;

-- How often a result was brought back, and so posted anew.
ALTER TABLE outbox ADD COLUMN returned INTEGER NOT NULL DEFAULT 0;
