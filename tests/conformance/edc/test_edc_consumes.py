"""An Eclipse connector finds, negotiates and reads what our connector offers."""

from __future__ import annotations

import base64
import json

import pytest

from tests.builders.exchange import SERIAL
from tests.conformance.edc.conftest import Space
from tests.conformance.edc.eclipse import REASON, Json
from tests.conformance.edc.ground import SEEN, UNSEEN
from tests.conformance.edc.reading import get, registry_of, search

pytestmark = pytest.mark.conformance

SEMANTIC_ID = "https://admin-shell.io/aas/3/0/HasSemantics/semanticId"


def _aspect(datasets: list[Json], semantic_id: str) -> Json:
    return next(one for one in datasets if one.get(SEMANTIC_ID, {}).get("@id") == semantic_id)


def test_the_catalog_shows_it_our_datasets(space: Space) -> None:
    datasets = space.consumer.catalog()

    assert 2 == len(datasets)
    assert registry_of(datasets)["distribution"]
    assert _aspect(datasets, SERIAL)["hasPolicy"]


def test_the_catalog_is_shown_in_the_pages_that_it_asks_for(space: Space) -> None:
    whole = {one["@id"] for one in space.consumer.catalog()}

    pages = [space.consumer.catalog(offset=number, limit=1) for number in (0, 1, 2)]

    assert [1, 1, 0] == [len(page) for page in pages]
    assert whole == {one["@id"] for page in pages for one in page}


def test_it_reads_a_submodel_that_it_found_in_our_registry(space: Space) -> None:
    datasets = space.consumer.catalog()
    _, registry = space.consumer.opened(registry_of(datasets))
    status, found = search(registry, SEEN.part)
    assert (200, 1) == (status, len(found["result"]))

    shell_id = base64.urlsafe_b64encode(found["result"][0].encode()).decode()
    status, shell = get(registry, f"{registry['endpoint']}/shell-descriptors/{shell_id}")
    assert (200, SEEN.id) == (status, shell["globalAssetId"])

    place = shell["submodelDescriptors"][0]["endpoints"][0]["protocolInformation"]
    _, address = space.consumer.opened(_aspect(datasets, SERIAL))
    status, value = get(address, f"{place['href']}/$value")
    assert (200, {"catenaXId": SEEN.id, "aspect": SERIAL}) == (status, value)


def test_it_does_not_find_a_part_that_is_not_offered_to_it(space: Space) -> None:
    _, registry = space.consumer.opened(registry_of(space.consumer.catalog()))

    status, found = search(registry, UNSEEN.part)

    assert (200, []) == (status, found["result"])


def test_its_token_dies_with_the_transfer_that_it_ends(space: Space) -> None:
    transfer, registry = space.consumer.opened(registry_of(space.consumer.catalog()))
    assert 200 == search(registry, SEEN.part)[0]

    space.edc.change(transfer, "terminate")
    ours = space.consumer.transferred(transfer, "TERMINATED")["correlationId"]

    assert REASON in space.transfer(ours, "TERMINATED")["reason"]
    assert 403 == search(registry, SEEN.part)[0]


def test_its_token_rests_while_it_suspends_the_transfer(space: Space) -> None:
    transfer, registry = space.consumer.opened(registry_of(space.consumer.catalog()))
    ours = space.consumer.transferred(transfer)["correlationId"]

    space.edc.change(transfer, "suspend")
    space.transfer(ours, "SUSPENDED")
    assert 403 == search(registry, SEEN.part)[0]

    space.consumer.transferred(transfer, "SUSPENDED")
    space.edc.change(transfer, "resume")
    space.transfer(ours, "STARTED")
    assert 200 == search(registry, SEEN.part)[0]


def test_its_token_dies_with_the_transfer_that_we_end(space: Space) -> None:
    transfer, registry = space.consumer.opened(registry_of(space.consumer.catalog()))
    ours = space.consumer.transferred(transfer)["correlationId"]

    space.end_transfer(ours)

    assert space.consumer.transferred(transfer, "TERMINATED")
    assert 403 == search(registry, SEEN.part)[0]


def test_a_policy_that_it_has_changed_is_refused_with_the_difference(space: Space) -> None:
    registry = registry_of(space.consumer.catalog())
    offer = registry["hasPolicy"][0]
    rule = {"action": "use"}

    negotiation = space.consumer.negotiate(registry, {**offer, "permission": [rule]})
    ended = space.consumer.agreed(negotiation, "TERMINATED")

    ours = space.negotiation(ended["correlationId"], "TERMINATED")
    assert "Membership eq active" in ours["reason"]


def test_it_signs_every_kind_of_rule_as_we_wrote_it(space: Space) -> None:
    transfer, _ = space.consumer.opened(_aspect(space.consumer.catalog(), SERIAL))
    contract = space.consumer.transferred(transfer)["contractId"]

    signed = json.dumps(space.edc.ask(f"/contractagreements/{contract}")["policy"])

    kept = ("AGB-9832", "cx.region.europe:1", "cx.manipulation.forbidden:1", "2099-12-31", "365")
    assert [] == [word for word in kept if word not in signed]
