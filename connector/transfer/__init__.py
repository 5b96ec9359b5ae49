"""The data changing hands: how an agreement becomes access, in both roles."""
