"""Adapters: one folder for each kind of source that a supplier already has."""
