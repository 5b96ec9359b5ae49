"""The shelf: what a partner finds in its catalog, and what it may have of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from connector.errors import SetupError
from connector.offer.datasets import Shelf
from connector.offer.model import DatasetKind, OfferRule, Policy
from connector.offer.odrl import Constraint
from tests.builders.exchange import (
    FOOTPRINT,
    NEIGHBOUR,
    NOW,
    OEM,
    PART_TYPE,
    PCF,
    RULES,
    SERIAL,
    STRANGER,
    TRACEABILITY,
    caller,
    credential,
)

POLICIES = (TRACEABILITY, FOOTPRINT)


@pytest.fixture
def in_use():
    return [SERIAL, PART_TYPE, PCF]


@pytest.fixture
def shelf(in_use):
    return Shelf(RULES, POLICIES, lambda: in_use, "puebla")


def seen(shelf, company, now=NOW):
    return {(one.semantic_id, one.policy_name) for one in shelf.visible_to(company, now)}


def test_each_partner_sees_the_datasets_that_a_rule_names_it_for(shelf):
    registry = (None, "registry")

    oem = {registry, (SERIAL, "traceability"), (PART_TYPE, "traceability"), (PCF, "footprint")}
    assert oem == seen(shelf, caller(OEM))
    assert {registry, *((one, "traceability") for one in (SERIAL, PART_TYPE, PCF))} == seen(
        shelf, caller(NEIGHBOUR)
    )


def test_a_stranger_sees_nothing_though_its_credentials_are_valid(shelf):
    ids = [one.id for one in shelf.visible_to(caller(OEM), NOW)]

    assert set() == seen(shelf, caller(STRANGER))
    assert {None} == {shelf.find(one, caller(STRANGER), NOW) for one in ids}


def test_a_named_partner_without_membership_sees_nothing(shelf):
    lapsed = replace(credential("MembershipCredential", OEM), expires_at=NOW)

    assert set() == seen(shelf, caller(OEM, lapsed))


def test_seeing_an_offer_is_not_yet_being_allowed_it(shelf):
    member = caller(OEM, credential("MembershipCredential", OEM))
    dataset = shelf.submodels(SERIAL, "traceability")
    decision = shelf.allows(dataset, member, NOW)

    assert dataset == shelf.find(dataset.id, member, NOW)
    assert (False, 1) == (decision.allowed, len(decision.reasons))
    assert "FrameworkAgreement" in decision.reasons[0]
    assert shelf.allows(dataset, caller(OEM), NOW).allowed


def test_the_number_of_datasets_grows_with_aspects_only(shelf, in_use):
    before = seen(shelf, caller(NEIGHBOUR))
    batch = type(SERIAL)("urn:samm:io.catenax.batch:3.0.0#Batch")
    in_use.append(batch)

    assert {(batch, "traceability")} == seen(shelf, caller(NEIGHBOUR)) - before


def test_an_aspect_that_comes_into_use_later_can_be_found_at_once(shelf, in_use):
    later = type(SERIAL)("urn:samm:io.catenax.batch:3.0.0#Batch")
    in_use.append(later)
    dataset_id = shelf.submodels(later, "traceability").id

    assert shelf.find(dataset_id, caller(NEIGHBOUR), NOW)
    assert shelf.granted(dataset_id, NEIGHBOUR, NOW)
    assert not shelf.granted(dataset_id, OEM, NOW)


def test_ids_outlive_a_restart_and_offers_change_with_their_terms(shelf, in_use):
    again = Shelf(RULES, POLICIES, lambda: in_use, "puebla")
    stricter = replace(TRACEABILITY, purposes=("cx.quality.base:1",))
    changed = Shelf(RULES, (stricter, FOOTPRINT), lambda: in_use, "puebla")
    elsewhere = Shelf(RULES, POLICIES, lambda: in_use, "toluca")
    one, same, other, foreign = (
        each.submodels(SERIAL, "traceability") for each in (shelf, again, changed, elsewhere)
    )

    assert one == same
    assert (one.id, True) == (other.id, one.offer_id != other.offer_id)
    assert one.id != foreign.id


def test_all_ids_are_different(shelf):
    datasets = shelf.visible_to(caller(OEM), NOW)

    assert len({one.id for one in datasets} | {one.offer_id for one in datasets}) == 2 * len(
        datasets
    )


def test_properties_say_what_a_dataset_is(shelf):
    registry, submodels = shelf.registry(), shelf.submodels(SERIAL, "traceability")
    taxonomy = "https://w3id.org/catenax/taxonomy#"
    version = "https://w3id.org/catenax/ontology/common#version"

    assert (DatasetKind.REGISTRY, "HttpData-PULL") == (registry.kind, registry.format)
    assert {
        "dct:type": {"@id": f"{taxonomy}DigitalTwinRegistry"},
        version: "3.0",
    } == registry.properties
    assert {
        "dct:type": {"@id": f"{taxonomy}SubmodelBundle"},
        version: "3.0",
        "https://admin-shell.io/aas/3/0/HasSemantics/semanticId": {"@id": SERIAL},
    } == submodels.properties


def test_nothing_is_granted_after_the_last_day_of_a_policy(in_use):
    ending = replace(TRACEABILITY, until=date(2026, 11, 22))
    shelf = Shelf(RULES, (ending, FOOTPRINT), lambda: in_use, "puebla")
    dataset = shelf.submodels(SERIAL, "traceability")
    next_day = datetime(2026, 11, 23, tzinfo=UTC)

    assert shelf.granted(dataset.id, OEM, next_day - timedelta(seconds=1))
    assert not shelf.granted(dataset.id, OEM, next_day)
    assert {(None, "registry"), (PCF, "footprint")} == seen(shelf, caller(OEM), next_day)
    assert set() == seen(shelf, caller(NEIGHBOUR), next_day)


def test_an_unknown_dataset_is_not_there(shelf):
    assert shelf.find("urn:uuid:no", caller(OEM), NOW) is None
    assert shelf.granted("urn:uuid:no", OEM, NOW) is None


def test_the_operators_own_terms_for_the_registry_replace_ours(in_use):
    own = Policy("registry", purposes=("cx.core.industrycore:1",))
    shelf = Shelf(RULES, (*POLICIES, own), lambda: in_use, "puebla")

    assert "cx.core.industrycore:1" in str(shelf.registry().policy)


def test_a_rule_under_unknown_terms_stops_the_start():
    rule = OfferRule("oem", (OEM,), "tracability")

    with pytest.raises(SetupError, match="tracability"):
        Shelf([rule], POLICIES, list, "puebla")


GOLD = replace(TRACEABILITY, access=(Constraint("BusinessPartnerGroup", "isAnyOf", ("gold",)),))
NOT_BLOCKED = replace(
    TRACEABILITY, access=(Constraint("BusinessPartnerGroup", "isNoneOf", ("gold",)),)
)


@pytest.mark.parametrize(
    ("policy", "groups", "is_seen"),
    [
        (GOLD, {OEM: frozenset({"gold"})}, True),
        (GOLD, {OEM: frozenset({"silver"})}, False),
        (GOLD, {NEIGHBOUR: frozenset({"gold"})}, False),
        (NOT_BLOCKED, {OEM: frozenset({"gold"})}, False),
        (NOT_BLOCKED, {}, True),
    ],
)
def test_a_partner_outside_the_groups_of_a_policy_sees_neither_offer_nor_twins(
    in_use, policy, groups, is_seen
):
    shelf = Shelf(RULES, (policy, FOOTPRINT), lambda: in_use, "puebla", groups)
    dataset = shelf.submodels(SERIAL, "traceability")

    assert is_seen is ((SERIAL, "traceability") in seen(shelf, caller(OEM)))
    assert is_seen is shelf.allows(dataset, caller(OEM), NOW).allowed
    assert is_seen is bool(shelf.granted(dataset.id, OEM, NOW))
    assert is_seen is any(
        rule.policy == "traceability" and OEM in rule.partners
        for rule in shelf.rules_in_force(NOW)
    )


@pytest.mark.parametrize(
    "constraint",
    [
        Constraint("inForceDate", "lteq", ("2026-11-22T12:00:00Z",)),
        Constraint("inForceDate", "gteq", ("2026-11-22T12:00:00Z",)),
    ],
)
def test_an_offer_can_be_seen_from_its_first_second_to_its_last(in_use, constraint):
    shelf = Shelf(
        RULES, (replace(TRACEABILITY, access=(constraint,)), FOOTPRINT), lambda: in_use, "puebla"
    )
    dataset = shelf.submodels(SERIAL, "traceability")
    at = NOW, NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)
    inside = {NOW, at[1] if constraint.operator == "gteq" else at[2]}

    for moment in at:
        assert (moment in inside) is bool(shelf.find(dataset.id, caller(OEM), moment))
        assert (moment in inside) is bool(shelf.granted(dataset.id, OEM, moment))


def test_days_of_use_count_from_the_agreement(in_use):
    days = Constraint("DataUsageEndDurationDays", "eq", ("30",))
    limited = replace(TRACEABILITY, permission=(days,))
    shelf = Shelf(RULES, (limited, FOOTPRINT), lambda: in_use, "puebla")
    dataset = shelf.submodels(SERIAL, "traceability")
    ago = [timedelta(days=29), timedelta(days=30)]

    assert [True, False] == [
        shelf.allows(dataset, caller(OEM), NOW, NOW - one).allowed for one in ago
    ]
    assert shelf.allows(dataset, caller(OEM), NOW).allowed
