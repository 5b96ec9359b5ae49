"""The operator's side: what a running connector tells and does for those who run it."""
