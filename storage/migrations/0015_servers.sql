-- What a server's admins decided, a rule about a subject (a role, a person, a channel, a word, "")
-- with its value as JSON; a rule that is not here is as usual.
CREATE TABLE server_rules (
    guild   INTEGER NOT NULL,
    rule    TEXT NOT NULL,
    subject TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (guild, rule, subject)
) STRICT, WITHOUT ROWID;

-- What admins and moderators did: each change of a rule, and what was done to other people's things.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    guild   INTEGER NOT NULL,
    at      REAL NOT NULL,  -- Unix time
    by      INTEGER,  -- NULL: somebody whose data was erased
    act     TEXT NOT NULL,  -- the rule, or what else was done
    subject TEXT NOT NULL,
    person  INTEGER,  -- whom it concerns
    before  TEXT,  -- JSON; NULL: as usual
    after   TEXT
) STRICT;
CREATE INDEX audit_of_guild ON audit (guild, id);

-- What somebody has asked for since an instant.
CREATE INDEX requests_of_owner_since ON requests (owner, created);
