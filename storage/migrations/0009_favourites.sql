-- Whose favourite which picture is.
CREATE TABLE favourites (
    person  INTEGER NOT NULL,
    picture INTEGER NOT NULL REFERENCES pictures (id),
    since   REAL NOT NULL,  -- Unix time
    PRIMARY KEY (person, picture)
) STRICT, WITHOUT ROWID;
CREATE INDEX favourites_by_picture ON favourites (picture);
