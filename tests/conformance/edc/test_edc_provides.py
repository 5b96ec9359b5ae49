"""Our connector finds, negotiates and reads what an Eclipse connector offers."""

from __future__ import annotations

import pytest

from connector.offer.odrl import NAMESPACE
from tests.conformance.edc.conftest import Space
from tests.conformance.edc.eclipse import Json

pytestmark = pytest.mark.conformance


def _constraint(operand: str, operator: str, value: str) -> Json:
    return {
        "odrl:leftOperand": {"@id": NAMESPACE + operand},
        "odrl:operator": {"@id": f"odrl:{operator}"},
        "odrl:rightOperand": value,
    }


GOVERNED = _constraint("FrameworkAgreement", "eq", "DataExchangeGovernance:1.0")
FOR_PARTS = _constraint("UsagePurpose", "isAnyOf", "cx.core.industrycore:1")
FOR_CARBON = _constraint("UsagePurpose", "isAnyOf", "cx.pcf.base:1")


def test_we_read_what_it_offers_under_terms_of_the_data_space(space: Space) -> None:
    space.publisher.offer("part-1", space.backend, [GOVERNED, FOR_PARTS])

    status, told = space.pull("part-1")

    assert status == 200, told
    assert told["value"] == {"path": "/parts/part-1/submodel/$value"}
