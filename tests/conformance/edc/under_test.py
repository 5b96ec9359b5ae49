"""Runs our connector for exchanges with an Eclipse connector, both without real identities."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.agreement.model import EndedBy, Negotiation, Process
from connector.agreement.process import Reply
from connector.agreement.reactions import PromptNegotiation
from connector.agreement.states import NegotiationMessage, Role
from connector.agreement.table import agreement_with
from connector.collection.model import RemoteSubmodel
from connector.daemon.house import House, Parts, Trust, store_path
from connector.daemon.lifetime import run
from connector.errors import EslabonError, PartnerError
from connector.identifiers import Did
from connector.partner.model import Caller, VerifiedCredential
from connector.protocols.result import json_answer
from connector.settings.loading import load_settings
from connector.store.database import Database
from connector.telemetry import configure_logging
from connector.transfer.selection import acceptable_offer
from connector.transfer.states import TransferMessage
from tests.builders.exchange import SERIAL
from tests.conformance.edc import ground
from tests.conformance.edc.ground import EDC

ISSUER = "did:web:authority.example"
HELD: dict[str, dict[str, object]] = {
    "MembershipCredential": {"holderIdentifier": EDC.bpnl, "memberOf": "Catena-X"},
    "BpnCredential": {"holderIdentifier": EDC.bpnl, "bpn": EDC.bpnl},
    "DataExchangeGovernanceCredential": {"holderIdentifier": EDC.bpnl, "contractVersion": "1.0"},
}


@dataclass(frozen=True)
class MockIdentity:
    """Believes what a header of EDC's mock claims, and claims to be us by the same."""

    edc_url: str

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return the one partner as a member in good standing."""
        try:
            claimed = orjson.loads(authorization or "")
        except orjson.JSONDecodeError:
            claimed = {}
        if claimed.get("clientId") != EDC.did:
            raise PartnerError("connector:did_malformed", value=authorization)
        until = datetime.now(UTC) + timedelta(days=1)
        held = tuple(VerifiedCredential(kind, said, ISSUER, until) for kind, said in HELD.items())
        return Caller(EDC.did, EDC.bpnl, held, until)

    async def authorization_for(self, audience: Did) -> str:
        """Return the claim that EDC's mock reads."""
        claim = {"region": "eu", "audience": audience, "clientId": ground.US}
        return orjson.dumps(claim).decode()

    async def endpoints(self, did: Did, kind: str) -> tuple[str, ...]:
        """Return where the partner is: there is no DID document to ask."""
        del kind
        return (self.edc_url,) if did == EDC.did else ()

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        """Let the partner be on this machine."""
        del did
        return frozenset({ground.HOST})

    async def close(self) -> None:
        """Have nothing to let go of."""


Answering = Callable[[Request, House], Awaitable[object]]


@dataclass
class Holding(PromptNegotiation):
    """Does what the product does, but waits with an answer to a request while it is told to."""

    holds: bool = False

    def reply(
        self, negotiation: Negotiation, received: NegotiationMessage, objections: tuple[str, ...]
    ) -> Reply | None:
        """Return what the product would, or None."""
        if self.holds and received is NegotiationMessage.REQUEST:
            return None
        return super().reply(negotiation, received, objections)


@dataclass
class Triggers:
    """The addresses by which the tests tell our connector what to do."""

    house: House | None = None
    reactions: Holding = field(default_factory=Holding)

    async def beside(self, house: House) -> None:
        """Learn the house, and stay as long as it does."""
        self.house = house
        await asyncio.Event().wait()

    def routes(self) -> list[Route]:
        """Return all addresses."""
        return [
            self._route(ground.PULL, _pull, "POST"),
            self._route(ground.CATALOG, _catalog, "GET"),
            self._route(ground.NEGOTIATION, _negotiation, "GET"),
            self._route(ground.TRANSFER, _transfer, "GET"),
            self._route(ground.TERMINATION, _terminate, "POST"),
            self._route(ground.ENDS, _ends, "GET"),
            self._route(ground.BEGIN, _begin, "POST"),
            self._route(ground.BEGIN_TRANSFER, _begin_transfer, "POST"),
            self._route(ground.NEGOTIATION_TERMINATION, _end_negotiation, "POST"),
            self._route(ground.HOLD, self._hold, "POST"),
            self._route(ground.AGREEMENT, _agree, "POST"),
        ]

    async def _hold(self, request: Request, house: House) -> object:
        del house
        self.reactions.holds = (await request.json())["hold"]
        return {}

    def _route(self, path: str, act: Answering, method: str) -> Route:
        async def answer(request: Request) -> Response:
            assert self.house is not None
            try:
                return json_answer(await act(request, self.house))
            except EslabonError as error:
                return json_answer({"code": error.code, "text": str(error)}, 409)

        return Route(path, answer, methods=[method])


async def _pull(request: Request, house: House) -> object:
    """Read a submodel at the partner, as a walk does: whatever that takes is done first."""
    asked = await request.json()
    submodel = RemoteSubmodel(SERIAL, asked["href"], asked["dataset"], "")
    value = await house.abroad.value(EDC, submodel)
    grant = await house.grants.dataset(EDC, asked["dataset"])
    told = {"transfer": grant.transfer_pid, "agreement": grant.agreement_id}
    return {"value": value, "token": grant.token, **told}


async def _catalog(request: Request, house: House) -> object:
    del request
    url = await house.grants.catalog.base_url(EDC)
    shown = await house.grants.catalog.datasets(EDC, url)
    return {"datasets": [one.dataset_id for one in shown]}


async def _negotiation(request: Request, house: House) -> object:
    return _told(house.grants.negotiation.of(EDC.did, request.path_params["pid"]))


async def _transfer(request: Request, house: House) -> object:
    return _told(house.grants.delivery.of(EDC.did, request.path_params["pid"]))


def _told(process: Process[Any]) -> object:
    state = process.state or "new"
    return {
        "state": state,
        "peer_pid": process.peer_pid,
        "reason": process.reason,
        "ended_by": process.ended_by,
        "agreement": getattr(process, "agreement_id", ""),
    }


async def _ends(request: Request, house: House) -> object:
    """Tell, from the store, what was begun anew and what ended through whom."""
    del request
    events = ("negotiation.begun_anew", "transfer.begun_anew")
    anew = house.db.rows("SELECT detail FROM journal WHERE event IN (?, ?) ORDER BY id", events)
    ended = [
        (by, reason)
        for table in ("negotiation", "transfer")
        for by, reason in house.db.rows(
            f"SELECT ended_by, reason FROM {table} WHERE state = 'TERMINATED'"
        )
    ]
    return {
        "begun_anew": [orjson.loads(detail)["why"] for (detail,) in anew],
        "ended_by_us": [reason for by, reason in ended if by == EndedBy.US],
        "ended_by_partner": [reason for by, reason in ended if by == EndedBy.PARTNER],
    }


async def _begin(request: Request, house: House) -> object:
    """Ask for an agreement, and do not wait for it."""
    catalog = house.grants.catalog
    url = await catalog.base_url(EDC)
    entry = await catalog.dataset(EDC, url, (await request.json())["dataset"])
    assert entry is not None
    offer, _ = acceptable_offer(entry, house.grants.accepted)
    assert offer is not None
    return {"pid": house.grants.negotiation.request_agreement(EDC, url, offer).pid}


async def _begin_transfer(request: Request, house: House) -> object:
    """Ask for access under an agreement, and do not wait for it."""
    wanted = (await request.json())["agreement"]
    agreement = agreement_with(house.db, Role.CONSUMER, EDC.did, wanted)
    assert agreement is not None
    url = await house.grants.catalog.base_url(EDC)
    return {"pid": house.grants.delivery.request_access(EDC, url, agreement).pid}


async def _agree(request: Request, house: House) -> object:
    pid = request.path_params["pid"]
    house.grants.negotiation.act(pid, NegotiationMessage.AGREEMENT)
    return {}


async def _end_negotiation(request: Request, house: House) -> object:
    pid = request.path_params["pid"]
    house.grants.negotiation.act(pid, NegotiationMessage.TERMINATION, ("ended by the test",))
    return {}


async def _terminate(request: Request, house: House) -> object:
    reasons = ("ended by the test",)
    pid = request.path_params["pid"]
    house.grants.delivery.act(pid, TransferMessage.TERMINATION, reasons)
    return {}


def main(config: Path, edc_url: str) -> None:
    """Seed an empty store, and run until the end of the tests."""
    settings, findings = load_settings(config, {})
    assert settings is not None, [finding.text().what for finding in findings]
    configure_logging(sys.stderr, readable=False)
    db = Database.open(store_path(settings))
    ground.seed(db, settings)
    db.close()
    triggers = Triggers()
    trust = Trust(MockIdentity(edc_url))
    parts = Parts(
        trust=trust,
        negotiation=triggers.reactions,
        routes=triggers.routes(),
        beside=triggers.beside,
    )
    run(settings, parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
