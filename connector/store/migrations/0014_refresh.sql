-- How the access token of a transfer is renewed. Of tokens only their SHA-256 is here. The pair
-- that was given last is derived from the seed and the spent refresh token, so that the answer
-- can be given again to a partner that it did not reach.
CREATE TABLE refresh_token (
    transfer TEXT PRIMARY KEY,        -- transfer.pid
    refresh_hash BLOB NOT NULL,       -- of the refresh token that is good
    access_hash BLOB NOT NULL,        -- of the access token that it goes with
    spent_hash BLOB,                  -- of the refresh token before it
    spent_access_hash BLOB,           -- of the access token that went with that
    seed BLOB,
    rotated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX refresh_token_hash ON refresh_token (refresh_hash);
CREATE INDEX refresh_token_spent ON refresh_token (spent_hash) WHERE spent_hash IS NOT NULL;

-- Of tokens that we were given: how they are renewed (empty: not), and from when on they should be.
ALTER TABLE access_grant ADD COLUMN refresh_token TEXT NOT NULL DEFAULT '';
ALTER TABLE access_grant ADD COLUMN refresh_endpoint TEXT NOT NULL DEFAULT '';
ALTER TABLE access_grant ADD COLUMN refresh_audience TEXT NOT NULL DEFAULT '';
ALTER TABLE access_grant ADD COLUMN renew_at INTEGER NOT NULL DEFAULT 0;
UPDATE access_grant SET renew_at = expires_at - 20000;
