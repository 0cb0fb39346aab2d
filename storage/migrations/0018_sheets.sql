-- How the pictures of a comparison stand on its sheet: a JSON object; NULL for any other request.
ALTER TABLE requests ADD COLUMN sheet TEXT;

-- What was priced and waits for its owner's yes.
CREATE TABLE unconfirmed (
    id    INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL,
    since REAL NOT NULL,  -- Unix time
    text  TEXT NOT NULL   -- JSON: what would be asked for, and its recipes
) STRICT;
CREATE INDEX unconfirmed_by_owner ON unconfirmed (owner);
