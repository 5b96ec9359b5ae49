"""Room ``twin``: the part that facts are about, its ids, and the aspects that hang on it."""
