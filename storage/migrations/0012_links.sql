-- Links to the bot's own pages that work once and were used: no person stands in it, only what tells
-- one link from another.
CREATE TABLE used_links (
    serial TEXT PRIMARY KEY,
    until  REAL NOT NULL  -- Unix time; afterwards it is over anyway
) STRICT, WITHOUT ROWID;
