-- Asked for one person alone: shown in an answer that nobody else sees, until they share it.
ALTER TABLE requests ADD COLUMN private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
