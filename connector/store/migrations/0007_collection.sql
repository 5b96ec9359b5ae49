-- A walk over a partner's parts, and every place in the bill of materials that it reached.
CREATE TABLE collection (
    id TEXT PRIMARY KEY,
    request BLOB NOT NULL,            -- JSON, see collection.table
    state TEXT NOT NULL CHECK (state IN ('running', 'complete', 'failed')),
    failure BLOB,                     -- JSON finding
    started_at INTEGER NOT NULL,
    finished_at INTEGER
);
CREATE TABLE node (
    id INTEGER PRIMARY KEY,
    collection TEXT NOT NULL REFERENCES collection (id),
    parent INTEGER REFERENCES node (id),
    depth INTEGER NOT NULL,
    partner TEXT NOT NULL,            -- BPNL
    global_asset_id TEXT NOT NULL,    -- '' for a root that is named by other keys
    quantity REAL,
    unit TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'tombstone')),
    step TEXT NOT NULL DEFAULT '',    -- where a tombstone failed
    reason TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    part BLOB                         -- JSON, what is known of the part
);
CREATE INDEX node_open ON node (collection, id) WHERE state = 'open';
CREATE INDEX node_collection ON node (collection, id);

-- Aspects of a node that could not be had, while others could.
CREATE TABLE gap (
    node INTEGER NOT NULL REFERENCES node (id),
    aspect TEXT NOT NULL,
    step TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (node, aspect, step)
) WITHOUT ROWID;
