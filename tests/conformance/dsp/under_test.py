"""Runs our connector for the kit: a static identity, scripted reactions, and triggers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.agreement.model import Negotiation, Offer
from connector.agreement.process import ProcessDoor, Reply
from connector.agreement.states import NegotiationMessage, Role
from connector.agreement.table import agreement_with
from connector.daemon.house import House, Parts, Trust, store_path
from connector.daemon.lifetime import run
from connector.errors import EslabonError, PartnerError
from connector.identifiers import Did
from connector.partner.model import Caller, VerifiedCredential
from connector.settings.loading import load_settings
from connector.settings.values import Settings
from connector.store.database import Database
from connector.telemetry import configure_logging
from connector.transfer.model import TransferProcess
from connector.transfer.states import TransferMessage
from tests.conformance.dsp import ground
from tests.conformance.dsp.ground import AUTHORIZATION, KIT
from tests.conformance.dsp.script import Steps, negotiation_scripts, transfer_scripts

# The kit listens for an answer only a moment after it has been acknowledged.
DELAY_SECONDS = 0.5
ISSUER = "did:web:authority.example"
HELD: Mapping[str, Mapping[str, object]] = {
    "MembershipCredential": {"holderIdentifier": KIT.bpnl, "memberOf": "Catena-X"},
    "BpnCredential": {"holderIdentifier": KIT.bpnl, "bpn": KIT.bpnl},
    "DataExchangeGovernanceCredential": {"holderIdentifier": KIT.bpnl, "contractVersion": "1.0"},
}


class StaticIdentity:
    """Believes whoever sends the kit's header, and shows itself by the same."""

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return the kit as a member in good standing."""
        if authorization != AUTHORIZATION:
            raise PartnerError("connector:did_malformed", value=authorization)
        until = datetime.now(UTC) + timedelta(days=1)
        held = tuple(VerifiedCredential(kind, said, ISSUER, until) for kind, said in HELD.items())
        return Caller(KIT.did, KIT.bpnl, held, until)

    async def authorization_for(self, audience: Did) -> str:
        """Return what the kit does not read."""
        del audience
        return AUTHORIZATION

    async def endpoints(self, did: Did, kind: str) -> tuple[str, ...]:
        """Name no services: the kit says in each message where it is."""
        del did, kind
        return ()

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        """Let the kit be on this machine."""
        del did
        return frozenset({ground.HOST})

    async def close(self) -> None:
        """Have nothing to let go of."""


@dataclass
class Script:
    """Sends what the script of a test says, and never what the product would."""

    scripts: dict[str, Steps]
    door: ProcessDoor[Any, Any] | None = None
    _left: dict[str, list[tuple[StrEnum, ...]]] = field(default_factory=dict)

    def begin(self, pid: str, test: str) -> None:
        """Play the first step of a test of ours; its first message has been sent already."""
        first, *self._left[pid] = self.scripts[test]
        self._play(pid, first[1:])

    def follow(self, pid: str, test: str) -> None:
        """Play the next step after a message of the kit."""
        left = self._left.setdefault(pid, list(self.scripts[test]) if test else [])
        if left:
            self._play(pid, left.pop(0))

    def _play(self, pid: str, messages: tuple[StrEnum, ...]) -> None:
        for count, message in enumerate(messages, 1):
            loop = asyncio.get_running_loop()
            loop.call_later(count * DELAY_SECONDS, self._act, pid, message)

    def _act(self, pid: str, message: StrEnum) -> None:
        assert self.door is not None
        try:
            self.door.act(pid, message)
        except EslabonError as error:
            structlog.get_logger().warning("script.stopped", pid=pid, reason=str(error))


@dataclass
class ScriptedNegotiation:
    """Reactions by the script of the dataset that the kit asked for first."""

    script: Script
    tests: dict[str, str]

    def reply(
        self, negotiation: Negotiation, received: NegotiationMessage, objections: tuple[str, ...]
    ) -> Reply | None:
        """Wait: the script sends of its own accord."""
        del objections
        if received != NegotiationMessage.TERMINATION:
            self.script.follow(negotiation.pid, self.tests.get(negotiation.dataset_id, ""))
        return None


@dataclass
class ScriptedTransfer:
    """Reactions by the script of the agreement that the kit names."""

    script: Script

    def reply(
        self, transfer: TransferProcess, received: TransferMessage, objections: tuple[str, ...]
    ) -> Reply | None:
        """Wait: the script sends of its own accord."""
        del objections
        if received in (TransferMessage.REQUEST, TransferMessage.START):
            self.script.follow(transfer.pid, transfer.agreement_id)
        return None


@dataclass
class Triggers:
    """Two addresses by which the kit makes us begin as a consumer."""

    negotiation: Script
    transfer: Script
    house: House | None = None

    async def beside(self, house: House) -> None:
        """Learn the house, and stay as long as it does."""
        self.house = house
        self.negotiation.door = house.grants.negotiation
        self.transfer.door = house.grants.delivery
        await asyncio.Event().wait()

    def routes(self) -> list[Route]:
        """Return the two addresses."""
        return [
            Route(ground.NEGOTIATION_TRIGGER, self._negotiate, methods=["POST"]),
            Route(ground.TRANSFER_TRIGGER, self._transfer, methods=["POST"]),
        ]

    async def _negotiate(self, request: Request) -> Response:
        assert self.house is not None
        asked = await request.json()
        offer = Offer(asked["offerId"], asked["datasetId"], ground.TERMS)
        door = self.house.grants.negotiation
        begun = door.request_agreement(KIT, asked["connectorAddress"], offer)
        self.negotiation.begin(begun.pid, asked["datasetId"])
        return Response()

    async def _transfer(self, request: Request) -> Response:
        assert self.house is not None
        asked = await request.json()
        test = asked["agreementId"]
        agreement = agreement_with(self.house.db, Role.CONSUMER, KIT.did, test)
        assert agreement is not None
        door = self.house.grants.delivery
        begun = door.request_access(KIT, asked["connectorAddress"], agreement)
        self.transfer.begin(begun.pid, test)
        return Response()


def parts_for(settings: Settings) -> Parts:
    """Return what is put in place of the product's own."""
    negotiation, transfer = Script(negotiation_scripts()), Script(transfer_scripts())
    triggers = Triggers(negotiation, transfer)
    tests = {ids[0]: test for test, ids in ground.dataset_ids(settings).items()}
    return Parts(
        trust=Trust(StaticIdentity()),
        negotiation=ScriptedNegotiation(negotiation, tests),
        transfer=ScriptedTransfer(transfer),
        routes=triggers.routes(),
        beside=triggers.beside,
    )


def main(config: Path) -> None:
    """Seed an empty store, and run until the end of the tests."""
    settings, findings = load_settings(config, {})
    assert settings is not None, [finding.text().what for finding in findings]
    configure_logging(sys.stderr, readable=False)
    db = Database.open(store_path(settings))
    ground.seed(db, settings)
    db.close()
    run(settings, parts_for(settings))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
