"""Our connector finds, negotiates and reads what an Eclipse one with real identity offers."""

from __future__ import annotations

import pytest

from tests.conformance.edc.terms import TERMS
from tests.conformance.edc_dcp import plant
from tests.conformance.edc_dcp.neighbours import Neighbours

pytestmark = pytest.mark.conformance


def test_we_read_a_submodel_that_we_found_in_its_registry(neighbours: Neighbours) -> None:
    assets = [plant.REGISTRY_ASSET, plant.SUBMODEL_ASSET]
    neighbours.theirs.publisher.allow(assets, TERMS)

    report = neighbours.collect()

    (part,) = report["parts"]
    assert ([], plant.TWIN) == (report["tombstones"], part["global_asset_id"])
    assert [plant.SEMANTIC_ID] == part["aspects"]
