"""A tree as single statements: N-Quads, and what a graph is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from connector.aspect.rdf.terms import (
    FIRST,
    NIL,
    NULL,
    REST,
    STRING,
    TYPE,
    Items,
    Literal,
    Null,
    Resource,
    Term,
    Texts,
    single,
)

Statement = tuple[str, str, str | Literal]

_ESCAPED = re.compile(r'[\x00-\x1f"\\\x7f]')
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def statements(root: Resource) -> Iterator[Statement]:
    """Yield subject, predicate and object; ``_:b0`` and so on are nodes without a name.

    The root is ``_:b0``, and the same tree always gives the same statements.
    """
    return _Statements().of("_:b0", root)


def nquads(root: Resource) -> Iterator[str]:
    """Yield one line per statement, all in the default graph (W3C RDF 1.1 N-Quads)."""
    for subject, predicate, value in statements(root):
        written = quoted(value) if isinstance(value, Literal) else _named(value)
        yield f"{_named(subject)} <{predicate}> {written} ."


def quoted(literal: Literal) -> str:
    """Return a literal as N-Quads and Turtle write it."""
    text = _ESCAPED.sub(_escape, literal.text)
    if literal.language:
        return f'"{text}"@{literal.language}'
    return f'"{text}"' if literal.datatype == STRING else f'"{text}"^^<{literal.datatype}>'


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04X}"


def _named(node: str) -> str:
    return node if node.startswith("_:") else f"<{node}>"


class _Statements:
    """The walk through one tree; it numbers the nodes as it meets them."""

    def __init__(self) -> None:
        self._number = count(1)

    def of(self, subject: str, resource: Resource) -> Iterator[Statement]:
        if resource.type:
            yield subject, TYPE, resource.type
        for predicate, term in resource.facts:
            yield from self._fact(subject, predicate, term)

    def _fact(self, subject: str, predicate: str, term: Term) -> Iterator[Statement]:
        if isinstance(term, Texts):
            for literal in term.literals:
                yield subject, predicate, literal
        elif isinstance(term, Literal):
            yield subject, predicate, term
        elif isinstance(term, Null):
            yield subject, predicate, NULL
        elif isinstance(term, Resource):
            node = self._node()
            yield subject, predicate, node
            yield from self.of(node, term)
        else:
            yield from self._items(subject, predicate, term)

    def _items(self, subject: str, predicate: str, items: Items) -> Iterator[Statement]:
        for term in items.terms:
            cell = self._node()
            yield subject, predicate, cell
            yield from self._fact(cell, FIRST, single(term))
            subject, predicate = cell, REST
        yield subject, predicate, NIL

    def _node(self) -> str:
        return f"_:b{next(self._number)}"
