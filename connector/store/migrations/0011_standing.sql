-- What a partner's verified credentials attested when access was granted under a transfer, so
-- that reads are decided by the policy and not by the token alone. Gone when the transfer ends.
CREATE TABLE standing (
    transfer TEXT PRIMARY KEY,        -- transfer.pid
    credentials BLOB NOT NULL         -- JSON: type, subject, issuer, expires_at, statuses
) WITHOUT ROWID;

-- The tokens that are good at a moment, for whoever looks at all open access.
CREATE INDEX access_token_expires ON access_token (expires_at) WHERE revoked_at IS NULL;
