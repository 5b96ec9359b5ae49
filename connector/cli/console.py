"""The terminal as Rich sees it; output into a file or pipe gets room enough not to be torn."""

from __future__ import annotations

from rich.console import Console

PIPE_COLUMNS = 160


def console() -> Console:
    """Return where answers go: standard output, as wide as it is, or wide where nobody looks."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=PIPE_COLUMNS)
