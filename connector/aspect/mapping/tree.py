"""YAML read as a tree that remembers the line of everything that is written in it.

Only what a mapping needs is YAML here: maps, lists and scalars. Aliases are refused, since a
reader would have to follow them; a plain word is a number or a truth value only where JSON
says so too, so that the country ``NO`` stays a text and ``007`` keeps its zeros.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from connector.aspect.semantics import JsonScalar
from connector.errors import Finding, Location

TEXT_CHARACTERS_MAX = 1_000_000
DEPTH_MAX = 40

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,30})?([eE][+-]?\d{1,3})?")
_WORDS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar as it is written; ``quoted`` where it can be nothing but a text."""

    line: int
    text: str
    quoted: bool = False

    @property
    def value(self) -> JsonScalar:
        """The text, or the number or truth value that a plain word stands for."""
        if self.quoted:
            return self.text
        if _WHOLE.fullmatch(self.text):
            return int(self.text)
        if _NUMBER.fullmatch(self.text):
            return float(self.text)
        return _WORDS.get(self.text, self.text)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written, which is not the same as an empty text in quotes."""
        return not self.quoted and self.text in {"", "~", "null"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One named value of a branch."""

    line: int
    name: str
    value: Tree


@dataclass(frozen=True, slots=True)
class Branch:
    """A YAML map, in the order in which it is written."""

    line: int
    entries: tuple[Entry, ...]

    def get(self, name: str) -> Tree | None:
        """Return the value of that name, or None."""
        return next((e.value for e in self.entries if e.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names in order."""
        return tuple(e.name for e in self.entries)


@dataclass(frozen=True, slots=True)
class Series:
    """A YAML list."""

    line: int
    items: tuple[Tree, ...]


Tree = Leaf | Branch | Series


class Notes:
    """The mistakes found so far in one file."""

    def __init__(self, source: str) -> None:
        """Name the file that the mistakes are in."""
        self.source = source
        self.findings: list[Finding] = []

    def add(self, code: str, line: int, /, **params: object) -> None:
        """Note one mistake on a line."""
        self.findings.append(Finding(code, params, Location(self.source, row=line)))


def read_tree(text: str, notes: Notes) -> Tree | None:
    """Return the tree of a YAML text; None where it cannot be read, which is then noted."""
    if len(text) > TEXT_CHARACTERS_MAX:
        notes.add("aspect:mapping_too_large", 1, characters_max=TEXT_CHARACTERS_MAX)
        return None
    try:
        composer = _Composer(text)
        node = composer.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        if isinstance(error, _AliasError):
            notes.add("aspect:mapping_alias", line)
        else:
            notes.add("aspect:mapping_yaml", line, detail=error.problem or error.context)
        return None
    except yaml.YAMLError as error:
        notes.add("aspect:mapping_yaml", 1, detail=str(error).splitlines()[0])
        return None
    return _tree(node, notes) if node else Branch(1, ())


class _AliasError(yaml.composer.ComposerError):
    """An alias stands where a value should be."""


class _Composer(yaml.SafeLoader):
    """PyYAML's composer without aliases and with a floor to its depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node as PyYAML does, within our bounds."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark if isinstance(event.start_mark, yaml.Mark) else None
        if isinstance(event, yaml.AliasEvent):
            raise _AliasError(None, None, "alias", mark)
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise yaml.composer.ComposerError(None, None, f"deeper than {DEPTH_MAX}", mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _tree(node: yaml.Node, notes: Notes) -> Tree:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return Branch(line, _entries(node.value, notes))
    if isinstance(node, yaml.SequenceNode):
        return Series(line, tuple(_tree(item, notes) for item in node.value))
    return Leaf(line, str(node.value), quoted=getattr(node, "style", None) is not None)


def _entries(pairs: Sequence[tuple[yaml.Node, yaml.Node]], notes: Notes) -> tuple[Entry, ...]:
    entries: dict[str, Entry] = {}
    for key, value in pairs:
        line = key.start_mark.line + 1
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
        if not name:
            notes.add("aspect:mapping_key_unreadable", line)
        elif name in entries:
            notes.add("aspect:mapping_key_twice", line, word=name, first=entries[name].line)
        else:
            entries[name] = Entry(line, name, _tree(value, notes))
    return tuple(entries.values())
