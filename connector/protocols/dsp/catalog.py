"""The catalog on the wire: writes ours, and reads theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from connector.agreement.model import CatalogEntry, Offer
from connector.offer.model import Dataset
from connector.protocols.dsp.messages import CONTEXT
from connector.protocols.dsp.reading import policy_of
from connector.protocols.jsonld import compacted, parsed, text_of

# Partners answer with the same catalog again and again; these are 2 MiB of them at most.
KEPT_CATALOGS_MAX = 32
KEPT_CATALOG_BYTES_MAX = 64 * 1024

Json = dict[str, object]

_OWN_KEYS = frozenset({"@id", "@type", "@context", "hasPolicy", "distribution"})


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
    return _kept(raw) if len(raw) <= KEPT_CATALOG_BYTES_MAX else _read(raw)


@lru_cache(KEPT_CATALOGS_MAX)
def _kept(raw: bytes) -> tuple[CatalogEntry, ...]:
    """Return what a catalog says by its very bytes; what of it we accept is decided each time."""
    return _read(raw)


def _read(raw: bytes) -> tuple[CatalogEntry, ...]:
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
