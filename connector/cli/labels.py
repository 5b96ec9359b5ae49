"""The short texts of the commands: labels, headings, help."""

from __future__ import annotations

from connector.texts import word


def label(key: str, language: str, **params: object) -> str:
    """Return a short text of the commands by a key that was put together."""
    return word(f"cli:{key}", language, **params)
