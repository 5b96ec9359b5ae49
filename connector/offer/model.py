"""Policies, offer rules, datasets and decisions as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from connector.identifiers import Bpnl, SemanticId
from connector.offer.odrl import Constraint
from connector.offer.vocabulary import GOVERNANCE
from connector.partner.model import Caller

HTTP_PULL = "HttpData-PULL"


@dataclass(frozen=True, slots=True)
class Policy:
    """The terms under which data is offered, under the name that the operator gave them.

    ``purposes`` are the usage purposes that the consumer may choose among (CX-0152, left
    operand ``UsagePurpose``), ``individual_purposes`` those that the parties agreed
    themselves; ``until`` is the last day, in UTC, on which data is given out. The others are
    further constraints, by where in a policy they stand; ``access`` is never sent.
    """

    name: str
    framework_agreement: str = GOVERNANCE
    purposes: tuple[str, ...] = ("cx.core.industrycore:1",)
    membership: bool = True
    until: date | None = None
    individual_purposes: tuple[str, ...] = ()
    permission: tuple[Constraint, ...] = ()
    prohibition: tuple[Constraint, ...] = ()
    obligation: tuple[Constraint, ...] = ()
    access: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferRule:
    """Which partners are offered which aspects of which parts under which policy.

    ``parts`` are patterns of manufacturerPartId with ``*`` and ``?``, case counted; no
    pattern means every part, and no aspect means every aspect. The order of the rules in
    the configuration decides where several fit.
    """

    name: str
    partners: tuple[Bpnl, ...]
    policy: str
    aspects: tuple[SemanticId, ...] = ()
    parts: tuple[str, ...] = ()

    def covers(self, semantic_id: SemanticId) -> bool:
        """Return whether the rule offers this aspect."""
        return not self.aspects or semantic_id in self.aspects


class DatasetKind(StrEnum):
    """What a dataset gives access to."""

    REGISTRY = "registry"
    SUBMODELS = "submodels"


@dataclass(frozen=True, slots=True)
class Dataset:
    """One entry of the catalog; their number does not grow with the number of twins.

    ``policy`` is the usage policy in the compact form of DSP 2025-1 without ``@id``,
    ``@type`` and ``target``; the offer in the catalog is
    ``{"@id": offer_id, "@type": "Offer", **policy}``. ``properties`` are the further keys of
    the dataset on the wire, such as ``dct:type``. ``semantic_id`` is None for the registry.
    """

    id: str
    kind: DatasetKind
    semantic_id: SemanticId | None
    offer_id: str
    policy: Mapping[str, object]
    properties: Mapping[str, object]
    policy_name: str
    format: str = HTTP_PULL


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed; when it is not, ``reasons`` says why in English."""

    allowed: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a policy is decided by: who asks, when, and what only we know of it.

    ``groups`` are those that we have put the caller's legal entity in; ``signed_at`` is when
    the agreement was made, None before there is one.
    """

    caller: Caller
    now: datetime
    groups: frozenset[str] = frozenset()
    signed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AcceptedTerms:
    """What we, as consumer, agree to without asking a person.

    ``operands`` names further left operands of the Catena-X profile whose duties the
    operator has declared to meet, whatever their value; ``values`` names operands of which
    only these values are accepted.
    """

    framework_agreements: tuple[str, ...] = (GOVERNANCE,)
    purposes: tuple[str, ...] = ("cx.core.industrycore:1", "cx.core.digitalTwinRegistry:1")
    operands: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
