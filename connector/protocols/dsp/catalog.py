"""The catalog on the wire: writes ours, reads theirs, and decides queries on it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from connector.agreement.model import CatalogEntry, Offer
from connector.errors import PartnerError
from connector.offer.model import Dataset
from connector.protocols.dsp.messages import CONTEXT
from connector.protocols.dsp.reading import policy_of
from connector.protocols.jsonld import compacted, parsed, short, text_of

PAGE_DATASETS_MAX = 500
CRITERIA_MAX = 50
CURSOR_CHARACTERS_MAX = 8000

Json = dict[str, object]

_OPERATORS = frozenset({"=", "like", "in"})
_OWN_KEYS = frozenset({"@id", "@type", "@context", "hasPolicy", "distribution"})
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


def query_from_wire(raw: bytes) -> Query:
    """Return what a CatalogRequestMessage asks for; the message may also be empty.

    Raises `PartnerError` for an operator that is not understood.
    """
    node = compacted(parsed(raw)) if raw.strip() else {}
    specs = [one for one in node.get("filter", []) if isinstance(one, dict)]
    if not specs:
        return Query()
    limit = _count(specs[0].get("limit"), PAGE_DATASETS_MAX)
    expressions = specs[0].get("filterExpression", [])[:CRITERIA_MAX]
    criteria = tuple(_criterion(one) for one in expressions if isinstance(one, dict))
    return Query(_count(specs[0].get("offset"), 0), min(limit, PAGE_DATASETS_MAX), criteria)


def page_of(datasets: Sequence[Dataset], query: Query) -> tuple[list[Dataset], Query | None]:
    """Return one page of the datasets that fit, and the query for the next page if any."""
    fitting = [one for one in datasets if all(_fits(one, c) for c in query.criteria)]
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


def catalog_to_wire(datasets: Sequence[Dataset], participant: str, base_url: str) -> Json:
    """Return a Catalog; an empty one has no list of datasets, as the schema wants it."""
    catalog: Json = {
        "@context": [CONTEXT],
        "@id": f"{base_url}/catalog",
        "@type": "Catalog",
        "participantId": participant,
        "service": [_service(base_url)],
    }
    if datasets:
        catalog["dataset"] = [dataset_to_wire(one, base_url) for one in datasets]
    return catalog


def dataset_to_wire(dataset: Dataset, base_url: str) -> Json:
    """Return a Dataset with its offer, which has no target there, and its distribution."""
    distribution = {
        "@type": "Distribution",
        "format": dataset.format,
        "accessService": _service(base_url),
    }
    return {
        **dataset.properties,
        "@id": dataset.id,
        "@type": "Dataset",
        "hasPolicy": [{**dataset.policy, "@id": dataset.offer_id, "@type": "Offer"}],
        "distribution": [distribution],
    }


def entries_from_wire(raw: bytes) -> tuple[CatalogEntry, ...]:
    """Return the datasets of a partner's Catalog, those of catalogs within it included."""
    return tuple(_entries(compacted(parsed(raw))))


def entry_from_wire(raw: bytes) -> CatalogEntry:
    """Return a partner's Dataset."""
    return _entry(compacted(parsed(raw)))


def _entries(catalog: Mapping[str, Any]) -> list[CatalogEntry]:
    found = [_entry(one) for one in catalog.get("dataset", []) if isinstance(one, dict)]
    for inner in catalog.get("catalog", []):
        if isinstance(inner, dict):
            found += _entries(inner)
    return found


def _entry(node: Mapping[str, Any]) -> CatalogEntry:
    dataset_id = text_of(node.get("@id"))
    offers = [
        Offer(text_of(one.get("@id")), dataset_id, policy_of(one))
        for one in node.get("hasPolicy", [])
        if isinstance(one, dict) and one.get("@id")
    ]
    formats = [
        str(one.get("format", "")) for one in node.get("distribution", []) if isinstance(one, dict)
    ]
    properties = {key: value for key, value in node.items() if key not in _OWN_KEYS}
    return CatalogEntry(dataset_id, tuple(offers), tuple(formats), properties)


def _service(base_url: str) -> Json:
    return {"@id": base_url, "@type": "DataService", "endpointURL": base_url}


def _criterion(node: Mapping[str, Any]) -> Criterion:
    operator = text_of(node.get("operator"))
    if operator not in _OPERATORS:
        raise PartnerError("connector.protocols.dsp:filter_unsupported", operator=operator)
    right = node.get("operandRight")
    values = right if isinstance(right, list) else [right]
    return Criterion(
        _property(text_of(node.get("operandLeft"))), operator, tuple(map(text_of, values))
    )


def _property(left: str) -> str:
    """Return the property that a path such as ``'http://...type'.'@id'`` means."""
    name = left.replace("'", "").removesuffix(".@id").removesuffix(".@value")
    if short(name) in ("id", "@id"):
        return "@id"
    return _TERMS.sub("dct:", name)


def _fits(dataset: Dataset, criterion: Criterion) -> bool:
    own = dataset.properties.get(criterion.left)
    value = dataset.id if criterion.left == "@id" else text_of(own)
    if criterion.operator == "like":
        return any(_is_like(value, pattern) for pattern in criterion.values)
    return value in criterion.values


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
