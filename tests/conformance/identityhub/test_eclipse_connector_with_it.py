"""An EDC 0.14.0 whose wallet is IdentityHub exchanges with our connector, both ways.

It signs by the hub's token service, partners read its DID document there and ask there for its
credentials, which the hub got from the demo's authority. Ours is proven by its own wallet.
"""

from __future__ import annotations

import base64

import pytest

from tests.conformance.edc.reading import get, registry_of, search
from tests.conformance.edc.terms import TERMS
from tests.conformance.edc_dcp import plant
from tests.conformance.identityhub.eclipse_member import SEEN, UNSEEN, Meeting

pytestmark = pytest.mark.conformance

SEMANTIC_ID = "https://admin-shell.io/aas/3/0/HasSemantics/semanticId"


def test_it_reads_a_submodel_of_ours(met: Meeting) -> None:
    datasets = met.consumer.catalog()
    _, registry = met.consumer.opened(registry_of(datasets))
    status, found = search(registry, SEEN)
    assert (200, 2) == (status, len(found["result"]))

    shell_id = base64.urlsafe_b64encode(found["result"][0].encode()).decode()
    status, shell = get(registry, f"{registry['endpoint']}/shell-descriptors/{shell_id}")
    place = shell["submodelDescriptors"][0]["endpoints"][0]["protocolInformation"]
    aspect = next(one for one in datasets if SEMANTIC_ID in one)
    _, address = met.consumer.opened(aspect)
    status, value = get(address, f"{place['href']}/$value")

    assert (200, SEEN) == (status, value["partTypeInformation"]["manufacturerPartId"])


def test_it_does_not_find_what_is_not_offered_to_it(met: Meeting) -> None:
    _, registry = met.consumer.opened(registry_of(met.consumer.catalog()))

    assert (200, []) == (search(registry, UNSEEN)[0], search(registry, UNSEEN)[1]["result"])


def test_we_read_a_submodel_of_its(met: Meeting) -> None:
    met.publisher.allow([plant.REGISTRY_ASSET, plant.SUBMODEL_ASSET], TERMS)

    report = met.collect()

    (part,) = report["parts"]
    assert ([], plant.TWIN) == (report["tombstones"], part["global_asset_id"])
    assert [plant.SEMANTIC_ID] == part["aspects"]
