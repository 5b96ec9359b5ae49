"""Submodel values: what an access grant opens in the end."""
