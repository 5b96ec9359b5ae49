-- Processes with partners. Of both kinds: state is what both sides know (NULL: nothing arrived
-- yet), heading where the message leads that we owe, owing that message's row in the outbox.
CREATE TABLE negotiation (
    pid TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('consumer', 'provider')),
    partner TEXT NOT NULL,            -- DID
    bpnl TEXT NOT NULL,
    url TEXT NOT NULL,                -- where the partner's side listens
    dataset TEXT NOT NULL,
    peer_pid TEXT NOT NULL DEFAULT '',
    state TEXT,
    heading TEXT,
    owing INTEGER,                    -- outbox.id
    reason TEXT NOT NULL DEFAULT '',
    digest BLOB NOT NULL,             -- of the last message received
    received BLOB,                    -- that message, secrets blanked
    sent BLOB,                        -- the last message that we owed, secrets blanked
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    offer TEXT NOT NULL,
    policy BLOB NOT NULL,             -- JSON
    agreement TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX negotiation_peer ON negotiation (partner, peer_pid, role) WHERE peer_pid <> '';
CREATE INDEX negotiation_undecided ON negotiation (partner, dataset, role)
    WHERE coalesce(state, 'REQUESTED') NOT IN ('FINALIZED', 'TERMINATED');

CREATE TABLE agreement (
    role TEXT NOT NULL,               -- our role in it
    partner TEXT NOT NULL,            -- DID of the other side
    id TEXT NOT NULL,                 -- given by the provider: unique only per partner
    negotiation TEXT NOT NULL,        -- negotiation.pid; valid once that is FINALIZED
    dataset TEXT NOT NULL,
    assigner TEXT NOT NULL,
    assignee TEXT NOT NULL,
    policy BLOB NOT NULL,             -- JSON
    signed_at INTEGER NOT NULL,
    retired_at INTEGER,               -- the provider no longer honours it, or we no longer ask
    PRIMARY KEY (role, partner, id)
) WITHOUT ROWID;
CREATE INDEX agreement_dataset ON agreement (partner, dataset, role);

CREATE TABLE transfer (
    pid TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('consumer', 'provider')),
    partner TEXT NOT NULL,
    bpnl TEXT NOT NULL,
    url TEXT NOT NULL,
    dataset TEXT NOT NULL,
    peer_pid TEXT NOT NULL DEFAULT '',
    state TEXT,
    heading TEXT,
    owing INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    digest BLOB NOT NULL,
    received BLOB,
    sent BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    agreement TEXT NOT NULL,
    format TEXT NOT NULL,
    endpoint TEXT NOT NULL
);
CREATE UNIQUE INDEX transfer_peer ON transfer (partner, peer_pid, role) WHERE peer_pid <> '';
CREATE INDEX transfer_undecided ON transfer (partner, dataset, role)
    WHERE coalesce(state, 'REQUESTED') = 'REQUESTED';
CREATE INDEX transfer_agreement ON transfer (agreement);

-- Tokens that we gave out. The token itself is nowhere but in the message that brings it.
CREATE TABLE access_token (
    token_hash BLOB PRIMARY KEY,      -- SHA-256 of the token
    transfer TEXT NOT NULL,           -- transfer.pid
    agreement TEXT NOT NULL,
    dataset TEXT NOT NULL,
    partner_did TEXT NOT NULL,
    partner_bpnl TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;
CREATE INDEX access_token_transfer ON access_token (transfer);

-- Tokens that we were given.
CREATE TABLE access_grant (
    transfer TEXT PRIMARY KEY,        -- transfer.pid; usable while that is STARTED
    partner TEXT NOT NULL,
    dataset TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    token TEXT NOT NULL,
    agreement TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_grant_dataset ON access_grant (partner, dataset, expires_at);

-- Which dataset of a partner answered to a description, so that the catalog is read once.
CREATE TABLE sought (
    partner TEXT NOT NULL,
    selector TEXT NOT NULL,
    dataset TEXT NOT NULL,
    PRIMARY KEY (partner, selector)
) WITHOUT ROWID;
