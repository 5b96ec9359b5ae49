"""What is chosen from a partner's catalog."""

from __future__ import annotations

import pytest

from connector.agreement.model import CatalogEntry, Offer
from connector.offer.model import AcceptedTerms, Policy
from connector.offer.writing import usage_policy
from connector.transfer.selection import REGISTRY, Selector, acceptable_offer, fitting

TYPE = "https://w3id.org/catenax/taxonomy#DigitalTwinRegistry"
SEMANTIC = "urn:samm:io.catenax.serial_part:3.0.0#SerialPart"
OURS = usage_policy(Policy("ours"))
STRANGE = usage_policy(Policy("strange", framework_agreement="Other:1.0"))


def _entry(**properties: object) -> CatalogEntry:
    return CatalogEntry("urn:d1", (Offer("o1", "urn:d1", OURS),), ("HttpData-PULL",), properties)


@pytest.mark.parametrize(
    "properties",
    [
        {"dct:type": {"@id": TYPE}},
        {"dct:type": [{"@id": TYPE}]},
        {"dct:type": TYPE},
        {"http://purl.org/dc/terms/type": {"@id": TYPE}},
        {"https://purl.org/dc/terms/type": {"@id": TYPE}},
    ],
)
def test_a_registry_is_known_in_every_spelling(properties: dict[str, object]) -> None:
    entry = _entry(**properties)

    assert entry == fitting([_entry(), entry], REGISTRY)


def test_a_submodel_is_known_by_its_semantic_id() -> None:
    key = "https://admin-shell.io/aas/3/0/HasSemantics/semanticId"

    assert Selector(semantic_id=SEMANTIC).fits(_entry(**{key: {"@id": SEMANTIC}}))
    assert not Selector(semantic_id=SEMANTIC).fits(_entry(**{key: {"@id": f"{SEMANTIC}X"}}))


def test_an_id_is_enough() -> None:
    assert Selector("urn:d1").fits(_entry())
    assert not Selector("urn:d2").fits(_entry())


def test_what_cannot_be_pulled_is_passed_over() -> None:
    pushed = CatalogEntry("urn:d1", (), ("AmazonS3-PUSH",))

    assert fitting([pushed], Selector("urn:d1")) is None


def test_the_first_offer_that_we_accept_is_taken() -> None:
    entry = CatalogEntry("d", (Offer("o1", "d", STRANGE), Offer("o2", "d", OURS)))

    offer, reasons = acceptable_offer(entry, AcceptedTerms())
    assert ("o2", ()) == (offer and offer.id, reasons)


def test_no_offer_is_taken_and_every_reason_told_when_none_is_accepted() -> None:
    entry = CatalogEntry("d", (Offer("o1", "d", STRANGE),))

    offer, reasons = acceptable_offer(entry, AcceptedTerms())
    assert offer is None
    assert any("Other:1.0" in reason for reason in reasons)
