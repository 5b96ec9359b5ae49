"""Which datasets of our catalog a partner asks for, in which order, and page by page.

A query is EDC's QuerySpec (the protocol leaves the words of a filter to those who talk).
"""

from __future__ import annotations

import base64
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from connector.errors import PartnerError
from connector.offer.model import Dataset
from connector.protocols.jsonld import compacted, parsed, short, text_of

PAGE_DATASETS_MAX = 500
CRITERIA_MAX = 50
CURSOR_CHARACTERS_MAX = 8000

_TERMS = re.compile(r"^https?://purl\.org/dc/terms/")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One comparison of a property of a dataset; ``values`` has one entry but for ``in``."""

    left: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """What of the catalog is asked for: EDC's QuerySpec, as far as it makes a difference."""

    offset: int = 0
    limit: int = PAGE_DATASETS_MAX
    criteria: tuple[Criterion, ...] = ()
    sort_by: str = ""
    descending: bool = False


def query_from_wire(raw: bytes) -> Query:
    """Return what a CatalogRequestMessage asks for; the message may also be empty.

    Raises `PartnerError` for an operator that is not understood, and for too many criteria.
    """
    node = compacted(parsed(raw)) if raw.strip() else {}
    specs = [one for one in node.get("filter", []) if isinstance(one, dict)]
    if not specs:
        return Query()
    spec = specs[0]
    expressions = spec.get("filterExpression", [])
    if len(expressions) > CRITERIA_MAX:
        raise PartnerError("connector.protocols.dsp:filter_too_long", most=CRITERIA_MAX)
    sort_by = text_of(spec.get("sortField"))
    return Query(
        _count(spec.get("offset"), 0),
        min(_count(spec.get("limit"), PAGE_DATASETS_MAX), PAGE_DATASETS_MAX),
        tuple(_criterion(one) for one in expressions if isinstance(one, dict)),
        _property(sort_by) if sort_by else "",
        descending=text_of(spec.get("sortOrder")).upper() == "DESC",
    )


def page_of(datasets: Sequence[Dataset], query: Query) -> tuple[list[Dataset], Query | None]:
    """Return one page of the datasets that fit, and the query for the next page if any."""
    fitting = [one for one in datasets if all(_fits(one, c) for c in query.criteria)]
    if query.sort_by:
        fitting.sort(key=lambda one: _property_of(one, query.sort_by), reverse=query.descending)
    end = query.offset + query.limit
    following = replace(query, offset=end) if query.limit and len(fitting) > end else None
    return fitting[query.offset : end], following


def cursor_of(query: Query) -> str:
    """Return a query as one word in an address, so that the next page stands for itself."""
    return base64.urlsafe_b64encode(msgspec.json.encode(query)).decode()


def query_from_cursor(cursor: str) -> Query:
    """Return the query of a word that `cursor_of` gave; raises `PartnerError` for others."""
    try:
        raw = base64.urlsafe_b64decode(cursor[:CURSOR_CHARACTERS_MAX])
        query = msgspec.json.decode(raw, type=Query)
    except (ValueError, msgspec.MsgspecError):
        raise PartnerError("connector.protocols.dsp:value_missing", name="cursor") from None
    return replace(
        query,
        offset=max(query.offset, 0),
        limit=min(max(query.limit, 1), PAGE_DATASETS_MAX),
        criteria=query.criteria[:CRITERIA_MAX],
    )


def _criterion(node: Mapping[str, Any]) -> Criterion:
    compared_by = text_of(node.get("operator"))
    if compared_by not in _DECIDED:
        raise PartnerError(
            "connector.protocols.dsp:filter_unsupported",
            operator=compared_by,
            known=" ".join(_DECIDED),
        )
    right = node.get("operandRight")
    values = right if isinstance(right, list) else [right]
    return Criterion(
        _property(text_of(node.get("operandLeft"))), compared_by, tuple(map(text_of, values))
    )


def _property(left: str) -> str:
    """Return the property that a path such as ``'http://...type'.'@id'`` means."""
    name = left.replace("'", "").removesuffix(".@id").removesuffix(".@value")
    if short(name) in ("id", "@id"):
        return "@id"
    return _TERMS.sub("dct:", name)


def _fits(dataset: Dataset, criterion: Criterion) -> bool:
    own = _property_of(dataset, criterion.left)
    return _DECIDED[criterion.operator](own, criterion.values)


def _property_of(dataset: Dataset, name: str) -> str:
    return dataset.id if name == "@id" else text_of(dataset.properties.get(name))


_Decision = Callable[[str, Sequence[str]], bool]


def _ordered(holds: Callable[[Any, Any], bool]) -> _Decision:
    """Return a comparison of numbers where both sides are numbers, and of texts elsewhere."""

    def decide(own: str, values: Sequence[str]) -> bool:
        return bool(own) and all(holds(*_comparable(own, value)) for value in values)

    return decide


def _comparable(own: str, value: str) -> tuple[Any, Any]:
    try:
        return float(own), float(value)
    except ValueError:
        return own, value


def _is_like(value: str, pattern: str) -> bool:
    """Compare with the percent sign for any text, piece by piece: linear, whatever comes."""
    first, *rest = pattern.split("%")
    if not rest:
        return value == pattern
    if not value.startswith(first):
        return False
    position = len(first)
    for piece in rest[:-1]:
        found = value.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return value.endswith(rest[-1]) and len(value) - len(rest[-1]) >= position


def _count(value: object, otherwise: int) -> int:
    text = text_of(value)
    is_number = text.isascii() and text.isdigit() and len(text) < len(str(2**31))
    return int(text) if is_number else otherwise


_DECIDED: Mapping[str, _Decision] = {
    "=": lambda own, values: own in values,
    "in": lambda own, values: own in values,
    "contains": lambda own, values: own in values,
    "!=": lambda own, values: own not in values,
    "like": lambda own, values: any(_is_like(own, one) for one in values),
    "ilike": lambda own, values: any(_is_like(own.lower(), one.lower()) for one in values),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
}
