"""Terms are looked at before they are used: every mistake, where it is, and the nearest word."""

from __future__ import annotations

from datetime import UTC, date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Severity
from connector.offer.acceptance import acceptable
from connector.offer.lint import Surroundings, lint, lint_accepted
from connector.offer.model import AcceptedTerms, Policy
from connector.offer.odrl import Constraint
from connector.offer.policy import difference, evaluate
from connector.offer.vocabulary import EXCLUSIVE, OPERANDS, PURPOSES, Kind, Operand, Place
from connector.offer.writing import access_policy, usage_policy
from tests.builders.exchange import NOW, OEM, caller
from tests.unit.offer.test_vocabulary import RIGHT

GROUPS = {"gold", "tier-1"}
BESIDE = Surroundings(GROUPS, NOW.astimezone(UTC).date())
HELD = Constraint


def told(policy: Policy) -> list[tuple[str, str]]:
    return [(one.code.removeprefix("offer:"), one.path) for one in lint(policy, BESIDE)]


def holding(place: Place, *constraints: Constraint) -> Policy:
    found = {one: constraints if one is place else () for one in Place}
    return Policy(
        "p",
        permission=found[Place.PERMISSION],
        prohibition=found[Place.PROHIBITION],
        obligation=found[Place.OBLIGATION],
        access=found[Place.ACCESS],
    )


def test_terms_of_the_profile_have_no_mistakes() -> None:
    full = Policy(
        "full",
        purposes=("cx.core.industrycore:1", "cx.bpdm.gate.upload:1"),
        individual_purposes=("FieldStudy",),
        until=date(2027, 12, 31),
        permission=(HELD("Liability", "eq", ("cx.grossNegligence:1",)),),
        prohibition=(HELD("UsageRestriction", "isAllOf", ("cx.thirdParty.forbidden:1",)),),
        obligation=(HELD("DataProvisioningEndDurationDays", "eq", ("365",)),),
        access=(HELD("BusinessPartnerGroup", "isNoneOf", ("tier-1",)),),
    )

    assert [] == told(full)
    assert [] == told(Policy("plain"))


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        (Policy("p", purposes=()), [("purpose_missing", "/purposes")]),
        (Policy("p", purposes=(), individual_purposes=("Study",)), []),
        (Policy("p", purposes=("cx.core.industrycor:1",)), [("purpose_unknown", "/purposes/0")]),
        (Policy("p", purposes=("Study",)), [("purpose_unknown", "/purposes/0")]),
        (
            Policy("p", individual_purposes=("cx.pcf.base:1", "cx.study:1")),
            [
                ("purpose_not_individual", "/individual_purposes/0"),
                ("purpose_not_individual", "/individual_purposes/1"),
            ],
        ),
        (
            Policy("p", framework_agreement="DataExchangeGovernance"),
            [("value_unknown", "/framework_agreement")],
        ),
        (Policy("p", until=date(2026, 11, 21)), [("policy_ended", "/until")]),
        (Policy("p", until=date(2026, 11, 22)), []),
        (
            Policy("p", access=(HELD("inForceDate", "lteq", ("2026-01-01T00:00:00Z",)),)),
            [("policy_ended", "/access/inForceDate")],
        ),
        (Policy("p", access=(HELD("inForceDate", "gteq", ("2026-01-01T00:00:00Z",)),)), []),
        (
            Policy("p", permission=(HELD("Liabilty", "eq", ("cx.grossNegligence:1",)),)),
            [("operand_unknown", "/permission/Liabilty")],
        ),
        (
            Policy("p", permission=(HELD("UsagePurpose", "isAnyOf", ("cx.pcf.base:1",)),)),
            [("operand_has_own_key", "/permission/UsagePurpose")],
        ),
        (
            Policy("p", access=(HELD("BusinessPartnerGroup", "isAnyOf", ("golden",)),)),
            [("group_unknown", "/access/BusinessPartnerGroup")],
        ),
        (
            Policy(
                "p",
                until=date(2027, 1, 1),
                permission=(HELD("DataUsageEndDurationDays", "eq", ("30",)),),
            ),
            [("operands_exclusive", "/permission")],
        ),
        (
            Policy(
                "p",
                until=date(2027, 1, 1),
                permission=(HELD("DataUsageEndDate", "eq", ("2027-06-30T23:59:59Z",)),),
            ),
            [("operands_exclusive", "/permission/DataUsageEndDate")],
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(policy: Policy, found: list[tuple[str, str]]) -> None:
    assert found == told(policy)


@pytest.mark.parametrize("place", Place)
def test_a_constraint_in_the_wrong_place_is_refused(place: Place) -> None:
    strangers = [one for one in OPERANDS.values() if place not in one.places]
    for operand in strangers:
        constraint = HELD(operand.name, operand.operators[0], values_of(operand)[:1])
        policy = holding(place, constraint)
        own = operand.name in ("UsagePurpose", "FrameworkAgreement", "Membership")
        code = "operand_has_own_key" if own and place is not Place.ACCESS else "operand_misplaced"

        assert (code, f"/{place}/{operand.name}") in told(policy)


@pytest.mark.parametrize("group", EXCLUSIVE, ids=sorted)
def test_operands_that_exclude_each_other_are_told(group: frozenset[str]) -> None:
    both = [OPERANDS[name] for name in sorted(group)][:2]
    constraints = tuple(HELD(one.name, "eq", values_of(one)[:1]) for one in both)
    place = both[0].places[0]

    policy = holding(place, *constraints)

    assert [("operands_exclusive", f"/{place}")] == told(policy)


def test_a_policy_that_has_ended_is_a_warning() -> None:
    (finding,) = lint(Policy("p", until=date(2026, 1, 1)), BESIDE)

    assert Severity.WARNING == finding.severity


@pytest.mark.parametrize(
    ("accepted", "found"),
    [
        (AcceptedTerms(), []),
        (AcceptedTerms(purposes=("FieldStudy",), operands=("Liability", "Membership")), []),
        (AcceptedTerms(values={"Liability": ("cx.grossNegligence:1",)}), []),
        (AcceptedTerms(purposes=("cx.pcf.base",)), [("value_unknown", "/purposes/0")]),
        (
            AcceptedTerms(framework_agreements=("DataExchangeGovernance:2.0",)),
            [("value_unknown", "/framework_agreements/0")],
        ),
        (AcceptedTerms(operands=("Liabilty",)), [("operand_unknown", "/operands/0")]),
        (
            AcceptedTerms(operands=("BusinessPartnerGroup",)),
            [("operand_misplaced", "/operands/0")],
        ),
        (
            AcceptedTerms(values={"UsagePurpose": ("cx.pcf.base:1",)}),
            [("operand_has_own_key", "/values/UsagePurpose")],
        ),
        (
            AcceptedTerms(values={"Liability": ("cx.noNegligence:1",)}),
            [("value_unknown", "/values/Liability")],
        ),
    ],
)
def test_accepted_terms_that_no_offer_can_ask_for_are_told(
    accepted: AcceptedTerms, found: list[tuple[str, str]]
) -> None:
    assert found == [
        (one.code.removeprefix("offer:"), one.path) for one in lint_accepted(accepted)
    ]


def values_of(operand: Operand) -> tuple[str, ...]:
    return operand.words or RIGHT[operand.kind]


@st.composite
def constraints_for(draw: st.DrawFn, place: Place) -> tuple[Constraint, ...]:
    """Constraints of one place, each operand once, as a configuration can hold them."""
    known = [one for one in OPERANDS.values() if place in one.places]
    own = {"UsagePurpose", "FrameworkAgreement", "Membership"}
    chosen = draw(st.lists(st.sampled_from(known), unique_by=lambda one: one.name))
    found = []
    for operand in chosen:
        if operand.name in own or operand.kind in (Kind.GROUP, Kind.DATE):
            continue
        operator = draw(st.sampled_from(operand.operators))
        values = draw(st.lists(st.sampled_from(values_of(operand)), min_size=1, unique=True))
        kept = values[:1] if operator == "eq" else sorted(values)
        found.append(Constraint(operand.name, operator, tuple(kept)))
    return tuple(found)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy of the vocabulary, some with operands that exclude each other."""
    return Policy(
        "any",
        purposes=tuple(draw(st.lists(st.sampled_from(PURPOSES), min_size=1, unique=True))),
        membership=draw(st.booleans()),
        until=draw(st.none() | st.just(BESIDE.today + timedelta(days=9))),
        permission=draw(constraints_for(Place.PERMISSION)),
        prohibition=draw(constraints_for(Place.PROHIBITION)),
        obligation=draw(constraints_for(Place.OBLIGATION)),
    )


@given(policies())
def test_terms_without_mistakes_can_be_decided_offered_and_accepted(policy: Policy) -> None:
    if lint(policy, BESIDE):
        return
    offered = usage_policy(policy)
    willing = AcceptedTerms(purposes=policy.purposes, operands=tuple(OPERANDS))

    assert evaluate(offered, caller(OEM), NOW).allowed
    assert evaluate(access_policy(policy, [OEM]), caller(OEM), NOW).allowed
    assert [] == acceptable(offered, willing)
    assert [] == difference(offered, offered)


@given(policies(), policies())
def test_two_terms_differ_exactly_where_their_policies_do(one: Policy, other: Policy) -> None:
    lines = difference(usage_policy(one), usage_policy(other))

    assert bool(lines) == (_meaning(one) != _meaning(other))
    assert all(line[:2] in ("- ", "+ ") for line in lines)


def _meaning(policy: Policy) -> tuple[object, ...]:
    places = (policy.permission, policy.prohibition, policy.obligation)
    held = (tuple(sorted(constraints)) for constraints in places)
    return (policy.membership, policy.until, sorted(policy.purposes), *held)
