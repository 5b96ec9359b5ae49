-- Whether reads under a transfer need a proof by the partner that it was opened to.
ALTER TABLE transfer ADD COLUMN holder_bound INTEGER NOT NULL DEFAULT 0;
