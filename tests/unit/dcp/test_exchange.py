"""Two companies prove themselves to each other over real HTTP."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from connector.errors import PartnerError, TransientError
from connector.identifiers import Bpnl, Did
from connector.partner.book import AddressBook
from connector.partner.model import Partner
from connector.protocols.dcp.credentials import BPN, FRAMEWORK, MEMBERSHIP
from connector.protocols.dcp.identity import DcpIdentity
from connector.protocols.dcp.jwt import write_jwt
from tests.unit.dcp.conftest import OEM, SUPPLIER, Dataspace, Pair

QUERY = "/dcp/presentations/query"
DOCUMENT = "/.well-known/did.json"
DCP = "connector.protocols.dcp:"


async def refused(pair: Pair, authorization: str | None) -> str:
    with pytest.raises(PartnerError) as caught:
        await pair.oem.identity.authenticate(authorization)
    return caught.value.code.removeprefix(DCP)


async def test_a_caller_is_who_its_credentials_say(pair: Pair) -> None:
    caller = await pair.oem.identity.authenticate(await pair.call())

    assert (pair.supplier.did, SUPPLIER) == (caller.did, caller.bpnl)
    assert [MEMBERSHIP, BPN, FRAMEWORK] == [one.type for one in caller.credentials]
    assert {pair.authority.did} == {one.issuer for one in caller.credentials}
    framework = caller.credentials[2].subject
    assert ("DataExchangeGovernance", "1.0") == (
        framework["useCase"],
        framework["contractVersion"],
    )


async def test_both_directions_work(pair: Pair) -> None:
    to_supplier = await pair.oem.identity.authorization_for(pair.supplier.did)

    caller = await pair.supplier.identity.authenticate(to_supplier)

    assert (pair.oem.did, OEM) == (caller.did, caller.bpnl)


async def test_twenty_messages_at_once_cause_one_query(pair: Pair) -> None:
    headers = [await pair.call() for _ in range(20)]

    callers = await asyncio.gather(*(pair.oem.identity.authenticate(one) for one in headers))

    assert {SUPPLIER} == {caller.bpnl for caller in callers}
    assert 1 == pair.supplier.asked[QUERY]
    assert 1 == pair.supplier.asked[DOCUMENT]


async def test_a_proof_is_reused_for_a_minute_and_no_longer(pair: Pair) -> None:
    for seconds in (0, 59, 61):
        pair.space.clock.shift = timedelta(seconds=seconds)
        await pair.oem.identity.authenticate(await pair.call())

    assert 2 == pair.supplier.asked[QUERY]


async def test_a_proof_is_never_reused_past_the_expiry_of_a_credential(pair: Pair) -> None:
    subject = {"id": pair.supplier.did, "holderIdentifier": SUPPLIER}
    short = pair.authority.credential(MEMBERSHIP, subject, timedelta(seconds=30))
    (pair.supplier.credentials / f"{MEMBERSHIP}.jwt").write_text(short)
    first = await pair.oem.identity.authenticate(await pair.call())

    pair.space.clock.shift = timedelta(seconds=40)
    second = await pair.oem.identity.authenticate(await pair.call())

    assert first.expires_at == first.credentials[0].expires_at
    assert [BPN, FRAMEWORK] == [one.type for one in second.credentials]


async def test_one_asker_who_gives_up_does_not_take_the_proof_from_the_others(
    pair: Pair,
) -> None:
    leaving = asyncio.create_task(pair.oem.identity.authenticate(await pair.call()))
    staying = asyncio.create_task(pair.oem.identity.authenticate(await pair.call()))
    await asyncio.sleep(0)
    leaving.cancel()

    assert SUPPLIER == (await staying).bpnl


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Basic abc", "Bearer"])
async def test_a_request_without_token_is_refused(pair: Pair, header: str | None) -> None:
    assert "token_missing" == await refused(pair, header)


@pytest.mark.parametrize("text", ["x", "a.b", "a.b.c", "a.b.c.d", "....", "ä.ö.ü", "e30.e30.e30"])
async def test_what_is_no_token_is_refused(pair: Pair, text: str) -> None:
    assert "token_malformed" == await refused(pair, f"Bearer {text}")


async def test_a_token_longer_than_the_limit_is_refused(pair: Pair) -> None:
    assert "token_too_long" == await refused(pair, "Bearer " + "a" * 20_000)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sub": "did:web:other.example"}, "token_issuer_not_subject"),
        ({"aud": "did:web:other.example"}, "token_for_other"),
        ({"aud": ["did:web:a.example", "did:web:b.example"]}, "token_for_other"),
        ({"aud": None}, "token_for_other"),
        ({"exp": 1_000}, "expired"),
        ({"exp": None}, "token_incomplete"),
        ({"exp": 9_999_999_999}, "token_too_long_lived"),
        ({"nbf": 9_999_999_999}, "not_yet_valid"),
        ({"iat": 9_999_999_999}, "not_yet_valid"),
        ({"jti": None}, "token_incomplete"),
        ({"jti": "x" * 300}, "token_incomplete"),
        ({"token": None}, "token_without_access"),
        ({"token": ""}, "token_without_access"),
        ({"sub_jwk": {"kty": "EC"}}, "token_brings_key"),
        ({"iss": "x", "sub": "x"}, "token_without_issuer"),
        ({"iss": 7}, "token_malformed"),
        ({"exp": "soon"}, "token_malformed"),
        ({"exp": True}, "token_malformed"),
    ],
)
async def test_a_token_that_cannot_be_true_is_refused_before_anything_is_fetched(
    pair: Pair, changes: dict[str, object], code: str
) -> None:
    forged = pair.supplier.forged(pair.oem.did, **changes)

    assert code == await refused(pair, forged)
    assert 0 == pair.supplier.asked.total()


async def test_a_token_for_several_audiences_is_accepted_if_we_are_among_them(pair: Pair) -> None:
    header = pair.supplier.forged(pair.oem.did, aud=["did:web:a.example", pair.oem.did])

    assert SUPPLIER == (await pair.oem.identity.authenticate(header)).bpnl


async def test_a_token_is_accepted_once(pair: Pair) -> None:
    header = await pair.call()
    await pair.oem.identity.authenticate(header)

    assert "token_used_before" == await refused(pair, header)


async def test_a_token_stays_used_when_the_receiver_starts_anew(
    pair: Pair, tmp_path: Path
) -> None:
    used = tmp_path / "used-tokens"
    oem = await pair.space.company("new", trusts=pair.authority, used_tokens_folder=used)
    header = await pair.supplier.identity.authorization_for(oem.did)
    await oem.identity.authenticate(header)

    settings = oem.identity._settings
    restarted = DcpIdentity(settings, AddressBook(), pair.space.clock)
    with pytest.raises(PartnerError) as refused:
        await restarted.authenticate(header)
    await restarted.close()

    assert "connector.protocols.dcp:token_used_before" == refused.value.code


async def test_another_token_with_the_same_identifier_is_refused(pair: Pair) -> None:
    now = pair.space.clock.seconds()
    await pair.oem.identity.authenticate(pair.supplier.forged(pair.oem.did, jti="one"))

    assert "token_used_before" == await refused(
        pair, pair.supplier.forged(pair.oem.did, jti="one", exp=now + 30)
    )


async def test_a_forged_token_does_not_use_up_the_identifier_of_a_true_one(pair: Pair) -> None:
    header = pair.supplier.forged(pair.oem.did, jti="one")
    tampered = header[:-8] + ("AAAAAAAA" if not header.endswith("A") else "BBBBBBBB")

    assert "signature_wrong" == await refused(pair, tampered)
    assert SUPPLIER == (await pair.oem.identity.authenticate(header)).bpnl


async def test_a_token_signed_by_somebody_else_is_refused(pair: Pair) -> None:
    names_its_own_key = pair.supplier.signed_by(pair.oem.key, pair.oem.did)
    stolen_name = type(pair.oem.key)(pair.supplier.key.kid, pair.oem.key._private)
    names_the_true_key = pair.supplier.signed_by(stolen_name, pair.oem.did)

    assert "key_of_other" == await refused(pair, names_its_own_key)
    assert "signature_wrong" == await refused(pair, names_the_true_key)


async def test_a_key_that_the_document_does_not_list_is_asked_for_once_in_ten_seconds(
    pair: Pair,
) -> None:
    unlisted = type(pair.oem.key)(f"{pair.supplier.did}#new", pair.oem.key._private)
    pair.space.clock.shift = timedelta()
    await pair.oem.identity.authenticate(await pair.call())

    for seconds, fetched in ((1, 1), (11, 2), (12, 2), (22, 3)):
        pair.space.clock.shift = timedelta(seconds=seconds)
        header = pair.supplier.signed_by(unlisted, pair.oem.did)
        assert "key_not_listed" == await refused(pair, header)
        assert fetched == pair.supplier.asked[DOCUMENT]


async def test_a_caller_whose_host_does_not_answer_is_told_to_try_again(pair: Pair) -> None:
    nobody = Did("did:web:127.0.0.1%3A1")
    key = type(pair.oem.key)(f"{nobody}#k", pair.oem.key._private)
    header = pair.supplier.signed_by(key, pair.oem.did, iss=nobody, sub=nobody)

    with pytest.raises(TransientError) as caught:
        await pair.oem.identity.authenticate(header)

    assert "protocols:unreachable" == caught.value.code
    assert "http://127.0.0.1:1/.well-known/did.json" == caught.value.params["url"]


async def test_an_issuer_that_is_not_trusted_is_refused(pair: Pair) -> None:
    other = await pair.space.authority("other")
    other.issue_to(pair.supplier.credentials, pair.supplier.did, SUPPLIER, days=30)

    assert "issuer_not_trusted" == await refused(pair, await pair.call())


async def test_an_issuer_who_only_pretends_to_be_the_trusted_one_is_refused(pair: Pair) -> None:
    pretender = type(pair.authority)(pair.space.folder / "pretender", pair.authority.did)
    pretender._key = type(pretender._key)(pair.authority._key.kid, pretender._key._private)
    pretender.issue_to(pair.supplier.credentials, pair.supplier.did, SUPPLIER, days=30)

    assert "signature_wrong" == await refused(pair, await pair.call())


async def test_credentials_of_another_company_are_refused(pair: Pair) -> None:
    pair.supplier_presents(*pair.authority.issue(pair.oem.did, OEM, days=1).values())

    assert "credential_of_other" == await refused(pair, await pair.call())


async def test_a_credential_that_is_expired_or_not_yet_valid_is_refused(pair: Pair) -> None:
    subject = {"id": pair.supplier.did, "holderIdentifier": SUPPLIER}
    pair.supplier_presents(pair.authority.credential(MEMBERSHIP, subject, timedelta(hours=-1)))
    assert "expired" == await refused(pair, await pair.call())

    pair.space.clock.shift = timedelta(hours=1)
    later = pair.authority.credential(MEMBERSHIP, subject, timedelta(days=1))
    pair.space.clock.shift = timedelta()
    pair.supplier_presents(later)
    assert "not_yet_valid" == await refused(pair, await pair.call())


async def test_a_credential_that_nobody_asked_for_is_left_aside(pair: Pair) -> None:
    stranger = await pair.space.authority("other")
    subject = {"id": pair.supplier.did}
    own = pair.authority.issue(pair.supplier.did, SUPPLIER, days=1)
    pair.supplier_presents(
        own[MEMBERSHIP], stranger.credential("DismantlerCredential", subject, timedelta(days=1))
    )

    caller = await pair.oem.identity.authenticate(await pair.call())

    assert [MEMBERSHIP] == [one.type for one in caller.credentials]


async def test_a_presentation_of_more_credentials_than_the_limit_is_refused(pair: Pair) -> None:
    pair.supplier_presents(*["a.b.c"] * 51)

    assert "token_malformed" == await refused(pair, await pair.call())


async def test_a_credential_of_another_is_not_even_taken_into_our_wallet(pair: Pair) -> None:
    pair.authority.issue_to(pair.oem.credentials, pair.supplier.did, SUPPLIER, days=30)

    found = pair.oem.identity.findings()

    assert {DCP + "credential_unusable", DCP + "credential_missing"} == {one.code for one in found}


async def test_a_company_without_credentials_is_refused(pair: Pair) -> None:
    for file in pair.supplier.credentials.iterdir():
        file.unlink()

    assert "bpnl_not_attested" == await refused(pair, await pair.call())


async def test_a_company_without_the_framework_is_known_but_has_no_credential_for_it(
    pair: Pair,
) -> None:
    (pair.supplier.credentials / f"{FRAMEWORK}.jwt").unlink()

    caller = await pair.oem.identity.authenticate(await pair.call())

    assert [MEMBERSHIP, BPN] == [one.type for one in caller.credentials]


async def test_a_credential_that_the_configuration_demands_has_to_be_presented(
    pair: Pair,
) -> None:
    (pair.supplier.credentials / f"{FRAMEWORK}.jwt").unlink()
    strict = await pair.space.company(
        "strict", trusts=pair.authority, required_credentials=(FRAMEWORK,)
    )

    with pytest.raises(PartnerError) as caught:
        await strict.identity.authenticate(
            await pair.supplier.identity.authorization_for(strict.did)
        )

    assert FRAMEWORK == caught.value.params["types"]


async def test_credentials_that_disagree_on_the_bpnl_are_refused(pair: Pair) -> None:
    subject = {"id": pair.supplier.did, "bpn": "BPNL00000000VEC1"}
    text = pair.authority.credential(BPN, subject, timedelta(days=1))
    (pair.supplier.credentials / f"{BPN}.jwt").write_text(text)

    assert "bpnl_contradicted" == await refused(pair, await pair.call())


async def test_a_bpnl_that_differs_from_the_address_book_is_refused(pair: Pair) -> None:
    wrong = AddressBook((Partner("plant", Bpnl("BPNL00000000VEC1"), pair.supplier.did),))
    careful = await pair.space.company("careful", trusts=pair.authority, book=wrong)

    with pytest.raises(PartnerError) as caught:
        await careful.identity.authenticate(
            await pair.supplier.identity.authorization_for(careful.did)
        )

    assert DCP + "bpnl_not_as_in_book" == caught.value.code


async def test_the_scope_alias_of_tractus_x_is_answered_too(space: Dataspace) -> None:
    authority = await space.authority()
    supplier = await space.company("supplier", trusts=authority)
    oem = await space.company("oem", trusts=authority, scope_alias="org.eclipse.tractusx.vc.type")
    authority.issue_to(supplier.credentials, supplier.did, SUPPLIER, days=1)

    caller = await oem.identity.authenticate(await supplier.identity.authorization_for(oem.did))

    assert 3 == len(caller.credentials)


async def test_a_failed_proof_is_not_remembered(pair: Pair) -> None:
    file = pair.supplier.credentials / f"{BPN}.jwt"
    others = {one: one.read_text() for one in pair.supplier.credentials.iterdir()}
    for one in others:
        one.unlink()
    await refused(pair, await pair.call())
    pair.space.clock.shift = timedelta(seconds=6)
    file.write_text(others[file])

    assert SUPPLIER == (await pair.oem.identity.authenticate(await pair.call())).bpnl


async def test_an_access_token_of_ours_is_no_message_token(pair: Pair) -> None:
    access = write_jwt(pair.oem.access_claims_for(pair.supplier.did), pair.oem.key)

    assert "token_issuer_not_subject" == await refused(pair, f"Bearer {access}")


async def test_the_hosts_and_services_of_a_partner_come_from_its_document(pair: Pair) -> None:
    identity = pair.oem.identity
    url = pair.supplier.identity._settings.public_url

    well_known = f"{url}/.well-known/dspace-version"
    assert (well_known,) == await identity.endpoints(pair.supplier.did, "DataService")
    assert () == await identity.endpoints(pair.supplier.did, "IssuerService")
    assert {"127.0.0.1"} == await identity.vouched_hosts(pair.supplier.did)
