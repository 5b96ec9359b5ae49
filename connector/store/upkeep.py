"""When the log of changes is carried over into the store's file, and by whom.

Left to itself SQLite has it done by whoever commits next: a message that a partner waits
for, or intake while it holds the turn that such a message waits for. Here a patient writer
does it, between its turns.
"""

from __future__ import annotations

CHECKPOINT_PAGES = 8000
# What a commit writes can only be guessed: so many pages, and one for so many changed rows.
_COMMIT_PAGES = 10
_CHANGES_OF_PAGE = 12


class Upkeep:
    """Guesses how long the log is; told of every commit, by any thread."""

    def __init__(self) -> None:
        """Begin with an empty log."""
        self._pages = 0

    def note(self, changes: int) -> None:
        """Take note of a commit of so many changed rows."""
        self._pages += _COMMIT_PAGES + changes // _CHANGES_OF_PAGE

    def is_due(self) -> bool:
        """Say whether the log is long enough."""
        return self._pages >= CHECKPOINT_PAGES

    def done(self) -> None:
        """Begin to guess anew."""
        self._pages = 0
