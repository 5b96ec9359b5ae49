"""An Eclipse connector finds, negotiates and reads what our connector offers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from tests.builders.exchange import SERIAL
from tests.conformance.edc.conftest import Space
from tests.conformance.edc.eclipse import EndedOtherwiseError, Json, fetch
from tests.conformance.edc.ground import SEEN, UNSEEN

pytestmark = pytest.mark.conformance

SEMANTIC_ID = "https://admin-shell.io/aas/3/0/HasSemantics/semanticId"
EXCHANGES = 20
REGISTRY = "https://w3id.org/catenax/taxonomy#DigitalTwinRegistry"


def _registry(datasets: list[Json]) -> Json:
    return next(one for one in datasets if one["dct:type"]["@id"] == REGISTRY)


def _aspect(datasets: list[Json], semantic_id: str) -> Json:
    return next(one for one in datasets if one.get(SEMANTIC_ID, {}).get("@id") == semantic_id)


def _get(address: Json, url: str, body: object = None) -> tuple[int, Json]:
    headers = {"Authorization": address["authorization"], "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body).encode()
    status, answer = fetch(url, headers, sent)
    found: Json = json.loads(answer)
    return status, found


def test_the_catalog_shows_it_our_datasets(space: Space) -> None:
    datasets = space.consumer.catalog()

    assert 2 == len(datasets)
    assert _registry(datasets)["distribution"]
    assert _aspect(datasets, SERIAL)["hasPolicy"]


def test_it_reads_a_submodel_that_it_found_in_our_registry(space: Space) -> None:
    datasets = space.consumer.catalog()
    _, registry = space.consumer.opened(_registry(datasets))
    status, found = _search(registry, SEEN.part)
    assert (200, 1) == (status, len(found["result"]))

    shell_id = base64.urlsafe_b64encode(found["result"][0].encode()).decode()
    status, shell = _get(registry, f"{registry['endpoint']}/shell-descriptors/{shell_id}")
    assert (200, SEEN.id) == (status, shell["globalAssetId"])

    place = shell["submodelDescriptors"][0]["endpoints"][0]["protocolInformation"]
    _, address = space.consumer.opened(_aspect(datasets, SERIAL))
    status, value = _get(address, f"{place['href']}/$value")
    assert (200, {"catenaXId": SEEN.id, "aspect": SERIAL}) == (status, value)


def _search(address: Json, part: str) -> tuple[int, Json]:
    links = [{"name": "manufacturerPartId", "value": part}]
    return _get(address, f"{address['endpoint']}/lookup/shellsByAssetLink", links)


def test_it_does_not_find_a_part_that_is_not_offered_to_it(space: Space) -> None:
    _, registry = space.consumer.opened(_registry(space.consumer.catalog()))

    status, found = _search(registry, UNSEEN.part)

    assert (200, []) == (status, found["result"])


def test_its_token_dies_with_the_transfer_that_it_ends(space: Space) -> None:
    transfer, registry = space.consumer.opened(_registry(space.consumer.catalog()))
    assert 200 == _search(registry, SEEN.part)[0]

    space.consumer.terminate(transfer)
    ours = space.consumer.transferred(transfer, "TERMINATED")["correlationId"]

    assert "ended by the test" in space.transfer(ours, "TERMINATED")["reason"]
    assert 403 == _search(registry, SEEN.part)[0]


def test_its_token_dies_with_the_transfer_that_we_end(space: Space) -> None:
    transfer, registry = space.consumer.opened(_registry(space.consumer.catalog()))
    ours = space.consumer.transferred(transfer)["correlationId"]

    space.end_transfer(ours)

    assert space.consumer.transferred(transfer, "TERMINATED")
    assert 403 == _search(registry, SEEN.part)[0]


def test_a_policy_that_it_has_changed_is_refused_with_the_difference(space: Space) -> None:
    registry = _registry(space.consumer.catalog())
    offer = registry["hasPolicy"][0]
    rule = {"action": "use"}

    negotiation = space.consumer.negotiate(registry, {**offer, "permission": [rule]})
    ended = space.consumer.agreed(negotiation, "TERMINATED")

    ours = space.negotiation(ended["correlationId"], "TERMINATED")
    assert "Membership eq active" in ours["reason"]


def test_twenty_exchanges_in_a_row_bring_the_data(
    space: Space, record_property: Callable[[str, object], None]
) -> None:
    registry = _registry(space.consumer.catalog())
    races: list[str] = []
    for _ in range(EXCHANGES):
        _, address = _opened(space, registry, races)
        assert 200 == _search(address, SEEN.part)[0]

    record_property("negotiations and transfers begun anew", len(races))
    record_property("for these reasons", "; ".join(races))
    assert EXCHANGES // 4 >= len(races)


def _opened(space: Space, dataset: Json, races: list[str]) -> tuple[str, Json]:
    while True:
        try:
            return space.consumer.opened(dataset)
        except EndedOtherwiseError as end:
            races.append(str(end))
            assert EXCHANGES > len(races), races
