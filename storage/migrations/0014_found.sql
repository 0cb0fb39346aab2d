-- What a picture is found by, in terms that storage/terms.py makes; its rowid is the picture's id.
-- The tokenizer parts at blanks: beyond ASCII everything is a letter to it.
CREATE VIRTUAL TABLE found USING fts5(
    words,    -- typed, wished, drawn from
    model,
    style,
    owner,    -- a person's id
    channel,  -- where others may see it; empty: nowhere
    tokenize = 'ascii', columnsize = 0, prefix = '1 2'
);

-- Pictures of earlier releases are read from the newest on: those below this one are still to be.
CREATE TABLE found_down_to (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    picture INTEGER NOT NULL
) STRICT;
INSERT INTO found_down_to SELECT 1, coalesce(max(id), 0) + 1 FROM pictures;

-- In which channels there are pictures, and since when.
CREATE INDEX requests_by_place ON requests (guild, channel) WHERE guild IS NOT NULL;
CREATE INDEX requests_of_owner_by_place ON requests (owner, guild, channel);
CREATE INDEX pictures_by_time ON pictures (drawn_at);

-- What somebody looked for, so that the buttons below its pages work for ever.
CREATE TABLE searches (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    owner  INTEGER NOT NULL,
    person INTEGER,  -- whose pictures it asks for
    text   TEXT NOT NULL,  -- a JSON object
    UNIQUE (owner, text)
) STRICT;

-- Where a server wants the best of each week, when, and the last week that was looked at.
CREATE TABLE weeklies (
    guild   INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    weekday INTEGER NOT NULL CHECK (weekday BETWEEN 0 AND 6),  -- 0: Monday
    hour    INTEGER NOT NULL CHECK (hour BETWEEN 0 AND 23),  -- UTC
    done_at REAL NOT NULL  -- Unix time of the last one that is over
) STRICT;
