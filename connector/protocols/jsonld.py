"""Reads JSON-LD of the data space as plain JSON: lenient in what it takes, fixed in what it gives.

Peers send the same message in many shapes: one object or a list of one, prefixed names or
full IRIs, values as nodes. `compacted` brings all of them into the compact form of the
Dataspace Protocol 2025-1, without a JSON-LD processor and without fetching anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from connector.errors import PartnerError
from connector.offer.vocabulary import NAMESPACE as CATENAX
from connector.offer.vocabulary import OPERANDS

DEPTH_MAX = 32

DSPACE = "https://w3id.org/dspace/2025/1/"
EDC = "https://w3id.org/edc/v0.0.1/ns/"

_NAMESPACES = (
    *(DSPACE, "dspace:", "http://www.w3.org/ns/odrl/2/", "odrl:"),
    *("http://www.w3.org/ns/dcat#", "https://www.w3.org/ns/dcat#", "dcat:", EDC, "edc:"),
)
# Under this context the operands of the profile may come by their bare names.
CATENAX_CONTEXT = f"{CATENAX}context.jsonld"
_CATENAX_PREFIX = "cx-policy:"
_TERMS = ("http://purl.org/dc/terms/", "https://purl.org/dc/terms/", "dct:", "dcterms:")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Always a list, whatever the peer wrote.
_SETS = _words(
    "catalog dataset service distribution hasPolicy filter filterExpression permission"
    " prohibition obligation duty constraint endpointProperties reason protocolVersions"
    " and or xone andSequence"
)
# Always one text.
_TEXTS = _words(
    "consumerPid providerPid agreementId participantId target assigner assignee timestamp"
    " callbackAddress code endpoint endpointURL name value profile"
)
# One text whose value is a term of the vocabulary; its type is the first that is named.
_TERMED = _words("@type state eventType format endpointType action operator leftOperand")
# Always one object.
_NODES = _words("offer agreement dataAddress accessService")


def parsed(raw: bytes) -> dict[str, Any]:
    """Return the object that a body holds; raises `PartnerError` if it holds none."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise PartnerError("protocols:json_malformed", reason=error) from None
    if not isinstance(found, dict):
        raise PartnerError("protocols:json_malformed", reason="not an object")
    return found


def compacted(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message in compact form; raises `PartnerError` where it nests too deep.

    Keys that no vocabulary of the protocol knows stay as they are, except that Dublin Core
    terms are written with the prefix ``dct:``. Left operands of the Catena-X profile are
    full IRIs where the sender's context makes them so: they mean the same in an answer,
    whose context is another one.
    """
    result = _compacted(node, 0)
    contexts = node.get("@context")
    if CATENAX_CONTEXT in (contexts if isinstance(contexts, list) else [contexts]):
        _qualify(result, 0)
    return result


def _compacted(node: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth > DEPTH_MAX:
        raise PartnerError("protocols:json_too_deep", limit=DEPTH_MAX)
    result: dict[str, Any] = {}
    for key, value in node.items():
        name = _name(key) if ":" in key else key
        result[name] = _SHAPES.get(name, _inner)(value, depth + 1)
    return result


def short(iri: str) -> str:
    """Return a name without the namespace or prefix of the protocol's vocabularies."""
    if iri.startswith(_NAMESPACES):
        return iri[next(len(one) for one in _NAMESPACES if iri.startswith(one)) :]
    return iri


def text_of(value: object) -> str:
    """Return the text of a value, a node with ``@id`` or ``@value``, or a list of one."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, Mapping):
        value = value.get("@value", value.get("@id"))
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and value is not True else ""


def _name(key: str) -> str:
    for namespace in _TERMS:
        if key.startswith(namespace):
            term = key[len(namespace) :]
            return term if term == "format" else f"dct:{term}"
    return short(key)


def _term(value: object, _depth: int) -> object:
    if isinstance(value, str) and ":" not in value:
        return value
    term = short(text_of(value[:1] if isinstance(value, list) else value))
    is_prefixed = term.startswith(_CATENAX_PREFIX)
    return CATENAX + term.removeprefix(_CATENAX_PREFIX) if is_prefixed else term


def _text(value: object, _depth: int) -> object:
    return text_of(value)


def _set(value: object, depth: int) -> object:
    return [_inner(one, depth) for one in (value if isinstance(value, list) else [value])]


def _node(value: object, depth: int) -> object:
    return _inner(value[0] if isinstance(value, list) and len(value) == 1 else value, depth)


def _inner(value: object, depth: int) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return value["@value"] if "@value" in value else _compacted(value, depth)
    if isinstance(value, list):
        if depth > DEPTH_MAX:
            raise PartnerError("protocols:json_too_deep", limit=DEPTH_MAX)
        return [_inner(one, depth + 1) for one in value]
    return value


def _qualify(node: object, depth: int) -> None:
    """Give the profile's left operands their full names, in place."""
    if depth > 2 * DEPTH_MAX:  # below an "@value": nobody reads that
        return
    if isinstance(node, dict):
        operand = node.get("leftOperand")
        if isinstance(operand, str) and operand in OPERANDS:
            node["leftOperand"] = CATENAX + operand
    if isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            _qualify(inner, depth + 1)


_SHAPES: Mapping[str, Callable[[object, int], object]] = {
    **dict.fromkeys(_NODES, _node),
    **dict.fromkeys(_SETS, _set),
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_TERMED, _term),
}
