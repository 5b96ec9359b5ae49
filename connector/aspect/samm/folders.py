"""Find the element that a URN names in folder trees ``<namespace>/<version>/*.ttl``.

Elements are looked for by the URN that is used, never by a declared prefix: published models
declare prefixes of models that do not exist. An earlier tree wins over a later one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from connector.aspect.samm.turtle import Facts, Literal, Node, TurtleFile, is_blank, read_turtle
from connector.aspect.samm.vocabulary import BUILT_IN_PROPERTIES, TYPE, entity_urn, local_name
from connector.errors import SetupError

_ELEMENT = re.compile(r"urn:samm:([\w\-]+(?:\.[\w\-]+)*):(\d+\.\d+\.\d+)#([\w\-]+)")
_FILES_KEPT_MAX = 64


@dataclass(frozen=True, slots=True)
class Element:
    """A subject and what its file says about it."""

    node: str
    facts: Facts
    file: TurtleFile

    @property
    def urn(self) -> str:
        """Its URN, empty for an anonymous element."""
        return "" if is_blank(self.node) else self.node

    @property
    def name(self) -> str:
        """Its local name, empty for an anonymous element."""
        return local_name(self.urn)

    @property
    def types(self) -> frozenset[Node]:
        """The terms or URNs that it is declared to be."""
        return frozenset(self.facts.get(TYPE, ()))

    def one(self, predicate: str) -> Node | None:
        """Return the first value of a predicate, if there is any."""
        values = self.facts.get(predicate)
        return values[0] if values else None

    def needed(self, predicate: str) -> Node:
        """Return the first value of a predicate; raise `SetupError` where it is missing."""
        value = self.one(predicate)
        if value is None:
            raise SetupError(
                "aspect:model_statement_missing",
                element=self.urn or "[]",
                predicate=predicate,
                file=self.file.path,
            )
        return value

    def text(self, predicate: str) -> str:
        """Return the English text of a predicate, empty if there is none."""
        for value in self.facts.get(predicate, ()):
            if isinstance(value, Literal) and value.language in ("en", ""):
                return value.text
        return ""

    def flag(self, predicate: str) -> bool:
        """Return a boolean statement, False where it is not made."""
        value = self.one(predicate)
        return isinstance(value, Literal) and value.text in ("true", "1")

    def items(self, predicate: str) -> list[Node]:
        """Return the members of the RDF list that a predicate names."""
        head = self.one(predicate)
        return [] if head is None else self.file.items(head)


class ModelFolders:
    """The Turtle files of several folder trees, those in use parsed once."""

    def __init__(self, roots: Sequence[Path]) -> None:
        """Take the trees, the one that wins first."""
        self.roots = tuple(roots)
        self.read = lru_cache(maxsize=_FILES_KEPT_MAX)(read_turtle)

    def element(self, urn: str, used_in: TurtleFile | None = None) -> Element:
        """Return the element of a URN, as its own file or the using file defines it.

        Raises:
            SetupError: no file of any tree defines it, or a file cannot be read.

        """
        for file in self._candidates(urn, used_in):
            facts = file.subjects.get(urn)
            if facts and TYPE in facts:
                return Element(urn, facts, file)
        where = _ELEMENT.fullmatch(urn)
        raise SetupError(
            "aspect:model_element_missing",
            element=urn,
            file=used_in.path if used_in else "-",
            folder=f"{where[1]}/{where[2]}" if where else "-",
            roots=", ".join(str(root) for root in self.roots),
        )

    def _candidates(self, urn: str, used_in: TurtleFile | None) -> Iterator[TurtleFile]:
        if used_in:
            yield used_in
        if where := _ELEMENT.fullmatch(urn):
            for path in self._paths(where[1], where[2], where[3]):
                yield self.read(path)

    def _paths(self, namespace: str, version: str, name: str) -> Iterator[Path]:
        for root in self.roots:
            folder = root / namespace / version
            namesake = folder / f"{name}.ttl"
            if namesake.is_file():
                yield namesake
            yield from (path for path in sorted(folder.glob("*.ttl")) if path != namesake)


class Lookup:
    """The elements that one model uses, and the files that they were found in."""

    def __init__(self, folders: ModelFolders) -> None:
        """Take the folders to look in."""
        self._folders = folders
        self._files: dict[TurtleFile, None] = {}

    @property
    def files(self) -> tuple[TurtleFile, ...]:
        """The files met so far, in the order of meeting."""
        return tuple(self._files)

    def element(self, node: str, used_in: TurtleFile | None = None) -> Element:
        """Return the element of a URN, or of an anonymous node of the using file.

        Raises:
            SetupError: no file of any tree defines it, or a file cannot be read.

        """
        if used_in and is_blank(node):
            return Element(node, used_in.subjects.get(node, {}), used_in)
        if used_in and (built_in := BUILT_IN_PROPERTIES.get(node)):
            facts: Facts = {predicate: [value] for predicate, value in built_in.items()}
            return Element(entity_urn(node.partition(":")[2]), facts, used_in)
        found = self._folders.element(node, used_in)
        self._files[found.file] = None
        return found
