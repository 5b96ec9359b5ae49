-- Rows of an unfinished document that repeat what is known already; gone when it is taken.
CREATE TABLE sighting (
    document INTEGER NOT NULL,
    key TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (document, key)
) WITHOUT ROWID;
