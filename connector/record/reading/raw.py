"""Text as it came, fit to be kept and shown beside the reason why it was refused."""

from __future__ import annotations

RAW_CHARACTERS_MAX = 2000


def shortened(raw: bytes | str) -> str:
    """Return what came as text, cut where it is too long to keep, unreadable bytes shown."""
    text = raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
    # JSON may hold halves of characters, which neither store nor terminal can take.
    text = text.encode("utf-8", "backslashreplace").decode()
    if len(text) <= RAW_CHARACTERS_MAX:
        return text
    return f"{text[:RAW_CHARACTERS_MAX]}… (+{len(text) - RAW_CHARACTERS_MAX})"
