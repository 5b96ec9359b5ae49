"""Turn RDF literals into the JSON values that a payload would hold."""

from __future__ import annotations

import struct
from decimal import Decimal, InvalidOperation

from connector.aspect.samm.turtle import Literal, Node
from connector.aspect.semantics import KIND_BY_DATATYPE, JsonScalar, Kind

_NUMBERS = frozenset({Kind.NUMBER, Kind.INTEGER})
_FLOAT32_DIGITS_MAX = 9


def json_value(node: Node, datatype: str) -> JsonScalar:
    """Return a literal as a value of the given datatype; what is no number stays text.

    A unit written as a term (``unit:kilogram``) is its own text, a number typed xsd:float is
    rounded as a `bound` is.
    """
    if isinstance(node, str):
        return node
    if KIND_BY_DATATYPE.get(datatype) is Kind.BOOLEAN:
        return _boolean(node.text)
    return bound(node, datatype)


def bound(node: Literal, datatype: str) -> int | float | str:
    """Return the bound of a range: a number, or text where the datatype is none.

    A number typed xsd:float is rounded to 32 bits and to the shortest decimal that still
    names it, as the official generator does (reference: semantic models, K3).
    """
    if KIND_BY_DATATYPE.get(datatype) not in _NUMBERS:
        return node.text
    number = _number(node.text)
    if isinstance(number, str) or node.datatype != "xsd:float":
        return number
    return _shortest_float32(number)


def _boolean(text: str) -> JsonScalar:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.strip(), text)


def _number(text: str) -> int | float | str:
    try:
        exact = Decimal(text.strip())
    except InvalidOperation:
        return text
    if not exact.is_finite():
        return text
    written_whole = exact.as_tuple().exponent == 0
    return int(exact) if written_whole else float(exact)


def _shortest_float32(number: float) -> int | float:
    try:
        packed = struct.pack("f", number)
    except OverflowError:
        return number
    exact = struct.unpack("f", packed)[0]
    for digits in range(1, _FLOAT32_DIGITS_MAX + 1):
        shortest = float(f"{exact:.{digits}g}")
        if struct.pack("f", shortest) == packed:
            return int(shortest) if shortest.is_integer() else shortest
    return float(exact)
