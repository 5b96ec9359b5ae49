"""What every part of reading a mapping needs: the notes, what was said, and wanted forms."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz, process

from connector.aspect.mapping.definition import Number
from connector.aspect.mapping.tree import Branch, Leaf, Notes, Series, Tree

SPELT_LIKE_PERCENT = 70


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the known word that is spelt most like the given one; empty where none is."""
    found = process.extractOne(
        word, known, scorer=fuzz.ratio, processor=str.lower, score_cutoff=SPELT_LIKE_PERCENT
    )
    return str(found[0]) if found else ""


class Reading:
    """What reading one mapping file needs to know everywhere: notes, numbers, tables, zone."""

    def __init__(self, notes: Notes) -> None:
        """Start with the notes to write mistakes into, and everything else unsaid."""
        self.notes = notes
        self.number = Number(".")
        self.time_zone = ""
        self.tables: tuple[str, ...] = ()

    def unknown(self, line: int, word: str, known: tuple[str, ...]) -> None:
        """Note a word that the language does not have here."""
        near = nearest(word, known)
        if near:
            self.notes.add("aspect:mapping_word_misspelt", line, word=word, nearest=near)
        else:
            self.notes.add("aspect:mapping_word_unknown", line, word=word, known=", ".join(known))

    def only(self, branch: Branch, known: tuple[str, ...]) -> None:
        """Note every word of a branch that is not known here."""
        for entry in branch.entries:
            if entry.name not in known:
                self.unknown(entry.line, entry.name, known)

    def text(self, tree: Tree | None, word: str) -> str:
        """Return a text, or note that one is wanted and return none."""
        if isinstance(tree, Leaf) and not tree.is_empty:
            return tree.text
        if tree is not None:
            self.notes.add("aspect:mapping_text_wanted", tree.line, word=word)
        return ""

    def wanted_text(self, branch: Branch, word: str) -> str:
        """Return the text under a word that must be there."""
        if branch.get(word) is None:
            self.missing(branch.line, word)
        return self.text(branch.get(word), word)

    def missing(self, line: int, word: str) -> None:
        """Note that a word is missing."""
        self.notes.add("aspect:mapping_word_missing", line, word=word)

    def wanted(self, branch: Branch, words: tuple[str, ...], known: tuple[str, ...]) -> None:
        """Note every word that is missing, unless a misspelt one stands in its place."""
        misspelt = {nearest(name, known) for name in branch.names if name not in known}
        for word in words:
            if word not in branch.names and word not in misspelt:
                self.missing(branch.line, word)

    def branch(self, tree: Tree | None, word: str, known: tuple[str, ...]) -> Branch | None:
        """Return a map of known words, or note what is wrong with it."""
        if not isinstance(tree, Branch):
            if tree is not None:
                said = ", ".join(known)
                self.notes.add("aspect:mapping_words_wanted", tree.line, word=word, known=said)
            return None
        self.only(tree, known)
        return tree

    def flag(self, tree: Tree | None, word: str) -> bool:
        """Return true or false; absent is false."""
        if tree is None:
            return False
        value = tree.value if isinstance(tree, Leaf) else None
        if not isinstance(value, bool):
            self.notes.add("aspect:mapping_flag_wanted", tree.line, word=word)
        return value is True

    def whole(self, tree: Tree | None, word: str) -> int:
        """Return a whole number; absent is 0."""
        value = tree.value if isinstance(tree, Leaf) else None
        if tree is not None and (not isinstance(value, int) or isinstance(value, bool)):
            self.notes.add("aspect:mapping_whole_wanted", tree.line, word=word)
        return value if isinstance(value, int) else 0

    def texts(self, tree: Tree | None, word: str) -> frozenset[str]:
        """Return a set of texts, written as a list or as a single text."""
        items = tree.items if isinstance(tree, Series) else (tree,) if tree else ()
        return frozenset(filter(None, (self.text(item, word) for item in items)))
