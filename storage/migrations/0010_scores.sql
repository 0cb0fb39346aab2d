-- How well the words fit a picture, and by what that was told: NULL where nobody asked for the best
-- of several.  A request for that says the scorer, as JSON: its name and sha256.
ALTER TABLE requests ADD COLUMN scorer TEXT;
ALTER TABLE pictures ADD COLUMN score REAL;
ALTER TABLE pictures ADD COLUMN scorer TEXT;
