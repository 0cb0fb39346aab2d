-- People whose data is being erased: what a crash interrupts goes on at the next start.  The row
-- is the last that goes.
CREATE TABLE erasures (
    person INTEGER PRIMARY KEY,
    since  REAL NOT NULL,  -- Unix time
    traces TEXT NOT NULL,  -- what is looked for afterwards, as a JSON list
    files  TEXT NOT NULL   -- a JSON list: the files that they had
) STRICT;
