"""The partners of the load benchmark: many identities in one process, all exchanging at once.

Each has a DID, a key and credentials of its own, serves its documents and presentations, and
proves itself anew on every message; what the supplier sends is verified like anything else.
Only what a connector keeps is missing: a partner here forgets an exchange that is done.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import socket
import sys
import time
from asyncio import Future
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import structlog
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from connector.agreement.model import CatalogEntry, ContractRequest, Verification
from connector.agreement.process import new_pid
from connector.identifiers import Bpnl, Did
from connector.offer.model import HTTP_PULL
from connector.partner.book import AddressBook
from connector.partner.model import PROOF_HEADER, Partner
from connector.protocols.aas.outbound import shell_from_wire
from connector.protocols.dcp import inbound as dcp
from connector.protocols.dcp.identity import DcpIdentity, DcpSettings
from connector.protocols.dsp.catalog import entries_from_wire
from connector.protocols.dsp.messages import CONTEXT, ProcessContent, path_to
from connector.protocols.dsp.reading import transfer_from_wire
from connector.protocols.dsp.writing import to_wire
from connector.protocols.http import Answer, ClientLimits, GuardedClient
from connector.protocols.jsonld import compacted, parsed
from connector.transfer.model import DataAddress, TransferRequest, TransferStart
from connector.transfer.states import TransferMessage
from tests.benchmarks import cpu

STEP_SECONDS = 30.0
LIMITS = ClientLimits(allow_http=True, allow_private_networks=True)
SUBMODELS = "https://w3id.org/catenax/taxonomy#SubmodelBundle"
REGISTRY = "https://w3id.org/catenax/taxonomy#DigitalTwinRegistry"


@dataclass(frozen=True, slots=True)
class Member:
    """One of the partners: what the supplier's address book says of it, and its folder."""

    name: str
    bpnl: Bpnl
    did: Did
    url: str
    folder: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: by whom, with which supplier, and how often each."""

    members: tuple[Member, ...]
    port: int
    supplier: Did
    supplier_pid: int
    base_url: str
    issuer: Did
    rounds: int

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Return the plan that `write` put there."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        members = tuple(Member(**one) for one in stored.pop("members"))
        return cls(members=members, **stored)

    def write(self, path: Path) -> None:
        """Store the plan for the process that follows it."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Seen:
    """One exchange as its partner saw it; ``asset`` is the twin whose first byte came."""

    agreement: str
    transfer: str
    asset: str
    milliseconds: float


@dataclass
class Asking:
    """One partner that asks."""

    member: Member
    plan: Plan
    client: GuardedClient
    _awaited: dict[str, Future[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take up the partner's identity."""
        folder = Path(self.member.folder)
        settings = DcpSettings(
            did=self.member.did,
            key_file=folder / "keys" / "connector.pem",
            credentials_folder=folder / "credentials",
            trusted_issuers=(self.plan.issuer,),
            public_url=self.member.url,
            allow_http=True,
            allow_private_networks=True,
        )
        supplier = Partner("supplier", Bpnl("BPNL00000000PUE1"), self.plan.supplier)
        self.identity = DcpIdentity(settings, AddressBook((supplier,)))
        self.holder = self.identity.holder_binding()

    def routes(self) -> Mount:
        """Return its side: identity, and the three messages that a consumer is sent."""
        paths = ("negotiations/{pid}/agreement", "negotiations/{pid}/events")
        messages = [
            Route(f"/dsp/{path}", self._take, methods=["POST"])
            for path in (*paths, "transfers/{pid}/start")
        ]
        return Mount(f"/{self.member.name}", routes=[*dcp.routes(self.identity), *messages])

    async def _take(self, request: Request) -> Response:
        await self.identity.authenticate(request.headers.get("authorization"))
        body = await request.body()
        awaited = self._awaited.pop(request.path_params["pid"], None)
        if awaited is not None and not awaited.done():
            awaited.set_result(body)
        return Response()

    async def exchange(self, kind: str) -> tuple[DataAddress, str, str]:
        """Go from the catalog to an access grant; return it, the agreement and the transfer."""
        entry = await self._entry(kind)
        pid = new_pid()
        answer, agreed = await self._say(
            pid,
            "",
            ContractRequest(
                consumer_pid=pid, offer=entry.offers[0], callback_address=f"{self.member.url}/dsp"
            ),
        )
        peer = str(compacted(parsed(answer.body))["providerPid"])
        agreement = str(compacted(parsed(agreed))["agreement"]["@id"])
        verified = Verification(consumer_pid=pid, provider_pid=peer)
        await self._say(pid, peer, verified)
        transfer = new_pid()
        wanted = TransferRequest(
            consumer_pid=transfer,
            agreement_id=agreement,
            format=HTTP_PULL,
            callback_address=f"{self.member.url}/dsp",
        )
        _, started = await self._say(transfer, "", wanted)
        content = transfer_from_wire(started, TransferMessage.START)
        assert isinstance(content, TransferStart)
        assert content.address is not None
        return content.address, agreement, transfer

    async def read(self, address: DataAddress, url: str) -> bytes:
        """Read under a grant, with the proof that it is ours."""
        proof = await self.holder.proof_for(self.plan.supplier, address.token)
        headers = {"Authorization": address.token, PROOF_HEADER: proof}
        return (await self.client.get(url, headers=headers)).body

    async def _entry(self, kind: str) -> CatalogEntry:
        body = json.dumps({"@context": [CONTEXT], "@type": "CatalogRequestMessage"}).encode()
        answer = await self._post("/catalog/request", body)
        entries = entries_from_wire(answer.body)
        return next(one for one in entries if one.properties["dct:type"] == {"@id": kind})

    async def _say(self, pid: str, peer: str, content: ProcessContent) -> tuple[Answer, bytes]:
        """Send a message, and return the answer and the message that comes of it."""
        self._awaited[pid] = awaited = asyncio.get_running_loop().create_future()
        answer = await self._post(path_to(content, peer), json.dumps(to_wire(content)).encode())
        async with asyncio.timeout(STEP_SECONDS):
            return answer, await awaited

    async def _post(self, path: str, body: bytes) -> Answer:
        headers = {
            "Authorization": await self.identity.authorization_for(self.plan.supplier),
            "Content-Type": "application/json",
        }
        return await self.client.post(self.plan.base_url + path, body, headers=headers)


async def submodels(asking: Asking) -> dict[str, str]:
    """Return where the values lie, by global asset id, as the supplier's registry tells."""
    address, _, _ = await asking.exchange(REGISTRY)
    raw = await asking.read(address, f"{address.endpoint.rstrip('/')}/shell-descriptors")
    shells = [shell_from_wire(one) for one in json.loads(raw)["result"]]
    return {one.global_asset_id: f"{one.submodels[0].href}/$value" for one in shells}


async def partake(asking: Asking, values: Mapping[str, str], rounds: int) -> list[Seen]:
    """Exchange so many times, one after the other, and read one value each time."""
    seen = []
    assets = list(values)
    for _ in range(rounds):
        asset = random.choice(assets)
        began = time.perf_counter()
        address, agreement, transfer = await asking.exchange(SUBMODELS)
        payload = await asking.read(address, values[asset])
        took = 1000 * (time.perf_counter() - began)
        assert json.loads(payload)["catenaXId"] == asset
        seen.append(Seen(agreement, transfer, asset, took))
    return seen


async def load(plan: Plan) -> Mapping[str, Any]:
    """Serve all partners, let them exchange at once, and return what they saw."""
    client = GuardedClient(LIMITS)
    asking = [Asking(member, plan, client) for member in plan.members]
    app = Starlette(routes=[one.routes() for one in asking])
    listening = socket.create_server(("127.0.0.1", plan.port), backlog=1024)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.01)
    values = await submodels(asking[0])
    first = await asyncio.gather(*(partake(one, values, 1) for one in asking))
    gc.freeze()
    busy, own, began = cpu.seconds_of(plan.supplier_pid), time.process_time(), time.perf_counter()
    then = await asyncio.gather(*(partake(one, values, plan.rounds) for one in asking))
    seconds = time.perf_counter() - began
    own, busy = time.process_time() - own, cpu.seconds_of(plan.supplier_pid) - busy
    server.should_exit = True
    await serving
    for one in asking:
        await one.identity.close()
    await client.close()
    return {
        "seconds": seconds,
        "supplier_cpu_seconds": busy,
        "partners_cpu_seconds": own,
        "first": [asdict(seen) for one in first for seen in one],
        "seen": [asdict(seen) for one in then for seen in one],
    }


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    gc.set_threshold(50_000, 20, 50)
    found = uvloop.run(load(Plan.read(Path(sys.argv[1]))))
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")
