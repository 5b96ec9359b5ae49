"""What runs Eslabón elsewhere: the demo, and later containers and charts."""
