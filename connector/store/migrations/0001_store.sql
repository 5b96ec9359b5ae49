-- What happened, in order. Doors read it as their queue: see cursor.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,              -- milliseconds since 1970, UTC
    event TEXT NOT NULL,              -- noun.past_participle
    first INTEGER,                    -- first and last row that the line is about
    last INTEGER,
    subject TEXT,                     -- what it is about where that is no row range
    detail TEXT                       -- JSON
);
CREATE INDEX journal_subject ON journal (subject) WHERE subject IS NOT NULL;
CREATE INDEX journal_event ON journal (event, first);

-- How far each door has come: all of the journal before `line`, and of `line` the rows to `done`.
CREATE TABLE cursor (
    door TEXT PRIMARY KEY,
    line INTEGER NOT NULL,
    done INTEGER
) WITHOUT ROWID;

-- Messages that we owe to partners.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    process TEXT NOT NULL,            -- pid of the process that the message belongs to
    message TEXT NOT NULL,            -- its type, as the specification spells it
    partner TEXT NOT NULL,            -- DID of the receiver
    url TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'owed' CHECK (state IN ('owed', 'sent', 'parked')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    error TEXT
);
CREATE INDEX outbox_owed ON outbox (next_at) WHERE state = 'owed';
CREATE INDEX outbox_process ON outbox (process);

CREATE TABLE interned (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (kind, value)
);
