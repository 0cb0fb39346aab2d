-- Out of whose part of the device a request is paid (generation.job.Share), and what that costs.

ALTER TABLE requests ADD COLUMN share_group TEXT NOT NULL DEFAULT 'direct';
ALTER TABLE requests ADD COLUMN group_weight REAL NOT NULL DEFAULT 1.0;
ALTER TABLE requests ADD COLUMN weight REAL NOT NULL DEFAULT 1.0;
UPDATE requests SET share_group = CASE
    WHEN guild IS NOT NULL THEN 'guild ' || guild
    WHEN owner = 0 THEN 'console'
    ELSE 'direct'
END WHERE guild IS NOT NULL OR owner = 0;

-- The lease: `seat` draws it under this epoch, and a report under an earlier one changes nothing.
ALTER TABLE tickets ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tickets ADD COLUMN seat TEXT;
ALTER TABLE tickets ADD COLUMN started_at REAL;  -- for the first time
CREATE INDEX tickets_started ON tickets (started_at) WHERE started_at IS NOT NULL;

-- 0: the file was let go for its age; the recipe draws it again.
ALTER TABLE pictures ADD COLUMN kept INTEGER NOT NULL DEFAULT 1 CHECK (kept IN (0, 1));
CREATE INDEX pictures_kept ON pictures (drawn_at) WHERE kept = 1 AND deleted = 0;

-- The accounts of before were one per person, against one clock.  Whoever owed owes it where they
-- asked last.
ALTER TABLE accounts RENAME TO accounts_before;
CREATE TABLE accounts (
    share_group  TEXT NOT NULL,
    user         INTEGER NOT NULL,
    tag          REAL NOT NULL,  -- seconds served, divided by weight, on the group's clock
    weight       REAL NOT NULL,
    group_weight REAL NOT NULL,
    PRIMARY KEY (share_group, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE share_groups (
    name  TEXT PRIMARY KEY,
    clock REAL NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO accounts
    SELECT coalesce(
        (SELECT share_group FROM requests WHERE owner = user ORDER BY id DESC LIMIT 1), 'direct'
    ), user, tag, 1.0, 1.0
    FROM accounts_before;
INSERT INTO share_groups SELECT DISTINCT share_group, level FROM accounts, clock;
DROP TABLE accounts_before;
DROP TABLE clock;

-- Who was given how much of the device, added up over ten minutes.
CREATE TABLE served (
    bucket       INTEGER NOT NULL,  -- Unix seconds at which the ten minutes begin
    share_group  TEXT NOT NULL,
    user         INTEGER NOT NULL,
    seconds      REAL NOT NULL,
    swap_seconds REAL NOT NULL,  -- of these: weights moved in and out
    PRIMARY KEY (bucket, share_group, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE promises (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    text TEXT NOT NULL  -- generation.queue.forecast.Promises.dump
) STRICT;

-- Jobs that were being drawn or stored when the accounts were saved, and whether the accounts say
-- so: what a crash makes of them decides whether their seconds are owed.
CREATE TABLE unsettled (
    job     INTEGER PRIMARY KEY,  -- a ticket's id
    seconds REAL NOT NULL,
    charged INTEGER NOT NULL CHECK (charged IN (0, 1))
) STRICT;
