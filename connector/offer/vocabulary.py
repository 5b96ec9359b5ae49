"""The closed vocabulary of the Catena-X policy profile 2025-09, as one table (CX-0152 1.0).

Operators, values and places are those of the profile's JSON schemas, which the Tractus-X
connector checks policies with. Where publications differ, the schemas count: an older list of
terms has ``WarrantyDuration``, ``ParticipationEnd`` and ``ManagedLegalEntity*``, which those
schemas lack, and lacks ``WarrantyDefinition`` and ``WarrantyDurationMonths``, which they have.
``inForceDate`` is not Catena-X's but the Eclipse connector's; Tractus-X takes it in access
policies, and so do we.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

NAMESPACE = "https://w3id.org/catenax/2025/9/policy/"
GOVERNANCE = "DataExchangeGovernance:1.0"
COUNT_MAX = 36_500
TYPING_MISTAKES = 2
VALUE_CHARACTERS_MAX = 500

_EDC = "https://w3id.org/edc/v0.0.1/ns/"
_BPNL = re.compile(r"BPNL[0-9A-Z]{12}")
_COUNT = re.compile(r"[1-9][0-9]{0,4}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})")
_CLOSED_PREFIX = "cx."


class Place(StrEnum):
    """Where in a policy a constraint stands: in the access policy, or in a rule about use."""

    ACCESS = "access"
    PERMISSION = "permission"
    PROHIBITION = "prohibition"
    OBLIGATION = "obligation"


class Kind(StrEnum):
    """What the values of an operand are."""

    WORD = "word"
    PURPOSE = "purpose"
    TEXT = "text"
    GROUP = "group"
    BPNL = "bpnl"
    DATE = "date"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Operand:
    """One left operand: what may be compared with what, and where.

    ``words`` are all values that there are, empty where values are free. An operator that
    takes one value is one of `SINGLE`; the others take a list.
    """

    name: str
    kind: Kind
    operators: tuple[str, ...]
    places: tuple[Place, ...]
    words: tuple[str, ...] = ()

    @property
    def iri(self) -> str:
        """The full name, which means the same under every context."""
        return (_EDC if self.name == "inForceDate" else NAMESPACE) + self.name


SINGLE = frozenset({"eq", "gteq", "lteq"})
_EQ, _ANY, _ALL, _EITHER = ("eq",), ("isAnyOf",), ("isAllOf",), ("isAnyOf", "isNoneOf")
_ACCESS, _USE = (Place.ACCESS,), (Place.PERMISSION,)
_BOTH, _EITHER_WAY = (*_ACCESS, *_USE), (Place.PERMISSION, Place.PROHIBITION)

PURPOSES = tuple(
    f"cx.{name}:1"
    for name in (
        *("core.industrycore", "core.qualityNotifications", "core.digitalTwinRegistry"),
        *("core.legalRequirementForThirdparty", "pcf.base", "quality.base", "dcm.base"),
        *("puris.base", "circular.dpp", "circular.smc", "circular.marketplace"),
        *("circular.materialaccounting", "materialaccounting.base", "ccm.base", "ecu.base"),
        *("logistics.base", "engineering.base", "esdscom.base", "bpdm.pool", "bpdm.poolAll"),
        *("bpdm.gate.upload", "bpdm.gate.download", "bpdm.vas.countryrisk"),
        *("bpdm.vas.dataquality.upload", "bpdm.vas.dataquality.download"),
        *("bpdm.vas.bdv.upload", "bpdm.vas.bdv.download", "bpdm.vas.fpd.upload"),
        *("bpdm.vas.fpd.download", "bpdm.vas.swd.upload", "bpdm.vas.swd.download"),
        *("bpdm.vas.nps.upload", "bpdm.vas.nps.download"),
    )
)
_REGIONS = tuple(
    f"cx.region.{name}:1"
    for name in (
        *("all", "europe", "northAmerica", "southAmerica"),
        *("africa", "asia", "oceania", "antarctica"),
    )
)
_FORBIDDEN = tuple(
    f"cx.{name}.forbidden:1"
    for name in (
        *("thirdParty", "manipulation", "derivations"),
        *("extraordinaryAnalytics", "dataProviderRemoval"),
    )
)


def _words(name: str, places: tuple[Place, ...], *words: str) -> Operand:
    return Operand(name, Kind.WORD, _EQ, places, words)


_TABLE = (
    _words("FrameworkAgreement", _BOTH, GOVERNANCE),
    _words("Membership", _BOTH, "active"),
    Operand("BusinessPartnerNumber", Kind.BPNL, _EITHER, _ACCESS),
    Operand("BusinessPartnerGroup", Kind.GROUP, _EITHER, _ACCESS),
    Operand("inForceDate", Kind.DATE, ("gteq", "lteq"), _ACCESS),
    Operand("UsagePurpose", Kind.PURPOSE, _ANY, _USE),
    Operand("ContractReference", Kind.TEXT, _ALL, _USE),
    Operand("AffiliatesRegion", Kind.WORD, _ANY, _EITHER_WAY, _REGIONS),
    Operand("AffiliatesBpnl", Kind.BPNL, _ANY, _EITHER_WAY),
    _words("DataFrequency", _USE, "cx.dataFrequency.once:1", "cx.dataFrequency.unlimited:1"),
    _words("VersionChanges", _USE, "cx.versionChanges.minor:1", "cx.versionChanges.major:1"),
    _words("ContractTermination", _USE, "cx.data.deletion:1", "cx.data.keeping:1"),
    _words("ConfidentialInformationMeasures", _USE, "cx.confidentiality.measures:1"),
    Operand(
        "ConfidentialInformationSharing",
        Kind.WORD,
        _ANY,
        _USE,
        ("cx.sharing.affiliates:1", "cx.sharing.managedLegalEntity:1"),
    ),
    _words("ExclusiveUsage", _USE, "cx.exclusiveUsage.dataConsumer:1"),
    _words(
        "Warranty",
        _USE,
        "cx.warranty.none:1",
        "cx.warranty.contractReference:1",
        "cx.warranty.dataQualityIssues:1",
    ),
    _words("WarrantyDefinition", _USE, "cx.warranty.contractEndDate:1"),
    Operand("WarrantyDurationMonths", Kind.COUNT, _EQ, _USE),
    _words("Liability", _USE, "cx.grossNegligence:1", "cx.slightNegligence:1"),
    Operand("JurisdictionLocation", Kind.TEXT, _EQ, _USE),
    _words(
        "JurisdictionLocationReference",
        _USE,
        "cx.location.dataConsumer:1",
        "cx.location.contractReference:1",
    ),
    _words("Precedence", _USE, "cx.precedence.contractReference:1", "cx.precedence.rcAgreement:1"),
    Operand("DataUsageEndDate", Kind.DATE, _EQ, _USE),
    Operand("DataUsageEndDurationDays", Kind.COUNT, _EQ, _USE),
    _words("DataUsageEndDefinition", _USE, "cx.dataUsageEnd.unlimited:1"),
    Operand("UsageRestriction", Kind.WORD, _ALL, (Place.PROHIBITION,), _FORBIDDEN),
    Operand("DataProvisioningEndDate", Kind.DATE, _EQ, (Place.OBLIGATION,)),
    Operand("DataProvisioningEndDurationDays", Kind.COUNT, _EQ, (Place.OBLIGATION,)),
)
OPERANDS = {operand.name: operand for operand in _TABLE}

# Of each of these, a rule may hold one.
EXCLUSIVE = (
    frozenset({"WarrantyDefinition", "WarrantyDurationMonths"}),
    frozenset({"DataUsageEndDate", "DataUsageEndDurationDays", "DataUsageEndDefinition"}),
    frozenset({"DataProvisioningEndDate", "DataProvisioningEndDurationDays"}),
)
# Without these no usage policy is one of the profile's.
MANDATORY = ("FrameworkAgreement", "UsagePurpose")


def is_value(operand: Operand, value: str) -> bool:
    """Return whether a value has the form that the profile wants for an operand."""
    if not value.strip() or len(value) > VALUE_CHARACTERS_MAX:
        return False
    if operand.kind is Kind.WORD:
        return value in operand.words
    return _CHECKS[operand.kind](value)


def is_purpose(value: str) -> bool:
    """Return whether a usage purpose is one of the profile's, or one that two parties agreed.

    The profile leaves purposes of their own to the parties; its own all begin alike.
    """
    return value in PURPOSES or not value.startswith(_CLOSED_PREFIX)


def is_count(value: str) -> bool:
    """Return whether a number of days or months has the form of the profile."""
    return _COUNT.fullmatch(value) is not None and int(value) <= COUNT_MAX


def moment(text: str) -> datetime | None:
    """Return a date with time and offset as the profile writes it; None if it is none."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


_CHECKS: Mapping[Kind, Callable[[str], bool]] = {
    Kind.PURPOSE: is_purpose,
    Kind.BPNL: lambda value: _BPNL.fullmatch(value) is not None,
    Kind.COUNT: is_count,
    Kind.DATE: lambda value: moment(value) is not None,
    Kind.TEXT: lambda _: True,
    Kind.GROUP: lambda _: True,
}


def nearest(word: str, known: tuple[str, ...]) -> str:
    """Return the known word that was most likely meant, empty where there is none at all.

    That is one with a letter or two wrong, else the one that shares most.
    """
    from rapidfuzz.distance import Indel, Levenshtein  # noqa: PLC0415 - only a mistake needs it

    folded = word.casefold()[:VALUE_CHARACTERS_MAX]

    def strangeness(one: str) -> tuple[float, float]:
        wrong = Levenshtein.distance(folded, one.casefold(), score_cutoff=TYPING_MISTAKES)
        return wrong, Indel.normalized_distance(folded, one.casefold())

    return min(known, key=strangeness, default="")
