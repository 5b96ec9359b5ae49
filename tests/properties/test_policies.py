"""Whatever a partner sends as a policy is decided, explained and compared, and never believed."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import PartnerError
from connector.offer.acceptance import acceptable
from connector.offer.model import AcceptedTerms, Policy
from connector.offer.odrl import rules_of
from connector.offer.policy import difference, evaluate
from connector.offer.telling import proofs_of, terms_of
from connector.offer.vocabulary import NAMESPACE, OPERANDS, PURPOSES
from connector.offer.writing import access_policy, usage_policy
from connector.protocols.jsonld import compacted
from tests.builders.exchange import NOW, OEM, caller

KEYS = st.sampled_from(
    [
        *("permission", "prohibition", "obligation", "constraint", "and", "or", "action", "duty"),
        *("leftOperand", "operator", "rightOperand", "profile", "target", "@id", "@type", "@list"),
        *("@value", "@context", "odrl:permission", "odrl:and", "xone", "andSequence", "unit"),
    ]
)
WORDS = st.sampled_from(
    [
        *OPERANDS,
        *PURPOSES[:3],
        *(
            "use",
            "access",
            "eq",
            "isAnyOf",
            "isAllOf",
            "gteq",
            "active",
            "odrl:use",
            "cx-policy:x",
        ),
        *(NAMESPACE, f"{NAMESPACE}Membership", "DataExchangeGovernance:1.0", OEM, "365", "0", ""),
        *('["a"]', '[{"@value": "a"}]', "2027-12-31T00:00:00Z", "2027-12-31", "\0", "{what}"),
    ]
)
LEAVES = st.one_of(
    WORDS, st.text(max_size=8), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.none()
)
NODES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=30,
)
CONSTRAINTS = st.fixed_dictionaries(
    {"leftOperand": WORDS, "operator": WORDS, "rightOperand": NODES}
)
RULES = st.dictionaries(KEYS, NODES | CONSTRAINTS | st.lists(CONSTRAINTS, max_size=3), max_size=4)
POLICIES = st.dictionaries(KEYS, RULES | st.lists(RULES, max_size=3) | NODES, max_size=4)
EVERYTHING = AcceptedTerms(purposes=PURPOSES, operands=tuple(OPERANDS))
OURS = usage_policy(Policy("ours"))


@given(POLICIES)
def test_any_policy_has_a_verdict_with_reasons(policy: dict[str, Any]) -> None:
    decision = evaluate(policy, caller(OEM), NOW)
    findings = acceptable(policy, EVERYTHING)

    assert decision.allowed is not bool(decision.reasons)
    assert all(reason.strip() for reason in decision.reasons)
    for finding in findings:
        for language in ("en", "es"):
            assert finding.text(language).what
    for language in ("en", "es"):
        assert proofs_of(rules_of(policy), language) is not None
        assert terms_of(rules_of(policy), language) is not None


@given(POLICIES)
def test_any_policy_is_itself_and_differs_from_ours_or_means_the_same(
    policy: dict[str, Any],
) -> None:
    assert [] == difference(policy, policy)
    is_ours = [] == difference(OURS, policy)
    assert is_ours is (rules_of(policy) == rules_of(OURS))


@given(POLICIES)
def test_reading_from_the_wire_makes_no_policy_more_generous(policy: dict[str, Any]) -> None:
    try:
        read = compacted(orjson.loads(orjson.dumps(policy)))
    except (PartnerError, orjson.JSONEncodeError):
        return
    if not evaluate(policy, caller(OEM), NOW).allowed:
        return
    assert evaluate(read, caller(OEM), NOW).allowed or "@list" in orjson.dumps(policy).decode()


@given(POLICIES, st.sampled_from(["or", "xone", "andSequence", "inheritFrom", "duty", "unit"]))
def test_what_the_profile_does_not_know_denies_wherever_it_stands(
    policy: dict[str, Any], stranger: str
) -> None:
    rule = {"action": "use", "constraint": [{stranger: policy}]}

    assert not evaluate({"permission": [rule]}, caller(OEM), NOW).allowed
    assert not evaluate({**OURS, stranger: policy or "x"}, caller(OEM), NOW).allowed
    assert acceptable({"permission": [rule]}, EVERYTHING)


@given(POLICIES)
def test_an_access_policy_is_never_signed(policy: dict[str, Any]) -> None:
    mixed = access_policy(Policy("ours"), [OEM])["permission"]
    assert isinstance(mixed, list)
    rules = policy.get("permission", [])
    both = [*mixed, *(rules if isinstance(rules, list) else [rules])]

    assert acceptable({**policy, "permission": both}, EVERYTHING)
