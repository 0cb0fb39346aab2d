-- A request is what a person asked for once; its tickets are the jobs that came of it; a picture is
-- what a ticket became.  Times are Unix seconds, people and places Discord's snowflakes.

-- By id: equal recipes, and only they, share a row.
CREATE TABLE recipes (
    id   TEXT PRIMARY KEY,
    text TEXT NOT NULL  -- generation.recipe.dump
) STRICT;

-- The kept files that a recipe needs, so that none is dropped while one does.
CREATE TABLE recipe_inputs (
    sha256 TEXT NOT NULL,
    recipe TEXT NOT NULL REFERENCES recipes (id),
    PRIMARY KEY (sha256, recipe)
) STRICT, WITHOUT ROWID;

CREATE TABLE environments (
    id   TEXT PRIMARY KEY,
    text TEXT NOT NULL  -- its fields as JSON
) STRICT;

CREATE TABLE requests (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    owner            INTEGER NOT NULL,
    guild            INTEGER,
    channel          INTEGER NOT NULL,
    reply_to         INTEGER,
    locale           TEXT NOT NULL,
    words            TEXT NOT NULL,  -- what the person typed
    parent           INTEGER REFERENCES pictures (id),
    reproduces       INTEGER REFERENCES pictures (id),
    expects          TEXT,  -- the sha256 of pixels that it is to have
    progress_message INTEGER,
    created          REAL NOT NULL
) STRICT;
CREATE INDEX requests_of_owner ON requests (owner, id);
CREATE INDEX requests_by_parent ON requests (parent) WHERE parent IS NOT NULL;
CREATE INDEX requests_by_original ON requests (reproduces) WHERE reproduces IS NOT NULL;

-- The id is the JobId; AUTOINCREMENT, because an id that came back would confuse two jobs.
CREATE TABLE tickets (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    request INTEGER NOT NULL REFERENCES requests (id),
    ordinal INTEGER NOT NULL,  -- within the request, from 0
    recipe  TEXT NOT NULL REFERENCES recipes (id),
    cost    REAL NOT NULL,  -- predicted seconds
    state   TEXT NOT NULL DEFAULT 'waiting' CHECK (
        state IN ('waiting', 'running', 'drawn', 'failed', 'cancelled', 'quarantined')
    ),
    tries   INTEGER NOT NULL DEFAULT 0,
    reason  TEXT,
    UNIQUE (request, ordinal)
) STRICT;
CREATE INDEX tickets_open ON tickets (id) WHERE state IN ('waiting', 'running');
CREATE INDEX tickets_by_recipe ON tickets (recipe);

-- UNIQUE (ticket): a second report of one job cannot become a second picture.
CREATE TABLE pictures (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    ticket         INTEGER NOT NULL UNIQUE REFERENCES tickets (id),
    owner          INTEGER NOT NULL,  -- the request's, repeated for the index
    recipe         TEXT NOT NULL REFERENCES recipes (id),
    environment    TEXT NOT NULL REFERENCES environments (id),
    png_sha256     TEXT NOT NULL,
    pixels_sha256  TEXT NOT NULL,
    latents_sha256 TEXT NOT NULL,
    seconds        REAL NOT NULL,
    message        INTEGER,  -- where it was posted
    ordinal        INTEGER NOT NULL,  -- within the request, then within the message
    drawn_at       REAL NOT NULL,
    deleted        INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1))
) STRICT;
CREATE INDEX pictures_of_message ON pictures (message, ordinal) WHERE message IS NOT NULL;
CREATE INDEX pictures_of_owner ON pictures (owner, id);
CREATE INDEX pictures_by_recipe ON pictures (recipe);
CREATE INDEX pictures_by_pixels ON pictures (pixels_sha256);
CREATE INDEX pictures_by_file ON pictures (png_sha256);

-- A finished request that people have not been told of, or were (open = 0).
CREATE TABLE outbox (
    request  INTEGER PRIMARY KEY REFERENCES requests (id),
    attempts INTEGER NOT NULL DEFAULT 0,
    message  INTEGER,
    open     INTEGER NOT NULL DEFAULT 1 CHECK (open IN (0, 1))
) STRICT;
CREATE INDEX outbox_open ON outbox (request) WHERE open = 1;

-- NULL: whatever is usual.
CREATE TABLE preferences (
    user            INTEGER PRIMARY KEY,
    model           TEXT,
    negative_prompt TEXT,
    width           INTEGER,
    height          INTEGER,
    steps           INTEGER,
    cfg             REAL,
    sampler         TEXT,
    scheduler       TEXT,
    denoise         REAL,
    count           INTEGER,
    seed_mode       TEXT NOT NULL CHECK (
        seed_mode IN ('randomize', 'increment', 'decrement', 'fixed')
    ),
    last_seed       INTEGER
) STRICT;

-- The queue's accounts: seconds served, divided by weight.
CREATE TABLE accounts (
    user INTEGER PRIMARY KEY,
    tag  REAL NOT NULL
) STRICT;

CREATE TABLE clock (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    level REAL NOT NULL
) STRICT;

CREATE TABLE costs (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    text TEXT NOT NULL  -- generation.queue.costs.CostModel.dump
) STRICT;
