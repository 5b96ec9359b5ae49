-- One payload that was derived from a record: every version stays.
CREATE TABLE aspect (
    id INTEGER PRIMARY KEY,
    record INTEGER NOT NULL,          -- record.id
    semantic INTEGER NOT NULL,        -- interned 'semantic_id'
    identity BLOB NOT NULL,           -- JSON, see aspect.table
    global_asset_id TEXT NOT NULL,
    payload BLOB NOT NULL             -- JSON as it is served
);
CREATE INDEX aspect_record ON aspect (record);

CREATE TABLE twin (
    id INTEGER PRIMARY KEY,
    global_asset_id TEXT NOT NULL,    -- as the source or we wrote it
    uuid BLOB NOT NULL UNIQUE,        -- 16 bytes of it, see twin.identity
    owner INTEGER,                    -- interned 'bpnl' of the partner it came from; NULL: ours
    twin_type INTEGER NOT NULL,       -- interned 'twin_type'
    manufacturer INTEGER,             -- interned 'bpnl'
    part TEXT NOT NULL DEFAULT '',    -- manufacturerPartId
    instance_name INTEGER,            -- interned 'instance_name': partInstanceId, batchId, jisNumber
    instance TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX twin_identity ON twin (part, instance, instance_name, twin_type, manufacturer)
    WHERE part <> '';
CREATE INDEX twin_owner ON twin (owner) WHERE owner IS NOT NULL;
CREATE INDEX twin_instance ON twin (instance) WHERE instance <> '';

-- Specific asset ids beyond the identity: customerPartId, van, parentOrderNumber ...
CREATE TABLE asset_id (
    twin INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name, value, twin)
) WITHOUT ROWID;
CREATE INDEX asset_id_twin ON asset_id (twin);

-- The current version of each aspect on a twin.
CREATE TABLE submodel (
    twin INTEGER NOT NULL,
    semantic INTEGER NOT NULL,
    aspect INTEGER NOT NULL,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (twin, semantic)
) WITHOUT ROWID;

-- Under which offers a twin is shared: an interned set of offer names.
CREATE TABLE audience (
    id INTEGER PRIMARY KEY,
    offers TEXT NOT NULL UNIQUE       -- JSON list, sorted
);
CREATE TABLE exposure (
    twin INTEGER PRIMARY KEY,
    audience INTEGER NOT NULL
);
