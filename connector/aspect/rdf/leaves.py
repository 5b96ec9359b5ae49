"""Turn JSON's leaves into typed literals, and literals into JSON's leaves, values kept.

A leaf bears the datatype that the model gives it. Where JSON and the model differ in kind,
or the value lies outside of that type, it bears the narrowest type that holds it: schemas
let 1.5 pass for xsd:integer.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from connector.aspect.datatypes import scalar_schema
from connector.aspect.exact_numbers import Number, exact, nearest
from connector.aspect.rdf.terms import (
    BOOLEAN,
    DECIMAL,
    DOUBLE,
    INTEGER,
    STRING,
    XSD,
    Literal,
    Null,
    full,
)
from connector.aspect.semantics import KIND_BY_DATATYPE, Kind
from connector.errors import DataError

JsonLeaf = str | int | float | bool | Decimal | None

# Longer numbers are written with an exponent, so that a short text cannot fill a disk.
_DIGITS_MAX = 400
_WHOLE_FLOATS_MAX = 2**53
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBERS = frozenset(
    full(name) for name, kind in KIND_BY_DATATYPE.items() if kind in (Kind.NUMBER, Kind.INTEGER)
)
_NO_TEXT = frozenset({Kind.NUMBER, Kind.INTEGER, Kind.BOOLEAN, Kind.LANGUAGE_STRING})


def literal_of(value: JsonLeaf, datatype: str) -> Literal | Null:
    """Return a leaf as a literal; ``datatype`` is the model's, such as ``xsd:date``, or empty."""
    if value is None:
        return Null()
    if isinstance(value, str):
        known = datatype and KIND_BY_DATATYPE.get(datatype, Kind.STRING) not in _NO_TEXT
        return Literal(value, full(datatype) if known else STRING)
    if isinstance(value, bool):
        return Literal("true" if value else "false", BOOLEAN)
    return _number_literal(value, datatype)


def leaf_of(literal: Literal) -> JsonLeaf:
    """Return what JSON says for a literal; a number that no float holds exactly as `Decimal`.

    Raises:
        DataError: the text is not of the literal's datatype.

    """
    if literal.datatype in _NUMBERS:
        return _number(literal)
    if literal.datatype == BOOLEAN:
        return _boolean(literal)
    return literal.text


def _number_literal(value: Number, datatype: str) -> Literal:
    said = exact(value)
    is_short = abs(said.adjusted()) <= _DIGITS_MAX
    kind = KIND_BY_DATATYPE.get(datatype)
    # Where floats skip whole numbers, 1e22 is no list of digits that somebody counted.
    is_counted = isinstance(value, int) or abs(said) < _WHOLE_FLOATS_MAX
    if kind is Kind.INTEGER and is_counted and _is_within(said, datatype):
        return Literal(format(said.to_integral_value(), "f"), full(datatype))
    is_floating = datatype in {"xsd:double", "xsd:float"}
    if is_floating or not (is_short or isinstance(value, int)):
        return Literal(str(value), full(datatype) if is_floating else DOUBLE)
    if isinstance(value, int):
        return Literal(str(value), DECIMAL if datatype == "xsd:decimal" else INTEGER)
    text = format(said, "f")
    return Literal(text if "." in text else f"{text}.0", DECIMAL)


def _is_within(said: Decimal, datatype: str) -> bool:
    bounds = scalar_schema(datatype)
    least, most = bounds.get("minimum"), bounds.get("maximum")
    return (
        said == said.to_integral_value()
        and (not isinstance(least, int) or said >= least)
        and (not isinstance(most, int) or said <= most)
    )


def _number(literal: Literal) -> Number:
    text = literal.text.strip()
    try:
        if _WHOLE.fullmatch(text):
            return int(text)
        said = Decimal(text)
    except (InvalidOperation, ValueError) as error:
        raise _broken(literal) from error
    if not said.is_finite():  # NaN and INF are numbers of XSD, but not of JSON
        raise _broken(literal)
    return nearest(said)


def _boolean(literal: Literal) -> bool:
    if literal.text not in {"true", "1", "false", "0"}:
        raise _broken(literal)
    return literal.text in {"true", "1"}


def _broken(literal: Literal) -> DataError:
    datatype = literal.datatype.replace(XSD, "xsd:")
    return DataError("aspect:lift_literal_broken", text=literal.text[:100], datatype=datatype)
