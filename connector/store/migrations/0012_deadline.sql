-- Who terminated a process: 'us', 'partner', or nobody yet (''). Of processes that ended before
-- this was noted it stays empty.
ALTER TABLE negotiation ADD COLUMN ended_by TEXT NOT NULL DEFAULT '';
ALTER TABLE transfer ADD COLUMN ended_by TEXT NOT NULL DEFAULT '';

-- Processes in which nothing is on its way, oldest first: one of them may have to be ended.
CREATE INDEX negotiation_waiting ON negotiation (state, updated_at)
    WHERE heading IS NULL AND state NOT IN ('FINALIZED', 'TERMINATED');
CREATE INDEX transfer_waiting ON transfer (state, updated_at)
    WHERE heading IS NULL AND state NOT IN ('COMPLETED', 'TERMINATED');

-- Ended processes whose messages are still kept, oldest first.
CREATE INDEX negotiation_kept ON negotiation (updated_at)
    WHERE heading IS NULL AND state IN ('FINALIZED', 'TERMINATED')
        AND (received IS NOT NULL OR sent IS NOT NULL);
CREATE INDEX transfer_kept ON transfer (updated_at)
    WHERE heading IS NULL AND state IN ('COMPLETED', 'TERMINATED')
        AND (received IS NOT NULL OR sent IS NOT NULL);

-- How many transfers a partner has open.
CREATE INDEX transfer_open ON transfer (partner)
    WHERE coalesce(state, 'REQUESTED') NOT IN ('COMPLETED', 'TERMINATED');
