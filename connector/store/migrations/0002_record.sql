CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    feed TEXT NOT NULL,
    name TEXT NOT NULL,               -- file name, or topic of a stream
    fingerprint TEXT NOT NULL,        -- name and content; of a stream its name
    header BLOB NOT NULL,             -- JSON list of column names
    state TEXT NOT NULL CHECK (state IN ('reading', 'taken', 'failed')),
    rows INTEGER NOT NULL DEFAULT 0,  -- rows taken so far: the checkpoint
    records INTEGER NOT NULL DEFAULT 0, -- records that came of them
    first_record INTEGER,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    UNIQUE (feed, fingerprint)
);

CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,                -- feed and key values: near keys lie near each other
    revision INTEGER NOT NULL,
    document INTEGER NOT NULL REFERENCES document (id),
    position INTEGER NOT NULL,        -- first row in the document, 1-based
    positions BLOB,                   -- JSON list, where the record is a group of rows
    content BLOB NOT NULL,            -- JSON list of rows, each a list of cells
    UNIQUE (key, revision)
);

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    feed TEXT NOT NULL,
    source TEXT NOT NULL,
    position INTEGER,                 -- row in the source; NULL where the whole document is meant
    record INTEGER REFERENCES record (id),
    raw BLOB,                         -- what was unreadable, shortened
    findings BLOB NOT NULL,           -- JSON
    awaits BLOB,                      -- digest of the identity that must exist first
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'superseded')),
    at INTEGER NOT NULL,
    closed_at INTEGER
);
CREATE INDEX quarantine_record ON quarantine (record);
CREATE INDEX quarantine_open ON quarantine (feed, id) WHERE state = 'open';
CREATE INDEX quarantine_awaits ON quarantine (awaits) WHERE state = 'open' AND awaits IS NOT NULL;
