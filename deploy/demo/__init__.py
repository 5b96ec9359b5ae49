"""The demo: two companies and their dataspace authority, on one machine."""
