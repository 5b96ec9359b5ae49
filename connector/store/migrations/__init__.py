"""Numbered SQL; the schema is the sum of these files, applied in order and never edited."""
