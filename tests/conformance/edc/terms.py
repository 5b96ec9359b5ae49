"""Terms of Catena-X as an Eclipse connector is told them."""

from __future__ import annotations

from connector.offer.vocabulary import NAMESPACE
from tests.conformance.edc.eclipse import Json


def _constraint(operand: str, operator: str, value: object) -> Json:
    return {
        "odrl:leftOperand": {"@id": NAMESPACE + operand},
        "odrl:operator": {"@id": f"odrl:{operator}"},
        "odrl:rightOperand": value,
    }


GOVERNED = _constraint("FrameworkAgreement", "eq", "DataExchangeGovernance:1.0")
FOR_PARTS = _constraint("UsagePurpose", "isAnyOf", "cx.core.industrycore:1")
FOR_CARBON = _constraint("UsagePurpose", "isAnyOf", "cx.pcf.base:1")


TERMS = [GOVERNED, FOR_PARTS]
LIABLE = [
    *TERMS,
    _constraint("Liability", "eq", "cx.slightNegligence:1"),
    _constraint("ContractReference", "isAllOf", ["MX-2026-17", "AGB-9832"]),
]
MORE_LIABLE = [*TERMS, _constraint("Liability", "eq", "cx.grossNegligence:1")]


def number_is_any_of(*numbers: str) -> Json:
    """Return the constraint that a partner's number is one of these."""
    return _constraint("BusinessPartnerNumber", "isAnyOf", list(numbers))
