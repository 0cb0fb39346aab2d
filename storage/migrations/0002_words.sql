-- Where a request's words came from, when an assistant found them.  What decides the pixels is in
-- the recipe; this is kept beside it, so that nobody ever needs to ask the model again.
CREATE TABLE wordings (
    request      INTEGER PRIMARY KEY REFERENCES requests (id),
    wish         TEXT NOT NULL,  -- as typed
    own_negative TEXT NOT NULL,  -- the person's own negative prompt, before ours was added
    prompt       TEXT NOT NULL,
    negative     TEXT NOT NULL,
    slots        TEXT,           -- prompting.slots.Slots as JSON; NULL: the words went unchanged
    raw          TEXT NOT NULL,  -- what the writer answered
    writer       TEXT NOT NULL,
    digest       TEXT NOT NULL,
    template     TEXT NOT NULL,
    seed         INTEGER NOT NULL,
    seconds      REAL NOT NULL,
    note         TEXT NOT NULL,
    dialect      TEXT NOT NULL,
    style        TEXT NOT NULL
) STRICT;

-- NULL: what the server's owner chose.
ALTER TABLE preferences ADD COLUMN assist TEXT CHECK (assist IN ('on', 'off', 'auto'));
ALTER TABLE preferences ADD COLUMN style TEXT;
