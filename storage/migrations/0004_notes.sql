-- What is said beside a request's pictures: sentences, as a JSON list.
ALTER TABLE requests ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
