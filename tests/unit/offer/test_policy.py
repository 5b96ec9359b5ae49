"""Policies of the Catena-X profile: built, decided by credentials, compared."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PartnerError
from connector.offer import odrl
from connector.offer.acceptance import acceptable
from connector.offer.model import AcceptedTerms, Policy
from connector.offer.odrl import rules_of
from connector.offer.policy import difference, evaluate
from connector.offer.vocabulary import NAMESPACE
from connector.offer.writing import access_policy, usage_policy
from tests.builders.exchange import NEIGHBOUR, NOW, OEM, caller, credential

NOT_ACCEPTED = "offer:constraint_not_accepted"
TERMS = Policy("traceability", until=date(2026, 12, 31))
MEMBER = credential("MembershipCredential", OEM)
SIGNED = credential("DataExchangeGovernanceCredential", OEM, contractVersion="1.0")


def policy(*constraints, **extra):
    rule = {"action": "use", "constraint": [{"and": list(constraints)}]}
    return {"permission": [rule | extra]}


def constraint(operand, operator, value):
    return {"leftOperand": operand, "operator": operator, "rightOperand": value}


def test_a_usage_policy_has_the_form_of_the_profile():
    constraints = [
        constraint(f"{NAMESPACE}FrameworkAgreement", "eq", "DataExchangeGovernance:1.0"),
        constraint(f"{NAMESPACE}Membership", "eq", "active"),
        constraint(f"{NAMESPACE}UsagePurpose", "isAnyOf", ["cx.core.industrycore:1"]),
        constraint(f"{NAMESPACE}DataUsageEndDate", "eq", "2026-12-31T23:59:59Z"),
    ]

    assert {"profile": NAMESPACE, **policy(*constraints)} == usage_policy(TERMS)


def test_credentials_of_the_authority_fulfil_the_terms():
    assert (True, ()) == _decided(usage_policy(TERMS), caller(OEM))
    assert (True, ()) == _decided(access_policy(TERMS, [OEM]), caller(OEM))


@pytest.mark.parametrize(
    ("credentials", "missing"),
    [
        pytest.param([SIGNED], "Membership", id="not a member"),
        pytest.param([MEMBER], "FrameworkAgreement", id="not signed"),
        pytest.param(
            [MEMBER, credential("DataExchangeGovernanceCredential", OEM, contractVersion="2.0")],
            "FrameworkAgreement",
            id="another version signed",
        ),
        pytest.param(
            [credential("MembershipCredential", NEIGHBOUR), SIGNED],
            "Membership",
            id="somebody else's membership",
        ),
        pytest.param(
            [replace(MEMBER, expires_at=NOW), SIGNED], "Membership", id="expired this moment"
        ),
        pytest.param(
            [replace(MEMBER, subject={}), SIGNED], "Membership", id="a credential of nobody"
        ),
    ],
)
def test_what_no_credential_attests_is_denied_by_name(credentials, missing):
    allowed, reasons = _decided(usage_policy(TERMS), caller(OEM, *credentials))

    assert (False, 1) == (allowed, len(reasons))
    assert missing in reasons[0]


@pytest.mark.parametrize(
    "strange",
    [
        constraint("ShoeSize", "eq", "42"),
        constraint("Membership", "neq", "active"),
        constraint("Membership", "eq", "passive"),
        constraint("Membership", "eq", ["active", "active too"]),
        constraint("Membership", "eq", []),
        constraint("Membership", "eq", {"active": True}),
        constraint("UsagePurpose", "isAnyOf", ["cx.core.industrycore:1", "cx.my.own:1"]),
        constraint("UsagePurpose", "isAnyOf", []),
        constraint("BusinessPartnerGroup", "isAnyOf", ["gold"]),
        constraint("BusinessPartnerNumber", "isAnyOf", [NEIGHBOUR]),
        constraint("BusinessPartnerNumber", "isNoneOf", [OEM, NEIGHBOUR]),
        constraint("inForceDate", "gteq", "2026-11-23"),
        constraint("inForceDate", "lteq", "yesterday"),
        constraint("DataUsageEndDate", "eq", "2026-11-22T11:59:59+00:00"),
        constraint("DataUsageEndDate", "eq", "2026-12-31T00:00:00"),
        {"or": [constraint("Membership", "eq", "active")]},
        {"and": [{"xone": []}]},
        constraint("Membership", "eq", "active") | {"unit": "days"},
        {"and": [], "or": []},
        "Membership",
        {},
    ],
    ids=lambda one: orjson.dumps(one).decode()[:60],
)
def test_what_is_unknown_or_unmet_denies(strange):
    known = constraint("FrameworkAgreement", "eq", "DataExchangeGovernance:1.0")

    assert (True, ()) == _decided(policy(known), caller(OEM))
    assert (False, 1) == _verdict(policy(known, strange))


@pytest.mark.parametrize(
    "denied",
    [
        {},
        {"permission": []},
        {"permission": [None]},
        {**policy(), "prohibition": [{"action": "use"}]},
        {**policy(), "obligation": {"action": "compensate"}},
        {**policy(), "inheritFrom": "urn:other"},
        policy(duty=[{"action": "compensate"}]),
        {"permission": policy()["permission"], "odrl:permission": []},
    ],
    ids=lambda one: orjson.dumps(one).decode()[:60],
)
def test_a_policy_with_more_or_less_than_permissions_denies(denied):
    assert not evaluate(denied, caller(OEM), NOW).allowed


@pytest.mark.parametrize(
    ("moment", "is_over"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC), True),
    ],
)
def test_terms_end_with_their_last_day(moment, is_over):
    lasting = [replace(one, expires_at=moment + timedelta(1)) for one in (MEMBER, SIGNED)]
    company = caller(OEM, *lasting)

    for terms in (usage_policy(TERMS), access_policy(TERMS, [OEM])):
        assert is_over is not evaluate(terms, company, moment).allowed


def rule(action, *constraints):
    return [{"action": action, "constraint": [{"and": list(constraints)}]}]


RESTRICTED = rule("use", constraint("UsageRestriction", "isAllOf", ["cx.thirdParty.forbidden:1"]))


@pytest.mark.parametrize(
    ("more", "is_allowed"),
    [
        ({"prohibition": RESTRICTED}, True),
        ({"prohibition": [*RESTRICTED, {"action": "use"}]}, False),
        ({"prohibition": rule("transfer", *RESTRICTED[0]["constraint"][0]["and"])}, False),
        (
            {"prohibition": rule("use", constraint("Liability", "eq", "cx.grossNegligence:1"))},
            False,
        ),
        (
            {"obligation": rule("use", constraint("DataProvisioningEndDurationDays", "eq", 3))},
            True,
        ),
        (
            {"obligation": rule("use", constraint("DataProvisioningEndDurationDays", "eq", 0))},
            False,
        ),
        ({"obligation": [{"action": "use"}]}, False),
        ({"permission": rule("access", constraint("Membership", "eq", "active"))}, True),
        (
            {"permission": rule("access", constraint("UsagePurpose", "isAnyOf", "cx.pcf.base:1"))},
            False,
        ),
        ({"permission": rule("use", constraint("BusinessPartnerNumber", "isAnyOf", OEM))}, False),
        ({"permission": rule("distribute")}, False),
    ],
    ids=lambda one: orjson.dumps(one).decode()[:70],
)
def test_a_rule_holds_only_where_and_as_the_profile_has_it(more, is_allowed):
    assert is_allowed is evaluate({**policy(), **more}, caller(OEM), NOW).allowed


@pytest.mark.parametrize(
    ("operator", "named", "groups", "is_allowed"),
    [
        ("isAnyOf", ["gold", "silver"], {"gold"}, True),
        ("isAnyOf", ["silver"], {"gold"}, False),
        ("isAnyOf", ["gold"], set(), False),
        ("isNoneOf", ["blocked"], {"gold"}, True),
        ("isNoneOf", ["blocked"], set(), True),
        ("isNoneOf", ["blocked"], {"gold", "blocked"}, False),
    ],
)
def test_groups_are_those_that_we_put_the_partner_in(operator, named, groups, is_allowed):
    terms = {"permission": rule("access", constraint("BusinessPartnerGroup", operator, named))}

    assert is_allowed is evaluate(terms, caller(OEM), NOW, frozenset(groups)).allowed


@pytest.mark.parametrize("operand", ["BusinessPartnerNumber", "BusinessPartnerGroup"])
@pytest.mark.parametrize(
    ("credentials", "is_allowed"),
    [
        ([MEMBER], True),
        ([credential("BpnCredential", OEM, bpn=OEM)], True),
        ([credential("BpnCredential", OEM, bpn=NEIGHBOUR)], False),
        ([replace(MEMBER, expires_at=NOW)], False),
        ([SIGNED], False),
    ],
)
def test_who_a_partner_is_must_still_be_attested(operand, credentials, is_allowed):
    held = constraint(operand, "isAnyOf", [OEM, "gold"][operand.endswith("Group") :][:1])
    terms = {"permission": rule("access", held)}

    verdict = evaluate(terms, caller(OEM, *credentials), NOW, frozenset({"gold"}))
    assert is_allowed is verdict.allowed


@pytest.mark.parametrize("kind", ["permission", "obligation"])
@pytest.mark.parametrize(
    ("age", "is_allowed"),
    [(timedelta(), True), (timedelta(days=30, seconds=-1), True), (timedelta(days=30), False)],
)
def test_a_duration_counts_from_the_agreement(kind, age, is_allowed):
    operand = {
        "permission": "DataUsageEndDurationDays",
        "obligation": "DataProvisioningEndDurationDays",
    }[kind]
    terms = {**policy(), kind: rule("use", constraint(operand, "eq", "30"))}

    assert is_allowed is evaluate(terms, caller(OEM), NOW, signed_at=NOW - age).allowed
    assert evaluate(terms, caller(OEM), NOW).allowed


@pytest.mark.parametrize(
    ("profile", "is_ours"),
    [
        (NAMESPACE, True),
        (NAMESPACE.rstrip("/"), True),
        ([NAMESPACE], True),
        ({"@id": NAMESPACE}, True),
        ([], True),
        ("", True),
        (None, True),
        ("https://w3id.org/catenax/policy/", False),
        ([NAMESPACE, "https://profile.example/"], False),
        (7, False),
    ],
)
def test_a_policy_of_another_profile_is_not_decided(profile, is_ours):
    named = {**policy(), "profile": profile}

    assert is_ours is evaluate(named, caller(OEM), NOW).allowed
    assert is_ours is not bool(acceptable(named, AcceptedTerms()))
    ours = usage_policy(TERMS)
    assert is_ours is not bool(difference(ours, {**ours, "profile": profile}))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('[{"@value":"a"},{"@value":"b"}]', ("a", "b")),
        ('["b","a"]', ("a", "b")),
        (["c", '["b"]'], ("b", "c")),
        ({"@list": ["b", {"@value": "a"}]}, ("a", "b")),
        ("[]", ("[]",)),
        ("[see annex 3]", ("[see annex 3]",)),
        ('[["a"]]', ('[["a"]]',)),
        ("[" * 5000, ("[" * 5000,)),
        (str([1] * 5000), (str([1] * 5000),)),
    ],
    ids=lambda one: str(one)[:30],
)
def test_a_list_is_one_however_it_is_written(written, meant):
    (found,) = rules_of(policy(constraint("ContractReference", "isAllOf", written)))

    assert meant == found.constraints[0].values


KEYS = st.sampled_from(
    "permission odrl:permission action constraint and or @id profile leftOperand"
    " cx-policy:leftOperand operator rightOperand @value @list".split()
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.text("aü[", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, JSON_VALUES, max_size=5))
def test_a_policy_that_was_read_before_says_the_same_as_when_it_is_read_anew(written):
    assert odrl._read(written) == rules_of(written) == rules_of(written)


def test_a_policy_that_changed_in_place_is_read_anew():
    changing = policy(constraint("Membership", "eq", "active"))
    before = rules_of(changing)
    changing["permission"][0]["action"] = "access"

    assert ("use", "access") == (before[0].action, rules_of(changing)[0].action)


def test_large_policies_are_read_and_not_kept():
    odrl._kept.cache_clear()
    large = policy(constraint("ContractReference", "isAllOf", ["x" * 9000]))

    assert rules_of(large) == rules_of(large)
    assert 0 == odrl._kept.cache_info().currsize


def test_so_many_policies_are_kept_and_no_more():
    for number in range(odrl.KEPT_POLICIES_MAX + 10):
        rules_of(policy(constraint("ContractReference", "isAllOf", [str(number)])))

    assert odrl.KEPT_POLICIES_MAX == odrl._kept.cache_info().currsize


def test_a_policy_that_is_kept_is_decided_for_each_caller_and_moment():
    written = usage_policy(Policy("traceability", until=NOW.date()))
    later = NOW + timedelta(days=2)

    assert [True, False, False, True] == [
        evaluate(written, one, at).allowed
        for one, at in [
            (caller(OEM), NOW),
            (caller(OEM, MEMBER), NOW),
            (caller(OEM), later),
            (caller(OEM), NOW),
        ]
    ]


def test_a_policy_nested_without_end_is_refused_as_the_partners_mistake():
    deep: dict[str, object] = {"leftOperand": "x"}
    for _ in range(600):
        deep = {"or": [deep]}

    with pytest.raises(PartnerError, match="too deeply"):
        evaluate(policy(deep), caller(OEM), NOW)


@given(
    purposes=st.permutations(["cx.core.industrycore:1", "cx.pcf.base:1", "cx.quality.base:1"]),
    order=st.permutations(range(3)),
    is_listed=st.booleans(),
    prefix=st.sampled_from(["", "odrl:", "http://www.w3.org/ns/odrl/2/"]),
    own=st.sampled_from(["", "cx-policy:", NAMESPACE]),
)
def test_order_brackets_and_prefixes_make_no_other_policy(purposes, order, is_listed, prefix, own):
    ours = usage_policy(Policy("p", purposes=tuple(sorted(purposes))))
    parts = [
        constraint(f"{own}FrameworkAgreement", "eq", {"@value": "DataExchangeGovernance:1.0"}),
        constraint(f"{own}Membership", "eq", ["active"]),
        constraint(f"{own}UsagePurpose", {"@id": f"{prefix}isAnyOf"}, purposes),
    ]
    nested = {f"{prefix}and": [parts[i] for i in order]}
    rule = {f"{prefix}action": {"@id": f"{prefix}use"}, "constraint": nested}
    theirs = {
        "@id": "offer",
        "@type": "Offer",
        "target": "dataset",
        f"{prefix}permission": [rule] if is_listed else rule,
    }

    assert [] == difference(ours, theirs)


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        (
            usage_policy(Policy("p", purposes=("cx.pcf.base:1",), membership=False)),
            [
                "- permission use: Membership eq active",
                "- permission use: UsagePurpose isAnyOf cx.core.industrycore:1",
                "+ permission use: UsagePurpose isAnyOf cx.pcf.base:1",
            ],
        ),
        (
            {**usage_policy(Policy("p")), "prohibition": [{"action": "use"}]},
            ["+ prohibition use"],
        ),
        (
            {**usage_policy(Policy("p")), "inheritFrom": "urn:x"},
            ['+ : {"inheritFrom":"urn:x"}'],
        ),
        ({"permission": [*policy()["permission"], *policy()["permission"]]}, None),
    ],
)
def test_a_difference_names_what_either_side_lacks(theirs, told):
    ours = usage_policy(Policy("p"))

    assert told is None or told == difference(ours, theirs)
    assert difference(ours, theirs)


def test_the_same_constraints_under_two_rules_are_another_policy():
    ours = policy(constraint("Membership", "eq", "active"), constraint("x", "eq", "1"))
    split = [
        {"action": "use", "constraint": [constraint("Membership", "eq", "active")]},
        {"action": "use", "constraint": [constraint("x", "eq", "1")]},
    ]

    assert ["- 1 rules", "+ 2 rules"] == difference(ours, {"permission": split})


@pytest.mark.parametrize(
    ("offered", "codes"),
    [
        (usage_policy(Policy("p")), []),
        (policy(), []),
        (
            usage_policy(Policy("p", framework_agreement="traceability:1.0")),
            ["offer:value_unknown"],
        ),
        (usage_policy(Policy("p", purposes=("cx.pcf.base:1",))), ["offer:purpose_not_accepted"]),
        (
            usage_policy(Policy("p", purposes=("cx.pcf.base:1", "cx.core.industrycore:1"))),
            [],
        ),
        (usage_policy(TERMS), [NOT_ACCEPTED]),
        (policy(constraint("Liability", "eq", "unlimited")), ["offer:value_unknown"]),
        (policy(constraint("Liability", "eq", "cx.slightNegligence:1")), [NOT_ACCEPTED]),
        (policy(constraint("ShoeSize", "eq", "42")), ["offer:operand_unknown"]),
        ({**policy(), "prohibition": [{"action": "use"}]}, ["offer:rule_unknown"]),
        (policy(duty=[{"action": "pay"}]), ["offer:part_unknown"]),
        ({}, ["offer:nothing_permitted"]),
        (access_policy(TERMS, [OEM]), ["offer:access_offered"]),
    ],
)
def test_a_consumer_accepts_only_the_terms_it_has_named(offered, codes):
    assert codes == [finding.code for finding in acceptable(offered, AcceptedTerms())]


LIABLE = policy(constraint("Liability", "eq", "cx.grossNegligence:1"))
FORBIDDEN = ["cx.thirdParty.forbidden:1", "cx.manipulation.forbidden:1"]
BOUND = {
    **policy(),
    "prohibition": rule("use", constraint("UsageRestriction", "isAllOf", FORBIDDEN)),
}


@pytest.mark.parametrize(
    ("offered", "values", "is_accepted"),
    [
        (LIABLE, {"Liability": ("cx.grossNegligence:1", "cx.slightNegligence:1")}, True),
        (LIABLE, {"Liability": ("cx.slightNegligence:1",)}, False),
        (LIABLE, {"Warranty": ("cx.warranty.none:1",)}, False),
        (BOUND, {"UsageRestriction": tuple(FORBIDDEN)}, True),
        (BOUND, {"UsageRestriction": tuple(FORBIDDEN[:1])}, False),
    ],
)
def test_of_some_duties_only_certain_values_are_accepted(offered, values, is_accepted):
    findings = acceptable(offered, AcceptedTerms(values=values))

    assert is_accepted is not bool(findings)
    assert is_accepted or "[consume.values]" in findings[0].text().fix


def test_a_purpose_that_the_parties_agreed_themselves_is_accepted_when_named():
    offered = usage_policy(Policy("p", purposes=(), individual_purposes=("FieldStudy",)))

    assert ["offer:purpose_not_accepted"] == [
        one.code for one in acceptable(offered, AcceptedTerms())
    ]
    assert [] == acceptable(offered, AcceptedTerms(purposes=("FieldStudy",)))


def test_a_duty_that_the_operator_has_declared_to_meet_is_accepted():
    assert [] == acceptable(usage_policy(TERMS), AcceptedTerms(operands=("DataUsageEndDate",)))


def _decided(terms, company):
    decision = evaluate(terms, company, NOW)
    return decision.allowed, decision.reasons


def _verdict(terms):
    decision = evaluate(terms, caller(OEM), NOW)
    return decision.allowed, len(decision.reasons)
