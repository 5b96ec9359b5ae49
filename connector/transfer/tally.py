"""Counts what became of refreshes, since the start, for whoever shows figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


class Tally:
    """How often each role had each outcome."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, role: str, outcome: str) -> None:
        """Note one refresh: whether we gave or were given tokens, and what came of it."""
        self._counts[role, outcome] += 1

    def counts(self) -> Mapping[tuple[str, str], int]:
        """Return the figures by role and outcome."""
        return dict(self._counts)
