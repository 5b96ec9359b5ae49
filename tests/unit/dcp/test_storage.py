"""Credentials are taken in from trusted issuers, under numbers agreed on, and kept for good."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from datetime import timedelta

import orjson
import pytest

from connector.identifiers import Did
from connector.protocols.dcp.credentials import BPN
from connector.protocols.dcp.issuance import delivery_message
from connector.protocols.dcp.jwt import write_jwt
from connector.protocols.http import Answer, ClientLimits, GuardedClient
from deploy.demo.authority import Authority
from tests.unit.dcp.conftest import SUPPLIER, Company, Dataspace

PID = "plant-2026"


@pytest.fixture
async def authority(space: Dataspace) -> Authority:
    return await space.authority()


@pytest.fixture
async def plant(space: Dataspace, authority: Authority) -> Company:
    return await space.company("plant", trusts=authority, holder_pids=frozenset({PID}))


def credential(authority: Authority, plant: Company, **changes: object) -> str:
    subject = {"id": plant.did, "bpn": SUPPLIER, **changes}
    return authority.credential(BPN, subject, timedelta(days=30))


def header(authority: Authority, plant: Company, **changes: object) -> str:
    now = plant.clock.seconds()
    claims = {"iss": authority.did, "sub": authority.did, "aud": plant.did, "jti": str(changes)}
    return "Bearer " + write_jwt({**claims, "exp": now + 60, **changes}, authority._key)


async def post(plant: Company, path: str, body: bytes, authorization: str | None) -> Answer:
    url = f"{plant.identity._settings.public_url}/dcp/{path}"
    headers: Mapping[str, str] = {"Authorization": authorization} if authorization else {}
    limits = ClientLimits(allow_http=True, allow_private_networks=True)
    async with GuardedClient(limits) as client:
        return await client.request("POST", url, headers=headers, body=body)


def stored(plant: Company) -> list[str]:
    return [file.read_text() for file in plant.credentials.iterdir()]


async def test_what_a_trusted_issuer_delivers_is_kept_and_can_be_presented_at_once(
    authority: Authority, plant: Company
) -> None:
    assert () == plant.identity._wallet.presentable([BPN], plant.clock())
    text = credential(authority, plant)
    body = delivery_message("1", PID, {BPN: text})

    answer = await post(plant, "credentials", body, header(authority, plant))

    assert 200 == answer.status
    assert (text,) == plant.identity._wallet.presentable([BPN], plant.clock())


async def test_a_stored_credential_is_for_its_owner_alone(
    authority: Authority, plant: Company
) -> None:
    body = delivery_message("1", PID, {BPN: credential(authority, plant)})

    await post(plant, "credentials", body, header(authority, plant))

    modes = [stat.S_IMODE(file.stat().st_mode) for file in plant.credentials.iterdir()]
    assert [0o600] == modes


async def test_a_newer_one_takes_the_place_of_the_older(
    authority: Authority, plant: Company
) -> None:
    (plant.credentials / "by-hand.jwt").write_text("left alone")
    texts = [credential(authority, plant) for _ in range(2)]

    for number, text in enumerate(texts):
        body = delivery_message("1", PID, {BPN: text})
        await post(plant, "credentials", body, header(authority, plant, jti=str(number)))

    assert {"left alone", texts[1]} == set(stored(plant))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"holderPid": "another"}, 403),
        ({"holderPid": None}, 400),
        ({"issuerPid": ""}, 400),
        ({"status": "PERHAPS"}, 400),
        ({"credentials": []}, 400),
        ({"credentials": "x"}, 400),
        ({"type": "Other"}, 400),
    ],
)
async def test_a_wrong_delivery_is_refused_with_its_status(
    authority: Authority, plant: Company, change: dict[str, object], status: int
) -> None:
    whole = orjson.loads(delivery_message("1", PID, {BPN: credential(authority, plant)}))
    body = orjson.dumps({**whole, **change})

    answer = await post(plant, "credentials", body, header(authority, plant))

    assert (status, []) == (answer.status, stored(plant))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"credentialType": "MembershipCredential"}, 400),
        ({"format": "VC2_0_SD_JWT"}, 400),
        ({"payload": "no token"}, 401),
    ],
)
async def test_of_a_delivery_with_one_wrong_credential_nothing_is_kept(
    authority: Authority, plant: Company, change: dict[str, object], status: int
) -> None:
    whole = orjson.loads(delivery_message("1", PID, {BPN: credential(authority, plant)}))
    right = whole["credentials"][0]
    body = orjson.dumps({**whole, "credentials": [right, {**right, **change}]})

    answer = await post(plant, "credentials", body, header(authority, plant))

    assert (status, []) == (answer.status, stored(plant))


async def test_the_credential_of_another_company_is_refused(
    authority: Authority, plant: Company
) -> None:
    text = credential(authority, plant, id=Did("did:web:other.example"))
    body = delivery_message("1", PID, {BPN: text})

    answer = await post(plant, "credentials", body, header(authority, plant))

    assert (401, []) == (answer.status, stored(plant))


async def test_a_credential_of_a_forger_is_refused(authority: Authority, plant: Company) -> None:
    forged = credential(authority, plant)[:-8] + "AAAAAAAA"
    body = delivery_message("1", PID, {BPN: forged})

    answer = await post(plant, "credentials", body, header(authority, plant))

    assert (401, []) == (answer.status, stored(plant))


async def test_an_issuer_that_is_not_trusted_delivers_nothing(
    space: Dataspace, plant: Company
) -> None:
    stranger = await space.authority("stranger")
    body = delivery_message("1", PID, {BPN: credential(stranger, plant)})

    answer = await post(plant, "credentials", body, header(stranger, plant))

    assert (403, []) == (answer.status, stored(plant))


@pytest.mark.parametrize("path", ["credentials", "offers"])
async def test_nothing_is_taken_without_a_token(plant: Company, path: str) -> None:
    assert 401 == (await post(plant, path, b"{}", None)).status


async def test_a_type_that_would_leave_the_folder_is_refused(
    authority: Authority, plant: Company
) -> None:
    text = authority.credential("../x", {"id": plant.did}, timedelta(days=1))
    body = delivery_message("1", PID, {"../x": text})

    answer = await post(plant, "credentials", body, header(authority, plant))

    assert (400, []) == (answer.status, stored(plant))


async def test_a_refusal_is_taken_note_of(authority: Authority, plant: Company) -> None:
    body = delivery_message("1", PID, {}, rejection="not a member")

    answer = await post(plant, "credentials", body, header(authority, plant))

    assert (200, []) == (answer.status, stored(plant))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"credentials": [{"id": "1", "credentialType": BPN}]}, 200),
        ({"issuer": "did:web:other.example"}, 403),
        ({"issuer": None}, 400),
        ({"credentials": []}, 400),
    ],
)
async def test_an_offer_is_heard_from_the_issuer_itself(
    authority: Authority, plant: Company, change: dict[str, object], status: int
) -> None:
    whole = {
        "type": "CredentialOfferMessage",
        "issuer": authority.did,
        "credentials": [{"id": "1"}],
    }
    body = orjson.dumps({**whole, **change})

    assert status == (await post(plant, "offers", body, header(authority, plant))).status
