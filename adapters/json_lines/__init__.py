"""JSON from a drop folder: one object on each line, or lists within one document."""
