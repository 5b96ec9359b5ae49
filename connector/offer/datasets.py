"""The shelf: all datasets of the connector, and what of them a partner may have.

There is one dataset for the registry and one for each aspect and policy, however many twins
there are. Ids are worked out, not stored: they stay the same over restarts, and an offer's
id changes with its terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import NAMESPACE_URL, uuid5

import orjson

from connector.errors import SetupError
from connector.identifiers import Bpnl, SemanticId
from connector.offer.model import (
    Circumstances,
    Dataset,
    DatasetKind,
    Decision,
    OfferRule,
    Policy,
)
from connector.offer.odrl import Constraint, rules_of
from connector.offer.policy import Reading, admits, decide, reading_of
from connector.offer.vocabulary import OPERANDS, Kind, moment
from connector.offer.writing import access_policy, end_of, usage_policy
from connector.partner.model import Caller
from connector.texts import word

REGISTRY_POLICY = Policy("registry", purposes=("cx.core.digitalTwinRegistry:1",))
AAS_VERSION = "3.0"

_TAXONOMY = "https://w3id.org/catenax/taxonomy#"
_VERSION = "https://w3id.org/catenax/ontology/common#version"
_SEMANTIC_ID = "https://admin-shell.io/aas/3/0/HasSemantics/semanticId"

Groups = Mapping[Bpnl, frozenset[str]]
NO_GROUPS: Groups = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Terms:
    """A policy read once; from ``starts`` to ``ends`` something is given out under it."""

    policy: Policy
    usage: Reading = field(init=False)
    access: Reading = field(init=False)
    starts: datetime | None = field(init=False)
    ends: datetime | None = field(init=False)

    def __post_init__(self) -> None:
        policy = self.policy
        object.__setattr__(self, "usage", reading_of(rules_of(usage_policy(policy))))
        object.__setattr__(self, "access", reading_of(rules_of(access_policy(policy, ()))))
        object.__setattr__(self, "starts", max(_moments(policy, starts=True), default=None))
        object.__setattr__(self, "ends", min(_moments(policy, starts=False), default=None))

    def in_force(self, now: datetime) -> bool:
        """Return whether the policy has begun and not ended."""
        has_begun = self.starts is None or self.starts <= now
        return has_begun and (self.ends is None or now < self.ends + timedelta(seconds=1))


class Shelf:
    """Datasets under the rules and policies of the configuration; no input, no output.

    ``semantic_ids`` is asked for the aspects in use, and ``installation`` (the connector's
    own name, never shown) sets our ids apart from everybody else's. ``groups`` are those
    that each partner was put in. A policy called ``registry`` replaces the terms of the
    registry. Raises `SetupError` where a rule names a policy that does not exist.
    """

    def __init__(
        self,
        rules: Sequence[OfferRule],
        policies: Iterable[Policy],
        semantic_ids: Callable[[], Iterable[SemanticId]],
        installation: str,
        groups: Groups = NO_GROUPS,
    ) -> None:
        known = {"registry": REGISTRY_POLICY} | {one.name: one for one in policies}
        _check_policies(rules, known)
        self._groups = groups
        self._terms = {name: _Terms(policy) for name, policy in known.items()}
        self.rules = tuple(self._narrowed(rule) for rule in rules)
        self._semantic_ids = semantic_ids
        self._installation = installation
        self._made: dict[tuple[SemanticId, str], Dataset] = {}
        self._registry = self._dataset(None, known["registry"])
        self._known: dict[str, Dataset] = {self._registry.id: self._registry}
        self._shelved: frozenset[SemanticId] = frozenset()

    def visible_to(self, caller: Caller, now: datetime) -> tuple[Dataset, ...]:
        """Return the datasets of the caller's catalog: those whose access policy it fulfils."""
        self._stock()
        asked = self._circumstances(caller, now)
        return tuple(one for one in self._known.values() if self._access(one, asked).allowed)

    def find(self, dataset_id: str, caller: Caller, now: datetime) -> Dataset | None:
        """Return a dataset if the caller may see it; None is all that it learns else."""
        dataset = self._named(dataset_id)
        asked = self._circumstances(caller, now)
        return dataset if dataset and self._access(dataset, asked).allowed else None

    def allows(
        self,
        dataset: Dataset,
        caller: Caller,
        now: datetime,
        signed_at: datetime | None = None,
    ) -> Decision:
        """Decide whether the caller may have an agreement, or data under one, now.

        ``signed_at`` is when the agreement was made: durations in days count from it, and
        are not asked while there is none.
        """
        asked = self._circumstances(caller, now, signed_at)
        access = self._access(dataset, asked)
        usage = decide(self._terms[dataset.policy_name].usage, asked)
        return Decision(access.allowed and usage.allowed, (*access.reasons, *usage.reasons))

    def granted(self, dataset_id: str, bpnl: Bpnl, now: datetime) -> Dataset | None:
        """Return a dataset if a rule in force still names the partner for it.

        This is what is asked at every read under an agreement; credentials were asked when
        access was granted.
        """
        dataset = self._named(dataset_id)
        if dataset is None or not self._in_force(dataset.policy_name, now):
            return None
        naming = any(bpnl in rule.partners for rule in self._rules_for(dataset, now))
        return dataset if naming else None

    def rules_in_force(self, now: datetime) -> tuple[OfferRule, ...]:
        """Return the rules whose policy has not ended."""
        return tuple(rule for rule in self.rules if self._in_force(rule.policy, now))

    def registry(self) -> Dataset:
        """Return the dataset through which twins are found."""
        return self._registry

    def submodels(self, semantic_id: SemanticId, policy: str) -> Dataset:
        """Return the dataset of one aspect under one policy, as a submodel descriptor names it."""
        made = self._made.get((semantic_id, policy))
        if made is None:
            made = self._dataset(semantic_id, self._terms[policy].policy)
            self._made[semantic_id, policy] = made
        return made

    def _named(self, dataset_id: str) -> Dataset | None:
        if dataset_id not in self._known:
            self._stock()
        return self._known.get(dataset_id)

    def _stock(self) -> None:
        """Add the datasets of aspects that have come into use since last time."""
        used = frozenset(self._semantic_ids())
        for semantic_id in sorted(used - self._shelved):
            for name in dict.fromkeys(r.policy for r in self.rules if r.covers(semantic_id)):
                dataset = self.submodels(semantic_id, name)
                self._known[dataset.id] = dataset
        self._shelved |= used

    def _circumstances(
        self, caller: Caller, now: datetime, signed_at: datetime | None = None
    ) -> Circumstances:
        groups = self._groups.get(caller.bpnl, frozenset())
        return Circumstances(caller, now.astimezone(UTC), groups, signed_at)

    def _access(self, dataset: Dataset, asked: Circumstances) -> Decision:
        bpnl = asked.caller.bpnl
        if not any(bpnl in rule.partners for rule in self._rules_for(dataset, asked.now)):
            return Decision(allowed=False, reasons=(word("offer:not_named", bpnl=bpnl),))
        return decide(self._terms[dataset.policy_name].access, asked)

    def _narrowed(self, rule: OfferRule) -> OfferRule:
        """Leave out the partners whom the access policy shuts out by number or group.

        So they see neither the offer nor its twins.
        """
        access = self._terms[rule.policy].policy.access
        admitted = tuple(
            bpnl
            for bpnl in rule.partners
            if all(admits(one, bpnl, self._groups.get(bpnl, frozenset())) for one in access)
        )
        return rule if admitted == rule.partners else replace(rule, partners=admitted)

    def _rules_for(self, dataset: Dataset, now: datetime) -> list[OfferRule]:
        semantic_id = dataset.semantic_id
        if semantic_id is None:
            return list(self.rules_in_force(now))
        return [
            rule
            for rule in self.rules_in_force(now)
            if rule.policy == dataset.policy_name and rule.covers(semantic_id)
        ]

    def _in_force(self, policy: str, now: datetime) -> bool:
        return self._terms[policy].in_force(now)

    def _dataset(self, semantic_id: SemanticId | None, policy: Policy) -> Dataset:
        dataset_id = self._id(semantic_id or DatasetKind.REGISTRY, policy.name)
        terms = usage_policy(policy)
        return Dataset(
            id=dataset_id,
            kind=DatasetKind.SUBMODELS if semantic_id else DatasetKind.REGISTRY,
            semantic_id=semantic_id,
            offer_id=self._id(dataset_id, orjson.dumps(terms).decode()),
            policy=terms,
            properties=_properties(semantic_id),
            policy_name=policy.name,
        )

    def _id(self, *parts: str) -> str:
        name = orjson.dumps((self._installation, *parts)).decode()
        return uuid5(NAMESPACE_URL, name).urn


def _moments(policy: Policy, *, starts: bool) -> Iterator[datetime]:
    """Yield the moments at which a policy starts or ends, whatever the agreement."""
    until = [Constraint("inForceDate", "lteq", (end_of(policy.until),))] if policy.until else []
    for constraint in (*until, *policy.access, *policy.permission, *policy.obligation):
        operand = OPERANDS.get(constraint.operand)
        is_date = operand is not None and operand.kind is Kind.DATE
        if is_date and starts == (constraint.operator == "gteq"):
            found = moment("".join(constraint.values))
            yield from [found] if found else []


def _properties(semantic_id: SemanticId | None) -> Mapping[str, object]:
    kind = "SubmodelBundle" if semantic_id else "DigitalTwinRegistry"
    properties: dict[str, object] = {
        "dct:type": {"@id": f"{_TAXONOMY}{kind}"},
        _VERSION: AAS_VERSION,
    }
    if semantic_id:
        properties[_SEMANTIC_ID] = {"@id": str(semantic_id)}
    return properties


def _check_policies(rules: Iterable[OfferRule], policies: Mapping[str, Policy]) -> None:
    for rule in rules:
        if rule.policy not in policies:
            known = ", ".join(sorted(policies))
            raise SetupError(
                "offer:policy_undefined", rule=rule.name, policy=rule.policy, known=known
            )
