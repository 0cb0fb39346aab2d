-- The commands that Discord was told of: for the application as a whole (guild 0) or for one server,
-- by what they were (a digest) and what Discord called them then (their ids and versions, as JSON).
CREATE TABLE synced_commands (
    application INTEGER NOT NULL,
    guild INTEGER NOT NULL,
    digest TEXT NOT NULL,
    versions TEXT NOT NULL,
    PRIMARY KEY (application, guild)
) STRICT, WITHOUT ROWID;
