-- In which language a person reads: what Discord told of theirs when they last asked for something,
-- and what they chose instead.  Both are locales as Discord names them.
CREATE TABLE locales (
    user INTEGER PRIMARY KEY,
    heard TEXT,
    chosen TEXT
) STRICT;
