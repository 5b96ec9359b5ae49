"""Our connector finds, negotiates and reads what an Eclipse one with real identity offers.

It decides by our credentials: it asks for all three of Catena-X at every message, and its
class in the tests decides constraints on our number by what they attest.
"""

from __future__ import annotations

import pytest

from tests.conformance.edc.eclipse import Json
from tests.conformance.edc.terms import FOR_CARBON, GOVERNED, TERMS, number_is_any_of
from tests.conformance.edc_dcp import plant
from tests.conformance.edc_dcp.neighbours import OURS, THEIRS, Neighbours

pytestmark = pytest.mark.conformance

ONLY_US, ONLY_OTHERS = number_is_any_of(OURS), number_is_any_of(THEIRS)


@pytest.fixture(scope="module")
def offered(neighbours: Neighbours) -> Neighbours:
    """Let it offer its registry to us, and each kind of submodel under terms of its own."""
    publisher = neighbours.theirs.publisher
    publisher.allow([plant.REGISTRY_ASSET], TERMS)
    publisher.allow([plant.SUBMODEL_ASSET], TERMS, access=[ONLY_US])
    publisher.allow([plant.OTHERS_ASSET], TERMS, access=[ONLY_OTHERS])
    publisher.allow([plant.CARBON_ASSET], [GOVERNED, FOR_CARBON])
    return neighbours


def test_we_read_a_submodel_that_it_shows_to_our_number(offered: Neighbours) -> None:
    report = offered.collect()

    (part,) = report["parts"]
    assert ([], plant.TWIN) == (report["tombstones"], part["global_asset_id"])
    assert [plant.SEMANTIC_ID] == part["aspects"]


def test_we_are_told_nothing_of_what_it_shows_to_another_number(offered: Neighbours) -> None:
    tombstone = _tombstone(offered.collect(plant.OTHERS_SERIAL))

    assert plant.OTHERS_ASSET in tombstone["reason"]


def test_we_ask_for_nothing_under_terms_that_we_have_not_accepted(offered: Neighbours) -> None:
    tombstone = _tombstone(offered.collect(plant.CARBON_SERIAL))

    assert "UsagePolicyValidation" == tombstone["step"]
    assert "cx.pcf.base:1" in tombstone["reason"]


def _tombstone(report: Json) -> Json:
    """Return the one thing that a walk did not get."""
    (tombstone,) = report["tombstones"]
    found: Json = tombstone
    return found
