"""Wiring and lifetime: the only place that knows every concrete class."""
