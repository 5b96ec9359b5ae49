"""Asset Administration Shell interfaces: the registry that we serve, and those that we ask."""
