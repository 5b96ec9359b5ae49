-- Who read what, when: one row per answer that held data, each bound to all before it by its
-- hash. Rows of before this migration have none yet; the next start of the connector binds
-- them, and says so in a row of its own.
CREATE TABLE ledger (
    number INTEGER PRIMARY KEY,       -- 1, 2, 3 ... without a gap
    at INTEGER NOT NULL,              -- milliseconds since 1970, UTC
    partner TEXT NOT NULL,            -- BPNL that the partner's credentials attested; '': we
    agreement TEXT NOT NULL,
    transfer TEXT NOT NULL,           -- process under which access was granted
    action TEXT NOT NULL,             -- noun.past_participle
    subject TEXT NOT NULL,            -- global asset id, or what was asked for
    detail TEXT NOT NULL,             -- aspect model, part of the payload, number of results
    hash BLOB                         -- SHA-256 over the hash before and this row
);
INSERT INTO ledger
    SELECT row_number() OVER (ORDER BY id), at, partner, agreement, transfer, action, subject, '', NULL
    FROM access_log ORDER BY id;
DROP TABLE access_log;
CREATE INDEX ledger_partner ON ledger (partner, at);

-- Length and last hash of the ledger, signed from time to time with the connector's key.
CREATE TABLE ledger_head (
    number INTEGER PRIMARY KEY,       -- 1, 2, 3 ... without a gap
    rows INTEGER NOT NULL,
    at INTEGER NOT NULL,
    seal TEXT NOT NULL                -- compact JWS
);

-- Public keys that signed heads; the ledger itself names each when it is first used.
CREATE TABLE ledger_key (
    kid TEXT PRIMARY KEY,
    jwk TEXT NOT NULL
) WITHOUT ROWID;
