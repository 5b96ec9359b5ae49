"""An Eclipse connector with real identity finds, negotiates and reads what ours offers."""

from __future__ import annotations

import base64
import json

import pytest

from tests.conformance.edc.eclipse import Json, fetch
from tests.conformance.edc.reading import get, registry_of, search
from tests.conformance.edc_dcp.neighbours import (
    OF_OTHERS,
    SEEN,
    UNDER_CONTRACT,
    UNSEEN,
    Neighbours,
)

pytestmark = pytest.mark.conformance

SEMANTIC_ID = "https://admin-shell.io/aas/3/0/HasSemantics/semanticId"


def _submodels(neighbours: Neighbours, datasets: list[Json], part: str) -> list[str]:
    """Return where the submodels of a kind of part lie, as its registry tells EDC."""
    _, registry = neighbours.consumer.opened(registry_of(datasets))
    status, found = search(registry, part)
    assert 200 == status, found
    return [_place(registry, shell) for shell in found["result"]]


def _place(registry: Json, shell: str) -> str:
    coded = base64.urlsafe_b64encode(shell.encode()).decode()
    status, descriptor = get(registry, f"{registry['endpoint']}/shell-descriptors/{coded}")
    assert 200 == status, descriptor
    (submodel,) = descriptor["submodelDescriptors"]
    return str(submodel["endpoints"][0]["protocolInformation"]["href"])


def _aspects(datasets: list[Json], *, under_contract: bool) -> list[Json]:
    """Return the datasets of submodels, those under a contract or the others."""
    aspects = [one for one in datasets if SEMANTIC_ID in one]
    return [one for one in aspects if ("MX-2026-17" in json.dumps(one)) is under_contract]


def test_it_reads_a_submodel_by_the_credentials_of_its_wallet(neighbours: Neighbours) -> None:
    datasets = neighbours.consumer.catalog()
    place, _ = _submodels(neighbours, datasets, SEEN)

    (aspect,) = _aspects(datasets, under_contract=False)
    _, address = neighbours.consumer.opened(aspect)

    status, value = get(address, f"{place}/$value")
    assert (200, SEEN) == (status, value["partTypeInformation"]["manufacturerPartId"])


def test_it_agrees_to_all_words_of_the_profile_and_echoes_them_unchanged(
    neighbours: Neighbours,
) -> None:
    datasets = neighbours.consumer.catalog()
    place, _ = _submodels(neighbours, datasets, UNDER_CONTRACT)

    (aspect,) = _aspects(datasets, under_contract=True)
    _, address = neighbours.consumer.opened(aspect)

    status, value = get(address, f"{place}/$value")
    assert (200, UNDER_CONTRACT) == (status, value["partTypeInformation"]["manufacturerPartId"])


@pytest.mark.parametrize("part", [UNSEEN, OF_OTHERS])
def test_it_does_not_find_a_part_that_is_not_offered_to_its_number(
    neighbours: Neighbours, part: str
) -> None:
    assert [] == _submodels(neighbours, neighbours.consumer.catalog(), part)


def test_an_agreement_about_one_dataset_opens_no_part_of_another(neighbours: Neighbours) -> None:
    datasets = neighbours.consumer.catalog()
    place, _ = _submodels(neighbours, datasets, UNDER_CONTRACT)

    (aspect,) = _aspects(datasets, under_contract=False)
    _, address = neighbours.consumer.opened(aspect)

    status, _ = fetch(f"{place}/$value", {"Authorization": address["authorization"]})
    assert status in {403, 404}
