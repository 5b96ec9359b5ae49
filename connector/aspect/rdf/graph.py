"""A tree as an rdflib graph, and a graph as a tree. The only file here that needs rdflib."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

import rdflib
from rdflib import BNode, Graph, URIRef
from rdflib.plugins.parsers.jsonld import to_rdf
from rdflib.term import Node

from connector.aspect.rdf.statements import statements
from connector.aspect.rdf.terms import (
    DEPTH_MAX,
    FIRST,
    NIL,
    NULL,
    REST,
    STRING,
    TYPE,
    VALUE,
    Items,
    Literal,
    Null,
    Resource,
    Term,
    Texts,
)
from connector.errors import DataError

# Quads of the default graph are triples.
_FORMATS = {"turtle": "turtle", "nquads": "nt"}
_NAMED: Mapping[str, Term] = {NIL: Items(), NULL: Null()}
_AS_WRITTEN = Lock()


def graph_of(root: Resource) -> Graph:
    """Return a graph; its literals keep their text as it is."""
    graph = Graph()
    for subject, predicate, value in statements(root):
        graph.add((_node(subject), URIRef(predicate), _object(value)))
    return graph


def parsed(text: str, form: str) -> Graph:
    """Return the graph of a text in ``turtle``, ``nquads`` or ``jsonld``, literals as written."""
    with _literals_as_written():
        if form == "jsonld":
            # Graph.parse would go through a class that rdflib is about to drop, and warn of it.
            graph = Graph()
            to_rdf(json.loads(text), graph)
            return graph
        return Graph().parse(data=text, format=_FORMATS[form])


def tree_of(graph: Graph, root_type: str, types: frozenset[str]) -> Resource:
    """Return the tree under the one node of the type of the aspect.

    Raises:
        DataError: there is no such node or more than one, or the graph is no tree.

    """
    roots = list(graph.subjects(URIRef(TYPE), URIRef(root_type)))
    if len(roots) != 1:
        raise DataError("aspect:lift_root_missing", model=root_type, count=len(roots))
    return _Reading(graph, types).resource(roots[0], 0)


class _Reading:
    """The reading of one graph."""

    def __init__(self, graph: Graph, types: frozenset[str]) -> None:
        self._graph = graph
        self._types = types

    def resource(self, node: Node, depth: int) -> Resource:
        if depth > DEPTH_MAX:
            raise DataError("aspect:lift_too_deep", depth_max=DEPTH_MAX)
        values: dict[str, list[Node]] = {}
        for predicate, value in self._graph.predicate_objects(node):
            values.setdefault(str(predicate), []).append(value)
        types = [str(each) for each in values.pop(TYPE, [])]
        known = next((each for each in types if each in self._types), "")
        return Resource(
            known, tuple((p, self._value(p, nodes, depth)) for p, nodes in values.items())
        )

    def _value(self, predicate: str, nodes: list[Node], depth: int) -> Term:
        literals = [each for each in nodes if isinstance(each, rdflib.Literal) and each.language]
        if len(literals) == len(nodes):
            return Texts(tuple(map(_literal, literals)))
        if len(nodes) > 1:
            raise DataError("aspect:lift_values_many", predicate=predicate, count=len(nodes))
        return self._term(nodes[0], depth + 1)

    def _term(self, node: Node, depth: int) -> Term:
        if isinstance(node, rdflib.Literal):
            literal = _literal(node)
            return Texts((literal,)) if literal.language else literal
        if isinstance(node, URIRef) and str(node) in _NAMED:
            return _NAMED[str(node)]
        if (node, URIRef(FIRST), None) in self._graph:
            return Items(tuple(self._term(each, depth + 1) for each in self._members(node)))
        return _text_or_node(self.resource(node, depth))

    def _members(self, cell: Node) -> Iterator[Node]:
        seen: set[Node] = set()
        while cell != URIRef(NIL):
            first = self._graph.value(cell, URIRef(FIRST))
            following = self._graph.value(cell, URIRef(REST))
            if first is None or following is None or cell in seen:
                raise DataError("aspect:lift_list_broken")
            yield first
            seen.add(cell)
            cell = following


def _text_or_node(resource: Resource) -> Term:
    """Return the term that stood in a list as a node with nothing but an rdf:value."""
    is_value = [predicate for predicate, _ in resource.facts] == [VALUE]
    return resource.facts[0][1] if is_value else resource


def _literal(found: rdflib.Literal) -> Literal:
    return Literal(str(found), str(found.datatype or STRING), found.language or "")


def _node(name: str) -> Node:
    return BNode(name[2:]) if name.startswith("_:") else URIRef(name)


def _object(value: str | Literal) -> Node:
    if not isinstance(value, Literal):
        return _node(value)
    if value.language:
        return rdflib.Literal(value.text, lang=value.language)
    datatype = None if value.datatype == STRING else URIRef(value.datatype)
    return rdflib.Literal(value.text, datatype=datatype, normalize=False)


@contextmanager
def _literals_as_written() -> Iterator[None]:
    """Have rdflib keep ``2026-01-01T00:00:00Z`` as it stands: it would write ``+00:00``."""
    with _AS_WRITTEN:
        before = rdflib.NORMALIZE_LITERALS
        rdflib.NORMALIZE_LITERALS = False
        try:
            yield
        finally:
            rdflib.NORMALIZE_LITERALS = before
