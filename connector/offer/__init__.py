"""What a partner may ask for, and under which policy."""
