"""Write a tree as JSON-LD 1.1 that reads like its payload, its context inside.

Every type has a context of its own (JSON-LD 1.1, section 4.1.5), so that a key means what
that type means by it, and a recursive model ends. Numbers but whole ones are texts with a
datatype: JSON-LD would round a JSON number and write it as a double.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from connector.aspect.rdf.terms import (
    BOOLEAN,
    NULL,
    STRING,
    VALUE,
    XSD,
    Items,
    Literal,
    Null,
    Resource,
    Term,
    Texts,
    full,
)
from connector.aspect.rdf.vocabulary import Vocabulary
from connector.aspect.semantics import Kind, Property, Shape

_TERM = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_PREFIXES: Mapping[str, str] = {"xsd": XSD}


@dataclass(frozen=True, slots=True)
class _Defined:
    """What the context says of a key: its container, and the datatype of plain texts."""

    container: str = ""
    datatype: str = STRING


class JsonLdWriter:
    """Writes the payloads of one model; the context is made once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Take the predicates of the model."""
        self._vocabulary = vocabulary
        self._types = _type_names(vocabulary)
        self.context = self._context()

    def document(self, root: Resource) -> dict[str, object]:
        """Return a payload with its context and types, as JSON values."""
        return {"@context": self.context, **self._node(root)}

    def _context(self) -> dict[str, object]:
        types = {
            name: {"@id": urn, "@context": self._terms(urn)} for urn, name in self._types.items()
        }
        return {"@version": 1.1, **_PREFIXES, **types}

    def _terms(self, type_urn: str) -> dict[str, object]:
        known = self._vocabulary.properties(type_urn).values()
        return {each.name: _definition(each) for each in known if _is_term(each)}

    def _node(self, resource: Resource) -> dict[str, object]:
        node: dict[str, object] = {}
        if resource.type:
            node["@type"] = self._types.get(resource.type, resource.type)
        for predicate, term in resource.facts:
            key, written = self._fact(resource.type, predicate, term)
            node[key] = written
        return node

    def _fact(self, type_urn: str, predicate: str, term: Term) -> tuple[str, object]:
        found = self._vocabulary.property_of(type_urn, predicate) if type_urn else None
        if found is None or not _is_term(found):
            return predicate, self._written(term, "")
        defined = _defined(found)
        if defined.container == "@list" and isinstance(term, Items):
            return found.name, [self._written(each, defined.datatype) for each in term.terms]
        if defined.container == "@language" and isinstance(term, Texts):
            return found.name, {each.language: each.text for each in term.literals}
        # A value of another kind than the model's goes under the property's own IRI.
        return (
            (predicate, self._written(term, ""))
            if defined.container
            else (
                found.name,
                self._written(term, defined.datatype),
            )
        )

    def _written(self, term: Term, datatype: str) -> object:
        """Return a term; ``datatype`` is what the context gives to plain texts, or empty."""
        if isinstance(term, Resource):
            return self._node(term)
        if isinstance(term, Items):
            return {"@list": [self._written(each, datatype) for each in term.terms]}
        if isinstance(term, Texts):
            texts = [{"@value": each.text, "@language": each.language} for each in term.literals]
            return texts[0] if len(texts) == 1 else {VALUE: texts}
        return {"@id": NULL} if isinstance(term, Null) else _literal(term, datatype)


def _literal(literal: Literal, datatype: str) -> object:
    if literal.datatype != datatype:
        kind = {} if literal.datatype == STRING else {"@type": literal.datatype}
        return {"@value": literal.text, **kind}
    if datatype == BOOLEAN and literal.text in {"true", "false"}:
        return literal.text == "true"
    if datatype in _INTEGERS and _WHOLE.fullmatch(literal.text):
        return int(literal.text)
    return literal.text


def _definition(of: Property) -> dict[str, str]:
    defined = _defined(of)
    found = {"@id": str(of.urn)}
    if defined.container:
        found["@container"] = defined.container
    if defined.datatype not in {"", STRING}:
        found["@type"] = defined.datatype.replace(XSD, "xsd:")
    return found


def _defined(of: Property) -> _Defined:
    if of.kind is Kind.LANGUAGE_STRING or (
        of.kind is Kind.ENUM and of.scalar_kind is Kind.LANGUAGE_STRING
    ):
        return _Defined("@language", "")
    item = of.characteristic.item.bare
    is_leaf = item.shape in {Shape.SCALAR, Shape.ENUMERATION}
    datatype = full(item.datatype) if is_leaf and item.datatype != "rdf:langString" else ""
    return _Defined("@list" if of.kind is Kind.LIST else "", datatype)


def _is_term(of: Property) -> bool:
    return bool(_TERM.fullmatch(of.name)) and of.name not in _PREFIXES


def _type_names(vocabulary: Vocabulary) -> dict[str, str]:
    """Return a short name for each type; a second one of that name gets a number."""
    names: dict[str, str] = {}
    for urn in vocabulary.types:
        name = wanted = urn.rpartition("#")[2]
        number = 1
        while name in names.values() or name in _PREFIXES:
            number += 1
            name = f"{wanted}{number}"
        names[urn] = name
    return names


_INTEGERS = frozenset(
    XSD + name
    for name in (
        *("integer", "int", "long", "short", "byte", "positiveInteger", "nonNegativeInteger"),
        *("unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
        *("negativeInteger", "nonPositiveInteger"),
    )
)
