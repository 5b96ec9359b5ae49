"""How the page writes a goal: also that it was missed."""

from __future__ import annotations


def goal(words: str, *, met: bool) -> str:
    """Return the goal as it stands in its column."""
    return words if met else f"{words} **missed**"
