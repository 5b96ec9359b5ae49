"""Room ``record``: what a source system said, how far it was read, and what was kept back."""
