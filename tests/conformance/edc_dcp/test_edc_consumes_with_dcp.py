"""An Eclipse connector with real identity finds, negotiates and reads what ours offers."""

from __future__ import annotations

import base64

import pytest

from tests.conformance.edc.reading import get, registry_of, search
from tests.conformance.edc_dcp.neighbours import SEEN, UNSEEN, Neighbours

pytestmark = pytest.mark.conformance

SEMANTIC_ID = "https://admin-shell.io/aas/3/0/HasSemantics/semanticId"


def test_it_reads_a_submodel_by_the_credentials_of_its_wallet(neighbours: Neighbours) -> None:
    datasets = neighbours.consumer.catalog()
    _, registry = neighbours.consumer.opened(registry_of(datasets))
    status, found = search(registry, SEEN)
    assert (200, 2) == (status, len(found["result"]))

    shell_id = base64.urlsafe_b64encode(found["result"][0].encode()).decode()
    status, shell = get(registry, f"{registry['endpoint']}/shell-descriptors/{shell_id}")
    place = shell["submodelDescriptors"][0]["endpoints"][0]["protocolInformation"]
    aspect = next(one for one in datasets if SEMANTIC_ID in one)
    _, address = neighbours.consumer.opened(aspect)
    status, value = get(address, f"{place['href']}/$value")

    assert (200, SEEN) == (status, value["partTypeInformation"]["manufacturerPartId"])


def test_it_does_not_find_a_part_that_is_not_offered_to_its_number(
    neighbours: Neighbours,
) -> None:
    _, registry = neighbours.consumer.opened(registry_of(neighbours.consumer.catalog()))

    assert (200, []) == (search(registry, UNSEEN)[0], search(registry, UNSEEN)[1]["result"])
