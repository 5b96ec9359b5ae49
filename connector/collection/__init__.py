"""Room ``collection``: the walk of the one who asks, from a partner's part to its leaves."""
