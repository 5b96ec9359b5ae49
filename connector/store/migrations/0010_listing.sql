-- What a directory of the data space said last: the DIDs of legal entities, by BPNL.
CREATE TABLE listing (
    source TEXT PRIMARY KEY,          -- address of the directory
    fetched_at INTEGER NOT NULL,
    dids BLOB NOT NULL                -- JSON object: BPNL to DID
);
