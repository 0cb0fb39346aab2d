-- 1: judged to be not for everybody, and asked for where everybody looks: its owner's alone.
ALTER TABLE pictures ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0 CHECK (withheld IN (0, 1));
