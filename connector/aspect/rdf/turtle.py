"""Write a tree as Turtle: nested as the payload is, with a prefix for every namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator

from connector.aspect.rdf.statements import quoted
from connector.aspect.rdf.terms import (
    BOOLEAN,
    INTEGER,
    NULL,
    RDF,
    SAMM,
    SAMM_C,
    STRING,
    XSD,
    Items,
    Literal,
    Null,
    Resource,
    Term,
    Texts,
    single,
)

_LOCAL = re.compile(r"(.*[#/])([A-Za-z_][A-Za-z0-9_]*)")
_VERSIONED = re.compile(r"urn:samm:[^:]*?([A-Za-z][A-Za-z0-9_]*):[^:]*#")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_INDENT = "  "


def turtle(root: Resource) -> str:
    """Return Turtle (W3C RDF 1.1 Turtle); literals stand as they are, nothing is rounded."""
    writer = _Writer()
    body = f"[]{writer.facts(root, 0)} .\n"
    return "\n".join([*writer.declared(), "", body])


class _Writer:
    """The writing of one document: the prefixes that it came to need."""

    def __init__(self) -> None:
        self._prefixes: dict[str, str] = {}

    def declared(self) -> Iterator[str]:
        for namespace, prefix in sorted(self._prefixes.items(), key=lambda pair: pair[1]):
            yield f"@prefix {prefix}: <{namespace}> ."

    def facts(self, resource: Resource, depth: int) -> str:
        types = [f"a {self._iri(resource.type)}"] if resource.type else []
        facts = [
            f"{self._iri(predicate)} {self._objects(term, depth + 1)}"
            for predicate, term in resource.facts
        ]
        lead = "\n" + _INDENT * (depth + 1)
        return "".join(
            (lead if each or depth else " ") + fact
            for each, fact in enumerate(_ended([*types, *facts]))
        )

    def _objects(self, term: Term, depth: int) -> str:
        if isinstance(term, Texts):
            return ", ".join(quoted(literal) for literal in term.literals)
        if isinstance(term, Resource):
            facts = self.facts(term, depth)
            return f"[{facts}\n{_INDENT * depth}]" if facts else "[]"
        if isinstance(term, Items):
            return self._items(term, depth)
        return f"<{NULL}>" if isinstance(term, Null) else self._literal(term)

    def _items(self, items: Items, depth: int) -> str:
        lead = "\n" + _INDENT * (depth + 1)
        written = [lead + self._objects(single(term), depth + 1) for term in items.terms]
        return f"({''.join(written)}\n{_INDENT * depth})" if written else "()"

    def _literal(self, literal: Literal) -> str:
        if literal.language or literal.datatype == STRING:
            return quoted(literal)
        if literal.datatype == BOOLEAN or (
            literal.datatype == INTEGER and _WHOLE.fullmatch(literal.text)
        ):
            return literal.text
        return f"{quoted(Literal(literal.text))}^^{self._iri(literal.datatype)}"

    def _iri(self, iri: str) -> str:
        found = _LOCAL.fullmatch(iri)
        return f"{self._prefix(found[1])}:{found[2]}" if found else f"<{iri}>"

    def _prefix(self, namespace: str) -> str:
        if namespace not in self._prefixes:
            fixed = {XSD: "xsd", RDF: "rdf", SAMM: "samm", SAMM_C: "samm-c"}
            found = _VERSIONED.fullmatch(namespace)
            name = wanted = fixed.get(namespace) or (found[1] if found else "ns")
            number = 1
            while name in self._prefixes.values():
                number += 1
                name = f"{wanted}-{number}"
            self._prefixes[namespace] = name
        return self._prefixes[namespace]


def _ended(facts: list[str]) -> Iterator[str]:
    for number, fact in enumerate(facts, start=1):
        yield fact + (" ;" if number < len(facts) else "")
