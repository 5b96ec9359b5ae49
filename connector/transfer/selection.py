"""Chooses, from a partner's catalog, the dataset and the offer that we ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.agreement.model import CatalogEntry, Offer
from connector.offer.acceptance import acceptable
from connector.offer.model import HTTP_PULL, AcceptedTerms

_TYPE_KEYS = ("dct:type", "http://purl.org/dc/terms/type", "https://purl.org/dc/terms/type")
_SEMANTIC_KEYS = (
    "https://admin-shell.io/aas/3/0/HasSemantics/semanticId",
    "aas-semantics:semanticId",
)


@dataclass(frozen=True, slots=True)
class Selector:
    """Which dataset is meant: by its id, or by type and semantic id where they are given."""

    dataset_id: str = ""
    type_iri: str = ""
    semantic_id: str = ""

    def __str__(self) -> str:
        """Render for messages, and as the name under which the answer is remembered."""
        return self.dataset_id or f"{self.type_iri} {self.semantic_id}".strip()

    def fits(self, entry: CatalogEntry) -> bool:
        """Return whether a dataset of a catalog is one that is meant."""
        if self.dataset_id:
            return entry.dataset_id == self.dataset_id
        properties = entry.properties
        is_type = self.type_iri in ("", _property(properties, _TYPE_KEYS))
        return is_type and self.semantic_id in ("", _property(properties, _SEMANTIC_KEYS))


# CX-0002: a digital twin registry is offered as a dataset of this type.
REGISTRY = Selector(type_iri="https://w3id.org/catenax/taxonomy#DigitalTwinRegistry")


def fitting(entries: Iterable[CatalogEntry], selector: Selector) -> CatalogEntry | None:
    """Return the first dataset that is meant and can be pulled over HTTP."""
    pulled = (entry for entry in entries if not entry.formats or HTTP_PULL in entry.formats)
    return next((entry for entry in pulled if selector.fits(entry)), None)


def acceptable_offer(
    entry: CatalogEntry, accepted: AcceptedTerms
) -> tuple[Offer | None, Sequence[str]]:
    """Return the first offer whose policy we accept, or None and what is against each."""
    reasons: list[str] = []
    for offer in entry.offers:
        findings = acceptable(offer.policy, accepted)
        if not findings:
            return offer, ()
        reasons += [finding.text().what for finding in findings]
    return None, reasons


def _property(properties: Mapping[str, object], keys: Iterable[str]) -> object:
    value = next((properties[key] for key in keys if key in properties), None)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value.get("@id", value.get("@value")) if isinstance(value, Mapping) else value
