"""A member asks the demo's authority for credentials, is given them, and may lose them again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.credentials import BPN, CATENA_X_TYPES, MEMBERSHIP
from connector.protocols.http import Answer, ClientLimits, GuardedClient
from deploy.demo.authority import Authority, main
from tests.unit.dcp.conftest import SUPPLIER, Company, Dataspace

PID = "plant-2026"
REQUEST = {
    "type": "CredentialRequestMessage",
    "holderPid": PID,
    "credentials": [{"id": kind} for kind in CATENA_X_TYPES],
}
LIMITS = ClientLimits(allow_http=True, allow_private_networks=True)


@pytest.fixture
async def authority(space: Dataspace) -> Authority:
    return await space.authority()


@pytest.fixture
async def plant(space: Dataspace, authority: Authority) -> Company:
    plant = await space.company("plant", trusts=authority, holder_pids=frozenset({PID}))
    authority.register.admit(plant.did, SUPPLIER)
    return plant


@pytest.fixture
async def oem(space: Dataspace, authority: Authority) -> Company:
    return await space.company("oem", trusts=authority, status_list_seconds=0)


async def ask(
    who: Company, authority: Authority, path: str, message: object | None = None, **changes: object
) -> Answer:
    body = None if message is None else orjson.dumps(message)
    headers = {"Authorization": who.forged(authority.did, jti=f"{path}{changes}", **changes)}
    async with GuardedClient(LIMITS) as client:
        method = "GET" if body is None else "POST"
        return await client.request(method, authority.url + path, headers=headers, body=body)


async def status(who: Company, authority: Authority, place: str, attempt: int = 0) -> str:
    answer = await ask(who, authority, place, aud=[authority.did, str(attempt)])
    return str(orjson.loads(answer.body)["status"])


async def settled(who: Company, authority: Authority, place: str) -> str:
    for attempt in range(200):
        found = await status(who, authority, place, attempt)
        if found != "RECEIVED":
            return found
        await asyncio.sleep(0.02)
    return found


async def requested(plant: Company, authority: Authority) -> str:
    """Let the plant ask for everything; return where it may ask how that stands."""
    answer = await ask(plant, authority, "/issuer/credentials", REQUEST)
    assert 201 == answer.status
    return answer.headers["location"]


async def refused(oem: Company, plant: Company) -> str:
    call = await plant.identity.authorization_for(oem.did)
    with pytest.raises(PartnerError) as trouble:
        await oem.identity.presented(call)
    return trouble.value.code.partition(":")[2]


async def test_what_a_member_asks_for_is_delivered_and_proves_it_to_others(
    authority: Authority, plant: Company, oem: Company
) -> None:
    place = await requested(plant, authority)

    assert "ISSUED" == await settled(plant, authority, place)
    caller = await oem.identity.authenticate(await plant.identity.authorization_for(oem.did))
    assert (SUPPLIER, set(CATENA_X_TYPES)) == (caller.bpnl, {c.type for c in caller.credentials})


async def test_what_is_withdrawn_proves_nothing_any_more(
    authority: Authority, plant: Company, oem: Company
) -> None:
    await settled(plant, authority, await requested(plant, authority))
    await oem.identity.presented(await plant.identity.authorization_for(oem.did))

    assert 1 == authority.register.withdraw(plant.did, MEMBERSHIP)

    assert "credential_withdrawn" == await refused(oem, plant)


async def test_what_another_lost_is_not_withdrawn_from_us(
    authority: Authority, plant: Company, oem: Company
) -> None:
    await settled(plant, authority, await requested(plant, authority))
    authority.credential(BPN, {"id": oem.did}, timedelta(days=1), revocable=True)

    assert 1 == authority.register.withdraw(oem.did)

    call = await plant.identity.authorization_for(oem.did)
    assert 3 == len(await oem.identity.presented(call))


async def test_a_stranger_is_given_nothing(authority: Authority, oem: Company) -> None:
    assert 403 == (await ask(oem, authority, "/issuer/credentials", REQUEST)).status


async def test_a_holder_that_refuses_the_delivery_is_told_so(
    space: Dataspace, authority: Authority
) -> None:
    closed = await space.company("closed", trusts=authority)
    authority.register.admit(closed.did, SUPPLIER)

    assert "REJECTED" == await settled(closed, authority, await requested(closed, authority))


async def test_how_a_request_stands_is_its_holders_to_know(
    authority: Authority, plant: Company, oem: Company
) -> None:
    place = await requested(plant, authority)

    assert 404 == (await ask(oem, authority, place)).status
    assert 404 == (await ask(plant, authority, "/issuer/requests/unknown")).status


@pytest.mark.parametrize(
    "change",
    [{"holderPid": None}, {"credentials": []}, {"credentials": [{"id": "x"}]}, {"type": "x"}],
)
async def test_a_wrong_request_is_refused(
    authority: Authority, plant: Company, change: dict[str, object]
) -> None:
    answer = await ask(plant, authority, "/issuer/credentials", {**REQUEST, **change})

    assert 400 == answer.status


async def test_a_request_without_a_true_token_is_refused(
    authority: Authority, plant: Company
) -> None:
    other = Did("did:web:other.example")

    answer = await ask(plant, authority, "/issuer/credentials", REQUEST, aud=other)

    assert 401 == answer.status


async def test_what_can_be_had_is_told_to_anybody(authority: Authority) -> None:
    async with GuardedClient(LIMITS) as client:
        metadata = orjson.loads((await client.get(f"{authority.url}/issuer/metadata")).body)

    offered = [one["credentialType"] for one in metadata["credentialsSupported"]]
    assert (authority.did, list(CATENA_X_TYPES)) == (metadata["issuer"], offered)


def test_the_command_admits_issues_and_withdraws(tmp_path: Path) -> None:
    run, place = CliRunner().invoke, ["--folder", str(tmp_path / "authority")]
    member = ["--holder", "did:web:plant.example", "--bpnl", SUPPLIER]

    admitted = run(main, [*place, "admit", *member])
    issued = run(main, [*place, "issue", *member, "--to", str(tmp_path / "c"), "--revocable"])
    revoked = run(main, [*place, "revoke", *member[:2]])

    assert [0, 0, 0] == [one.exit_code for one in (admitted, issued, revoked)]
    assert "did:web:plant.example: 3\n" == revoked.output
    assert 3 == len(list((tmp_path / "c").iterdir()))
