"""The command line: thin commands, each a file named after it, imported when it is used."""
