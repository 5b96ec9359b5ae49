-- Twins of one audience in order, for a partner that pages through what it may see.
CREATE INDEX exposure_audience ON exposure (audience, twin);

-- Which rules the exposures follow. After a change of rules, twins up to `target` are worked
-- out anew; `done` is the last of them that has been.
CREATE TABLE published (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    fingerprint TEXT NOT NULL,
    target INTEGER NOT NULL,
    done INTEGER NOT NULL
);

-- Who read what, when: one row per answer that held data.
CREATE TABLE access_log (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,              -- milliseconds since 1970, UTC
    partner TEXT NOT NULL,            -- BPNL that the partner's credentials attested
    agreement TEXT NOT NULL,
    transfer TEXT NOT NULL,           -- process under which access was granted
    action TEXT NOT NULL,             -- noun.past_participle
    subject TEXT NOT NULL             -- global asset id, or id of the shell
);
CREATE INDEX access_log_partner ON access_log (partner, at);
