"""IdentityHub 0.15.1 as a partner's wallet: gets credentials from our authority, proves by them.

It is run as it comes: memory stores, its own secure token service, DID documents over plain
http. Only its first user is seeded (`SuperUser`). What it does not do is written in README.md.
"""

from __future__ import annotations

from uuid import uuid4

import pytest

from connector.protocols.dcp.credentials import BPN, CATENA_X_TYPES, MEMBERSHIP
from tests.conformance.edc.eclipse import fetch
from tests.conformance.identityhub.conftest import World

pytestmark = pytest.mark.conformance


def test_it_asks_our_authority_and_stores_what_is_delivered(world: World) -> None:
    member = world.members["partner"]

    assert world.issue(member) == "ISSUED"

    held = [one["verifiableCredential"]["credential"] for one in member.credentials()]
    assert {kind for one in held for kind in one["type"]} >= set(CATENA_X_TYPES)
    assert {one["issuer"]["id"] for one in held} == {world.space.authority.did}


def test_it_presents_them_to_our_verifier_and_is_shown_what_it_may_have(world: World) -> None:
    member = world.members["partner"]
    if not member.credentials():
        world.issue(member)

    status, catalog = world.catalog(world.header(member))

    assert (status, catalog["@type"]) == (200, "Catalog")
    assert catalog["participantId"] == world.us.did
    assert len(catalog["dataset"]) == 1


def test_its_token_counts_once(world: World) -> None:
    member = world.members["partner"]
    if not member.credentials():
        world.issue(member)
    header = world.header(member)

    assert world.catalog(header)[0] == 200

    status, error = world.catalog(header)
    assert (status, error["@type"]) == (401, "CatalogError")
    assert error["code"] == "token_used_before"


def test_a_token_without_access_to_credentials_proves_nothing(world: World) -> None:
    token = world.members["partner"].token(world.us.did)

    status, error = world.catalog(f"Bearer {token}")

    assert (status, error["code"]) == (401, "token_without_access")


def test_access_to_one_credential_opens_no_other(world: World) -> None:
    member = world.members["partner"]
    if not member.credentials():
        world.issue(member)

    status, error = world.catalog(world.header(member, (MEMBERSHIP,)))

    # It is IdentityHub that refuses: we ask for three, and it was told to show one.
    assert (status, error["code"]) == (401, "request_refused")


def test_a_company_without_credentials_is_nobody(world: World) -> None:
    status, error = world.catalog(world.header(world.members["poor"]))

    assert (status, error["@type"]) == (401, "CatalogError")


def test_a_member_with_fewer_credentials_is_known_by_those(world: World) -> None:
    member = world.members["poor"]
    world.issue(member, (MEMBERSHIP, BPN))

    status, catalog = world.catalog(world.header(member))

    assert (status, catalog["@type"]) == (200, "Catalog")


def test_what_the_authority_withdraws_proves_nothing_any_more(world: World) -> None:
    member = world.members["leaver"]
    world.issue(member)
    assert world.catalog(world.header(member))[0] == 200

    world.space.authority.register.withdraw(member.did)
    world.wait_for_status_lists()

    status, error = world.catalog(world.header(member))
    assert (status, error["code"]) == (401, "credential_withdrawn")


def test_a_company_that_the_authority_does_not_know_is_given_nothing(world: World) -> None:
    stranger = world.hub.participant(f"stranger-{uuid4().hex[:8]}")

    assert world.issue(stranger) == "ERROR"
    assert stranger.credentials() == []


def test_its_wallet_opens_to_nobody_without_access(world: World) -> None:
    """Its credential service demands of a verifier what ours demands, so ours satisfies it."""
    member = world.members["partner"]
    query = b'{"@context":["https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"],"type":"Presentation'
    query += b'QueryMessage","scope":["org.eclipse.edc.vc.type:MembershipCredential:read"]}'
    url = f"{member.credential_service()}/presentations/query"

    forged = world.members["leaver"].token(member.did)

    for header in ({}, {"Authorization": f"Bearer {forged}"}):
        status, _ = fetch(url, {**header, "Content-Type": "application/json"}, query)
        assert status == 401
