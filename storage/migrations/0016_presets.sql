-- What is liked where a wish says nothing: by a person, in a channel, on a server.  The text is
-- storage.people.Preferences as JSON, in which what nobody chose is absent.
CREATE TABLE settings (
    level TEXT NOT NULL CHECK (level IN ('person', 'channel', 'server')),
    id    INTEGER NOT NULL,  -- of the person, the channel, the server
    text  TEXT NOT NULL,
    PRIMARY KEY (level, id)
) STRICT, WITHOUT ROWID;

-- 'randomize' stood there for whoever had chosen nothing.
INSERT INTO settings
SELECT 'person', user, json_patch('{}', json_object(
    'model', model, 'negative_prompt', negative_prompt, 'width', width, 'height', height,
    'steps', steps, 'cfg', cfg, 'sampler', sampler, 'scheduler', scheduler, 'denoise', denoise,
    'count', count, 'seed_mode', nullif(seed_mode, 'randomize'), 'assist', assist,
    'style', style, 'vae', vae
)) FROM preferences;

-- From which seed a person's next one is counted, in each place.
CREATE TABLE last_seeds (
    person  INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    seed    INTEGER NOT NULL,
    PRIMARY KEY (person, channel)
) STRICT, WITHOUT ROWID;

-- The one of before was that of the newest request.
INSERT INTO last_seeds
SELECT user, (SELECT channel FROM requests WHERE owner = user ORDER BY id DESC LIMIT 1), last_seed
FROM preferences
WHERE last_seed IS NOT NULL AND user IN (SELECT owner FROM requests);

DROP TABLE preferences;

-- Presets by name; `folded` is the name in which case does not matter.
CREATE TABLE presets (
    level  TEXT NOT NULL CHECK (level IN ('person', 'channel', 'server')),
    id     INTEGER NOT NULL,
    folded TEXT NOT NULL,
    name   TEXT NOT NULL,
    text   TEXT NOT NULL,  -- bot.studio.saved_drafts.SavedDraft as JSON
    author INTEGER NOT NULL,
    saved  REAL NOT NULL,
    PRIMARY KEY (level, id, folded)
) STRICT, WITHOUT ROWID;
CREATE INDEX presets_of_author ON presets (author);

-- Which preset a person draws with in a channel until they say otherwise.
CREATE TABLE standing_presets (
    person  INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    level   TEXT NOT NULL,
    id      INTEGER NOT NULL,
    folded  TEXT NOT NULL,
    PRIMARY KEY (person, channel)
) STRICT, WITHOUT ROWID;
