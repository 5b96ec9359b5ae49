"""Visits to a partner over real HTTP: what goes along so that our tokens open, to us alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.collection.model import RemoteSubmodel
from connector.errors import PartnerError
from connector.identifiers import Did
from connector.partner.model import HolderProofs, Partner
from connector.partner.reach import Reach
from connector.protocols.aas.outbound import PartnerVisit
from connector.protocols.http import ClientLimits, GuardedClient
from connector.store.database import Database
from connector.transfer.model import AccessGrant
from connector.twin.identity import ShellIds, key_of
from tests.builders.exchange import (
    NEIGHBOUR,
    NOW,
    OEM,
    SECRET,
    SERIAL,
    SUPPLIER,
    Part,
    Plant,
    PlayedProofs,
    did_of,
)
from tests.unit.dcp.conftest import Dataspace

DOOR = Part("A-100", "S-1")
PROVIDER = Partner("supplier", SUPPLIER, did_of(SUPPLIER))


@dataclass(frozen=True)
class Vouched:
    """Everybody vouches for the same hosts."""

    hosts: frozenset[str]

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        return self.hosts


@dataclass
class Held:
    """Grants that are at hand."""

    endpoint: str
    tokens: dict[str, str]
    forgotten: int = 0

    async def registry(self, partner: Partner) -> AccessGrant:
        return await self.dataset(partner, "registry")

    async def dataset(self, partner: Partner, dataset_id: str) -> AccessGrant:
        until = NOW + timedelta(minutes=5)
        token = self.tokens[dataset_id]
        return AccessGrant(partner.did, dataset_id, self.endpoint, token, until, "urn:t", "a")

    def forget(self, grant: AccessGrant) -> None:
        del grant
        self.forgotten += 1


@pytest.fixture
async def plant(tmp_path):
    db = Database.open(tmp_path / "store.db")
    plant = Plant(db)
    plant.make(DOOR)
    yield plant
    await plant.ledger.close()
    db.close()


@pytest.fixture
async def visiting(tmp_path, plant):
    """Lets the OEM, its tokens bound, visit with the proofs that a test gives."""
    space = Dataspace(tmp_path)
    url = await space.serve(lambda _: plant.app)
    tokens = {"registry": plant.grant(OEM), "serial": plant.grant(OEM, plant.dataset(SERIAL))}
    plant.bind_to_holders()
    client = GuardedClient(ClientLimits(allow_http=True, allow_private_networks=True))
    grants = Held(f"{url}/api/v3", tokens)
    reach = Reach(Vouched(frozenset({"127.0.0.1"})))

    def visit(proofs: HolderProofs | None) -> tuple[PartnerVisit, Held]:
        return PartnerVisit(client, grants, reach, proofs), grants

    yield visit
    await client.close()
    await space.stop()


def submodel(grants: Held) -> RemoteSubmodel:
    shell = ShellIds(SECRET).shell_of(key_of(DOOR.id))
    base = grants.endpoint.removesuffix("/api/v3")
    href = f"{base}/data/{shell}/io.catenax.serial_part:3.0.0:SerialPart/submodel"
    return RemoteSubmodel(SERIAL, href, "serial", "")


async def test_every_read_carries_the_proof_of_its_own_token(visiting):
    visit, grants = visiting(PlayedProofs(did_of(OEM)))

    (shell,) = await visit.shells(PROVIDER, (("partInstanceId", "S-1"),))
    value = await visit.value(PROVIDER, submodel(grants))

    assert (DOOR.id, DOOR.id, 0) == (shell.global_asset_id, value["catenaXId"], grants.forgotten)


@pytest.mark.parametrize("proofs", [None, PlayedProofs(did_of(NEIGHBOUR))])
async def test_without_our_own_proof_our_tokens_open_nothing(visiting, proofs):
    visit, grants = visiting(proofs)

    with pytest.raises(PartnerError, match="401"):
        await visit.shells(PROVIDER, (("partInstanceId", "S-1"),))
    with pytest.raises(PartnerError, match="401"):
        await visit.value(PROVIDER, submodel(grants))
    assert 2 == grants.forgotten


async def test_the_proof_is_made_for_the_partner_that_gave_the_token(visiting):
    proofs = PlayedProofs(did_of(OEM))
    visit, grants = visiting(proofs)
    await visit.value(PROVIDER, submodel(grants))

    assert {PROVIDER.did} == proofs.audiences


async def test_a_read_without_a_body_names_no_kind_of_body(tmp_path):
    said: list[str | None] = []

    async def shell(request: Request) -> Response:
        said.append(request.headers.get("content-type"))
        return JSONResponse({"result": ["urn:uuid:1"]})

    space = Dataspace(tmp_path)
    url = await space.serve(
        lambda _: Starlette(routes=[Route("/{rest:path}", shell, methods=["GET", "POST"])])
    )
    client = GuardedClient(ClientLimits(allow_http=True, allow_private_networks=True))
    reach = Reach(Vouched(frozenset({"127.0.0.1"})))
    await PartnerVisit(client, Held(url, {"registry": "t"}), reach).shells(PROVIDER, (("a", "b"),))
    await client.close()
    await space.stop()

    assert ["application/json", None] == said


@pytest.mark.parametrize(
    ("vouched", "allowed", "reached"),
    [
        ({"127.0.0.1"}, {}, True),
        (set(), {PROVIDER.bpnl: frozenset({"127.0.0.1"})}, True),
        (set(), {}, False),
        ({"supplier.example"}, {OEM: frozenset({"127.0.0.1"})}, False),
    ],
)
async def test_data_are_asked_for_only_where_the_partner_may_have_them(
    tmp_path, vouched, allowed, reached
):
    asked: list[str] = []

    async def shell(request: Request) -> Response:
        asked.append(request.url.path)
        return JSONResponse({"result": []})

    space = Dataspace(tmp_path)
    url = await space.serve(
        lambda _: Starlette(routes=[Route("/{rest:path}", shell, methods=["GET", "POST"])])
    )
    client = GuardedClient(ClientLimits(allow_http=True, allow_private_networks=True))
    reach = Reach(Vouched(frozenset(vouched)), allowed)
    grants = Held(url, {"registry": "t", "serial": "t"})
    visit = PartnerVisit(client, grants, reach)
    refused = []
    for reading in (
        visit.shells(PROVIDER, (("a", "b"),)),
        visit.value(PROVIDER, RemoteSubmodel(SERIAL, f"{url}/x/submodel", "serial", "")),
    ):
        try:
            await reading
        except PartnerError as error:
            refused.append(error.code)
    await client.close()
    await space.stop()

    assert reached == bool(asked)
    assert reached == ("protocols:host_not_vouched" not in refused)
