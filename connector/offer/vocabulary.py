"""The closed vocabulary of the Catena-X policy profile 2025-09 (CX-0152)."""

from __future__ import annotations

_EQ = frozenset({"eq"})
_ANY = frozenset({"isAnyOf"})
_ALL = frozenset({"isAllOf"})
_ANY_OR_NONE = frozenset({"isAnyOf", "isNoneOf"})

# Left operand to the operators that the profile allows with it.
OPERATORS = {
    "FrameworkAgreement": _EQ,
    "UsagePurpose": _ANY,
    "Membership": _EQ,
    "BusinessPartnerNumber": _ANY_OR_NONE,
    "BusinessPartnerGroup": _ANY_OR_NONE,
    "ContractReference": _ALL,
    "AffiliatesBpnl": _ANY,
    "AffiliatesRegion": _ANY,
    "ConfidentialInformationSharing": _ANY,
    "UsageRestriction": _ALL,
    "inForceDate": frozenset({"gteq", "lteq"}),
    **dict.fromkeys(
        (
            "DataUsageEndDate",
            "DataUsageEndDurationDays",
            "DataUsageEndDefinition",
            "DataProvisioningEndDate",
            "DataProvisioningEndDurationDays",
            "DataFrequency",
            "VersionChanges",
            "ContractTermination",
            "Liability",
            "Precedence",
            "ExclusiveUsage",
            "Warranty",
            "WarrantyDefinition",
            "WarrantyDurationMonths",
            "JurisdictionLocation",
            "JurisdictionLocationReference",
            "ConfidentialInformationMeasures",
        ),
        _EQ,
    ),
}

PURPOSES = frozenset(
    {
        "cx.core.industrycore:1",
        "cx.core.qualityNotifications:1",
        "cx.core.digitalTwinRegistry:1",
        "cx.core.legalRequirementForThirdparty:1",
        "cx.pcf.base:1",
        "cx.quality.base:1",
        "cx.dcm.base:1",
        "cx.puris.base:1",
        "cx.circular.dpp:1",
        "cx.circular.smc:1",
        "cx.circular.marketplace:1",
        "cx.circular.materialaccounting:1",
        "cx.ccm.base:1",
        "cx.logistics.base:1",
        "cx.ecu.base:1",
    }
)
_PURPOSE_FAMILY = "cx.bpdm."


def is_purpose(value: str) -> bool:
    """Return whether the profile knows this usage purpose."""
    return value in PURPOSES or (value.startswith(_PURPOSE_FAMILY) and value.endswith(":1"))
