"""The cellar: one database file, the journal of what happened, and the outbox of what we owe."""
