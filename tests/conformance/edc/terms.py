"""Terms of Catena-X as an Eclipse connector is told them."""

from __future__ import annotations

from connector.offer.vocabulary import NAMESPACE
from tests.conformance.edc.eclipse import Json


def _constraint(operand: str, operator: str, value: str) -> Json:
    return {
        "odrl:leftOperand": {"@id": NAMESPACE + operand},
        "odrl:operator": {"@id": f"odrl:{operator}"},
        "odrl:rightOperand": value,
    }


GOVERNED = _constraint("FrameworkAgreement", "eq", "DataExchangeGovernance:1.0")
FOR_PARTS = _constraint("UsagePurpose", "isAnyOf", "cx.core.industrycore:1")
FOR_CARBON = _constraint("UsagePurpose", "isAnyOf", "cx.pcf.base:1")


TERMS = [GOVERNED, FOR_PARTS]
