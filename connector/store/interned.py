"""Words that recur in a million rows, stored once and named by a number."""

from __future__ import annotations

from connector.store.database import Database


class Words:
    """Numbers for the words of one kind; keeps what it has seen, so a lookup is rare.

    A number that was handed out in a transaction that then failed is forgotten by calling
    `reset`.
    """

    def __init__(self, kind: str) -> None:
        """Take the kind of word, such as ``semantic_id``."""
        self._kind = kind
        self._numbers: dict[str, int] = {}
        self._words: dict[int, str] = {}

    def number(self, tx: Database, word: str) -> int:
        """Return the number of a word, giving it one inside the caller's transaction."""
        known = self._numbers.get(word)
        if known is None:
            tx.execute(
                "INSERT OR IGNORE INTO interned (kind, value) VALUES (?,?)", (self._kind, word)
            )
            known = self.find(tx, word) or 0
        return known

    def find(self, db: Database, word: str) -> int | None:
        """Return the number of a word, or None when it was never stored."""
        if word not in self._numbers:
            row = db.row(
                "SELECT id FROM interned WHERE kind = ? AND value = ?", (self._kind, word)
            )
            if row is None:
                return None
            self._remember(row[0], word)
        return self._numbers[word]

    def word(self, db: Database, number: int) -> str:
        """Return the word of a number."""
        if number not in self._words:
            row = db.row("SELECT value FROM interned WHERE id = ?", (number,))
            self._remember(number, row[0] if row else "")
        return self._words[number]

    def reset(self) -> None:
        """Forget all that was remembered; the store is asked again."""
        self._numbers.clear()
        self._words.clear()

    def _remember(self, number: int, word: str) -> None:
        self._numbers[word] = number
        self._words[number] = word
