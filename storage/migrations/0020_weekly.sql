-- The rules of a server say where and when the best of a week is wanted; here is what became of it.
DROP TABLE weeklies;
CREATE TABLE weekly_posts (
    guild    INTEGER PRIMARY KEY,
    begun_at REAL,  -- the time for which one was begun to be posted; NULL: none was
    done_at  REAL NOT NULL  -- the time of the last one that is over, in Unix seconds
) STRICT;
