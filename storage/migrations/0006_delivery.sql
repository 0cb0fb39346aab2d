-- The message or interaction that asked.  Discord can say the same thing twice; it is one request.
ALTER TABLE requests ADD COLUMN source INTEGER;
CREATE UNIQUE INDEX requests_by_source ON requests (source) WHERE source IS NOT NULL;

-- `message` is noted as soon as it is posted; `open` stays 1 until the progress message is gone.
ALTER TABLE outbox ADD COLUMN shown_in INTEGER;  -- the channel of `message`
ALTER TABLE outbox ADD COLUMN direct INTEGER;  -- the direct messages in which it was tried
ALTER TABLE outbox ADD COLUMN held TEXT;  -- why no place takes it; NULL: it is on its way
ALTER TABLE outbox ADD COLUMN held_at REAL;
ALTER TABLE outbox ADD COLUMN again_at REAL;  -- when it is tried again, if nothing happens before
ALTER TABLE outbox ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;  -- how often it was held
CREATE INDEX outbox_held ON outbox (again_at) WHERE open = 1 AND held IS NOT NULL;
