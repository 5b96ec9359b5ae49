"""The loops: take records in, move them along, and send what we owe."""
