"""Finds out why an exchange does not work: looks at everything on the way, in order."""
