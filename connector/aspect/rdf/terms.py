"""The tree between a payload and RDF: what becomes nodes, lists and literals.

IRIs are written in full. A tree holds all that a payload says, so that either can be made
from the other; only the order of keys is not kept, which JSON does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
SAMM = "urn:samm:org.eclipse.esmf.samm:meta-model:2.1.0#"
SAMM_C = "urn:samm:org.eclipse.esmf.samm:characteristic:2.1.0#"

TYPE, FIRST, REST, NIL, VALUE = (RDF + name for name in ("type", "first", "rest", "nil", "value"))
STRING, LANGUAGE_STRING = XSD + "string", RDF + "langString"
BOOLEAN, INTEGER, DECIMAL, DOUBLE = (
    XSD + name for name in ("boolean", "integer", "decimal", "double")
)
SIDES: Mapping[str, str] = {"left": SAMM_C + "left", "right": SAMM_C + "right"}

# Ours: what a payload says beyond its model.
KEYS = "urn:eslabon:key:"

DEPTH_MAX = 150

_PREFIXES = {"xsd:": XSD, "rdf:": RDF, "samm:": SAMM, "samm-c:": SAMM_C}


@dataclass(frozen=True, slots=True)
class Literal:
    """A leaf: its text, the full IRI of its datatype, and a language for texts in one."""

    text: str
    datatype: str = STRING
    language: str = ""


@dataclass(frozen=True, slots=True)
class Texts:
    """One text in several languages, at most one in each."""

    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Null:
    """A JSON null, which only keys beyond the model may have."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list, in order."""

    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """An object: its type, empty where the model has none, and one term per predicate."""

    type: str
    facts: tuple[tuple[str, Term], ...] = ()


Term = Literal | Texts | Null | Items | Resource

NULL = "urn:eslabon:null"


def single(term: Term) -> Term:
    """Return a term as one node, for lists, where a text may not stand once per language."""
    if isinstance(term, Texts) and len(term.literals) == 1:
        return term.literals[0]
    return Resource("", ((VALUE, term),)) if isinstance(term, Texts) else term


def full(datatype: str) -> str:
    """Return the IRI of a datatype such as ``xsd:date``."""
    prefix, colon, name = datatype.partition(":")
    namespace = _PREFIXES.get(prefix + colon)
    return namespace + name if namespace else datatype


def key_iri(key: str) -> str:
    """Return the predicate under which a key that the model does not know travels."""
    return KEYS + quote(key, safe="", errors="surrogatepass")


def key_of(iri: str) -> str | None:
    """Return the key that a predicate of ours stands for, None where it is none of ours."""
    if not iri.startswith(KEYS):
        return None
    return unquote(iri.removeprefix(KEYS), errors="surrogatepass")
