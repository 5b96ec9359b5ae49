"""Our credential service opens to those to whom we gave access, for what we gave."""

from __future__ import annotations

import orjson
import pytest

from connector.identifiers import Did
from connector.protocols.dcp.credentials import BPN, CATENA_X_TYPES, MEMBERSHIP
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.dcp.messages import (
    ID_ALIAS,
    query_message,
    read_presentation,
    read_response,
)
from connector.protocols.http import Answer, ClientLimits, GuardedClient
from tests.unit.dcp.conftest import Company, Pair

ALIAS = "org.eclipse.dspace.dcp.vc.type"


def scopes(*types: str, alias: str = ALIAS) -> list[str]:
    return [f"{alias}:{one}:read" for one in types]


async def ask(
    pair: Pair, body: bytes, *, access: str | None = None, asker: Company | None = None
) -> Answer:
    """The OEM asks the supplier's credential service, with access that the supplier gave it."""
    asker = asker or pair.oem
    given = access or write_jwt(pair.supplier.access_claims_for(pair.oem.did), pair.supplier.key)
    header = asker.forged(pair.supplier.did, token=given)
    return await post(pair, body, {"Authorization": header})


async def post(pair: Pair, body: bytes, headers: dict[str, str]) -> Answer:
    url = f"{pair.supplier.identity._settings.public_url}/dcp/presentations/query"
    limits = ClientLimits(allow_http=True, allow_private_networks=True)
    async with GuardedClient(limits) as client:
        return await client.request("POST", url, headers=headers, body=body)


def presented(pair: Pair, answer: Answer) -> list[str]:
    types: list[str] = []
    for text in read_response(answer.body, who="supplier"):
        now = pair.space.clock.seconds()
        _, credentials = read_presentation(
            text, holder=pair.supplier.did, audience=pair.oem.did, now=now
        )
        held = pair.supplier.identity._wallet.held(pair.space.clock())
        types += [one.credential.types[0] for one in held if one.text in credentials]
    return types


async def test_it_presents_what_is_asked_for_and_nothing_else(pair: Pair) -> None:
    answer = await ask(pair, query_message(scopes(MEMBERSHIP)))

    assert 200 == answer.status
    assert [MEMBERSHIP] == presented(pair, answer)
    assert {
        "@context": ["https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"],
        "type": "PresentationResponseMessage",
    } == {k: v for k, v in orjson.loads(answer.body).items() if k != "presentation"}


@pytest.mark.parametrize("alias", [ALIAS, "org.eclipse.tractusx.vc.type"])
async def test_both_scope_aliases_are_understood(pair: Pair, alias: str) -> None:
    answer = await ask(pair, query_message(scopes(BPN, MEMBERSHIP, alias=alias)))

    assert sorted([BPN, MEMBERSHIP]) == sorted(presented(pair, answer))


async def test_a_scope_of_two_parts_is_understood(pair: Pair) -> None:
    answer = await ask(pair, query_message([f"{ALIAS}:{BPN}"]))

    assert [BPN] == presented(pair, answer)


def id_of(pair: Pair, kind: str) -> str:
    held = pair.supplier.identity._wallet.held(pair.space.clock())
    return next(one.credential.identifier for one in held if kind in one.credential.types)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([f"{ALIAS}:{BPN}"], [BPN]),
        ([f"{ID_ALIAS}:BPN-ID"], [BPN]),
        ([f"{ALIAS}:{MEMBERSHIP}:read"], []),
        ([f"{ID_ALIAS}:urn:uuid:none"], []),
    ],
)
async def test_a_credential_may_be_asked_for_by_its_id(
    pair: Pair, given: list[str], expected: list[str]
) -> None:
    number = id_of(pair, BPN)
    scope = " ".join(given).replace("BPN-ID", number)
    access = write_jwt(
        pair.supplier.access_claims_for(pair.oem.did, scope=scope), pair.supplier.key
    )

    answer = await ask(pair, query_message([f"{ID_ALIAS}:{number}"]), access=access)

    assert (200, expected) == (answer.status, presented(pair, answer))


async def test_an_id_and_a_type_bring_each_credential_once(pair: Pair) -> None:
    asked = [f"{ID_ALIAS}:{id_of(pair, BPN)}:read", *scopes(BPN, MEMBERSHIP)]

    assert [BPN, MEMBERSHIP] == presented(pair, await ask(pair, query_message(asked)))


async def test_more_than_was_granted_is_refused(pair: Pair) -> None:
    narrow = pair.supplier.access_claims_for(pair.oem.did, scope=f"{ALIAS}:{BPN}:read")
    access = write_jwt(narrow, pair.supplier.key)

    answer = await ask(pair, query_message(scopes(*CATENA_X_TYPES)), access=access)

    assert 403 == answer.status


async def test_less_than_was_granted_may_be_asked_for(pair: Pair) -> None:
    answer = await ask(pair, query_message(scopes(BPN)))

    assert [BPN] == presented(pair, answer)


async def test_what_nobody_holds_is_answered_with_no_presentation(pair: Pair) -> None:
    answer = await ask(pair, query_message([f"{ALIAS}:Secret:read", "a:b:write", "?"]))

    assert (200, []) == (answer.status, orjson.loads(answer.body)["presentation"])


async def test_the_query_of_an_eclipse_connector_is_understood(pair: Pair) -> None:
    wire = {
        "@context": ["https://identity.foundation/presentation-exchange/submission/v1", "x"],
        "@type": "PresentationQueryMessage",
        "scope": scopes(MEMBERSHIP),
    }

    answer = await ask(pair, orjson.dumps(wire))

    assert [MEMBERSHIP] == presented(pair, answer)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": scopes(MEMBERSHIP)}, 400),
        ({"type": "PresentationQueryMessage"}, 400),
        ({"type": "PresentationQueryMessage", "scope": []}, 400),
        ({"type": "PresentationQueryMessage", "scope": "one"}, 400),
        ({"type": "PresentationQueryMessage", "scope": ["x"] * 101}, 400),
        (
            {
                "type": "PresentationQueryMessage",
                "scope": scopes(BPN),
                "presentationDefinition": {},
            },
            400,
        ),
        ({"type": "PresentationQueryMessage", "presentationDefinition": {}}, 400),
        ({"type": "PresentationQueryMessage", "presentationDefinition": None}, 400),
        ({"type": "PresentationQueryMessage", "presentationDefinition": {"id": "x"}}, 501),
        ([], 400),
    ],
)
async def test_a_wrong_query_is_answered_with_its_status(
    pair: Pair, body: object, status: int
) -> None:
    answer = await ask(pair, orjson.dumps(body))

    assert status == answer.status
    assert orjson.loads(answer.body)["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 60_000])
async def test_what_is_no_json_is_answered_with_400(pair: Pair, body: bytes) -> None:
    assert 400 == (await ask(pair, body)).status


async def test_a_body_over_the_limit_is_answered_with_413(pair: Pair) -> None:
    assert 413 == (await ask(pair, b" " * 70_000)).status


@pytest.mark.parametrize("headers", [{}, {"Authorization": "x"}, {"Authorization": "Bearer x"}])
async def test_a_query_without_a_true_token_is_answered_with_401(
    pair: Pair, headers: dict[str, str]
) -> None:
    assert 401 == (await post(pair, query_message(scopes(BPN)), headers)).status


async def test_access_that_was_given_to_another_is_refused(pair: Pair) -> None:
    thief = await pair.space.company("thief", trusts=pair.authority)

    answer = await ask(pair, query_message(scopes(BPN)), asker=thief)

    assert 401 == answer.status


async def test_access_that_somebody_else_signed_is_refused(pair: Pair) -> None:
    forged = write_jwt(pair.supplier.access_claims_for(pair.oem.did), pair.oem.key)

    assert 401 == (await ask(pair, query_message(scopes(BPN)), access=forged)).status


@pytest.mark.parametrize(
    "changes", [{"exp": 1}, {"exp": None}, {"aud": "did:web:x"}, {"iss": "did:web:x"}]
)
async def test_access_that_is_not_ours_or_over_is_refused(
    pair: Pair, changes: dict[str, object]
) -> None:
    claims = {**pair.supplier.access_claims_for(pair.oem.did), **changes}
    access = write_jwt(claims, pair.supplier.key)

    assert 401 == (await ask(pair, query_message(scopes(BPN)), access=access)).status


async def test_a_message_token_of_ours_opens_nothing(pair: Pair) -> None:
    ours = (await pair.supplier.identity.authorization_for(pair.oem.did)).split()[1]

    assert 401 == (await ask(pair, query_message(scopes(BPN)), access=ours)).status


async def test_a_query_of_a_did_that_cannot_be_reached_is_answered_with_503(pair: Pair) -> None:
    nobody = Did("did:web:127.0.0.1%3A1")
    key = type(pair.oem.key)(f"{nobody}#k", pair.oem.key._private)
    header = pair.oem.signed_by(key, pair.supplier.did, iss=nobody, sub=nobody)

    answer = await post(pair, query_message(scopes(BPN)), {"Authorization": header})

    assert 503 == answer.status
