"""Gets an access grant from a partner: what is held already first, else all that it takes.

Everything that is begun is in the store, so after a restart a walk goes on with the
negotiation or transfer that it finds there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Protocol

import structlog

from connector.agreement.model import Agreement, CatalogEntry, Negotiation, Offer, Process
from connector.agreement.negotiation import NegotiationDoor
from connector.agreement.process import ProcessDoor
from connector.agreement.states import NegotiationState, Role
from connector.agreement.table import agreement_about, agreement_beside, retire_agreement
from connector.errors import PartnerError, TransientError
from connector.offer.model import AcceptedTerms
from connector.partner.model import Partner
from connector.store import journal
from connector.store.database import Database
from connector.store.signals import Signals
from connector.transfer import table
from connector.transfer.awaiting import Waiting
from connector.transfer.delivery import DeliveryDoor
from connector.transfer.model import AccessGrant, TransferProcess
from connector.transfer.refresher import Refresher, is_lasting
from connector.transfer.restarting import is_worth_beginning_anew
from connector.transfer.selection import REGISTRY, Selector, acceptable_offer, fitting
from connector.transfer.states import TransferMessage, TransferState

DEADLINE_SECONDS = 30.0
RENEWALS_MAX = 2
RESTARTS_MAX = 2
# A partner that stumbled over itself gets a moment to get up, and a longer one the next time.
RESTART_PAUSE_SECONDS = 0.1


class TransferEndedError(PartnerError):
    """A partner gave no access under an agreement."""


class PartnerCatalog(Protocol):
    """The port through which a partner's catalog is read."""

    async def base_url(self, partner: Partner) -> str:
        """Return where the partner's protocol endpoint of our version begins."""
        ...

    async def datasets(self, partner: Partner, base_url: str) -> tuple[CatalogEntry, ...]:
        """Return all that the partner's catalog shows us."""
        ...

    async def dataset(
        self, partner: Partner, base_url: str, dataset_id: str
    ) -> CatalogEntry | None:
        """Return one dataset of the partner's catalog, or None where it shows us none."""
        ...


@dataclass(eq=False)
class Acquisition:
    """The source of access grants; for one dataset of a partner one flight at a time.

    A grant is used until it has to be renewed: by its refresh token where it has one, else by
    another transfer. Meanwhile reads go on with the token at hand. What the partner ends by a
    stumble of its own is begun anew, ``restarts_max`` times at most. All methods raise
    `PartnerError` when the partner does not offer, agree or open what is wanted, and
    `TransientError` when that is not decided within ``deadline_seconds``.
    """

    negotiation: NegotiationDoor
    delivery: DeliveryDoor
    catalog: PartnerCatalog
    signals: Signals
    accepted: AcceptedTerms
    deadline_seconds: float = DEADLINE_SECONDS
    restarts_max: int = RESTARTS_MAX
    refresher: Refresher | None = None
    _flights: dict[tuple[str, Selector], asyncio.Task[AccessGrant]] = field(default_factory=dict)
    _followed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Say when a negotiation and when a transfer is decided, and what follows the first."""
        self.negotiation.follow_with(self._follow)
        patience = self.deadline_seconds
        self._agreeing = Waiting(self.negotiation, self.signals, _is_settled, patience)
        self._opening = Waiting(self.delivery, self.signals, _is_answered, patience)

    def _follow(self, tx: Database, settled: Negotiation, now: datetime) -> None:
        """Ask at once for the access for which somebody has negotiated and waits."""
        if settled.pid in self._followed:
            self.delivery.follow(tx, settled, now)

    async def registry(self, partner: Partner) -> AccessGrant:
        """Return a grant for the partner's registry."""
        return await self.obtain_grant(partner, REGISTRY)

    async def dataset(self, partner: Partner, dataset_id: str) -> AccessGrant:
        """Return a grant for one of the partner's datasets."""
        return await self.obtain_grant(partner, Selector(dataset_id))

    def forget(self, grant: AccessGrant) -> None:
        """Use a grant no more that its provider does not honour."""
        if self.refresher is not None and self.refresher.doubt(grant):
            return
        transfer = self.delivery.table.find(self.delivery.ports.db, grant.transfer_pid)
        if transfer is not None and _is_running(transfer):
            self.delivery.act(transfer.pid, TransferMessage.COMPLETION)

    async def obtain_grant(self, partner: Partner, selector: Selector) -> AccessGrant:
        """Return a usable grant, the one at hand if there is one."""
        held = self._held(partner, selector)
        if held is not None and not self._is_due(held):
            return held
        flight = self._flight(partner, selector)
        if held is not None and is_lasting(held, self.delivery.ports):
            return held
        # Who gives up waiting does not take the grant away from the others.
        return await asyncio.shield(flight)

    def _flight(self, partner: Partner, selector: Selector) -> asyncio.Task[AccessGrant]:
        key = (_seat(partner), selector)
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._obtain(partner, selector))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    def _landed(self, key: tuple[str, Selector], flight: asyncio.Task[AccessGrant]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # seen, even when everybody has given up waiting

    def _held(self, partner: Partner, selector: Selector) -> AccessGrant | None:
        dataset_id = self._known_dataset(partner, selector)
        return self._usable(partner, dataset_id) if dataset_id else None

    def _usable(self, partner: Partner, dataset_id: str) -> AccessGrant | None:
        now, url = self.delivery.ports.clock(), partner.address
        return table.usable_grant(self.delivery.ports.db, partner.did, dataset_id, now, url=url)

    def _is_due(self, grant: AccessGrant) -> bool:
        return grant.renew_at is not None and grant.renew_at <= self.delivery.ports.clock()

    async def _renewed(self, partner: Partner, dataset_id: str) -> AccessGrant | None:
        """Return a grant that lasts: the one at hand, or the same with new tokens."""
        db, url = self.delivery.ports.db, partner.address
        held = table.newest_grant(db, partner.did, dataset_id, url=url)
        # What is asked for once more, after a lost answer, may have expired meanwhile.
        for _ in range(RENEWALS_MAX):
            if held is None or not self._is_due(held):
                break
            try:
                held = await self.refresher.renewed(held) if self.refresher else None
            except TransientError:
                if held is not None and is_lasting(held, self.delivery.ports):
                    raise
                return None
        return held if held is not None and not self._is_due(held) else None

    def _known_dataset(self, partner: Partner, selector: Selector) -> str:
        db = self.delivery.ports.db
        name = _sought_as(partner, selector)
        return selector.dataset_id or table.sought_dataset(db, partner.did, name)

    async def _obtain(self, partner: Partner, selector: Selector) -> AccessGrant:
        until = asyncio.get_running_loop().time() + self.deadline_seconds
        dataset_id = self._known_dataset(partner, selector)
        entry = None if dataset_id else await self._entry(partner, selector)
        dataset_id = entry.dataset_id if entry else dataset_id
        held = await self._renewed(partner, dataset_id)
        held = held or await self._reused(partner, dataset_id, until)
        if held is not None:
            return held
        entry = entry or await self._entry(partner, selector)
        agreement = await self._negotiated(partner, entry, until)
        return await self._opened_under(partner, agreement, until)

    async def _reused(self, partner: Partner, dataset_id: str, until: float) -> AccessGrant | None:
        """Return a grant under an agreement that we hold, or are about to hold."""
        ports = self.delivery.ports
        begun = self._agreeing.unfinished(partner, dataset_id)
        if begun is not None:
            await self._agreeing.decided(partner, begun, until)
        agreement = self._agreement(partner, dataset_id)
        if agreement is None:
            return None
        try:
            return await self._opened_under(partner, agreement, until)
        except TransferEndedError:
            # The provider may have new terms: forget the agreement, and ask what it offers.
            self._retire(partner, agreement)
            with ports.db.gathered() as tx:
                table.forget_sought(tx, partner.did, dataset_id)
            return None

    async def _opened_under(
        self, partner: Partner, agreement: Agreement, until: float
    ) -> AccessGrant:
        """Return a grant under an agreement, or under the one that it replaced when signed."""
        try:
            return await self._opened(partner, agreement, until)
        except TransferEndedError:
            before = agreement_beside(self.delivery.ports.db, partner.did, agreement.id)
            if before is None:
                raise
            self._retire(partner, agreement)
            return await self._opened(partner, before, until)

    def _retire(self, partner: Partner, agreement: Agreement) -> None:
        ports = self.delivery.ports
        with ports.db.gathered() as tx:
            retire_agreement(tx, partner.did, agreement.id, ports.clock())

    def _agreement(self, partner: Partner, dataset_id: str) -> Agreement | None:
        db, url = self.negotiation.ports.db, partner.address
        return agreement_about(db, Role.CONSUMER, partner.did, dataset_id, url=url)

    async def _negotiated(self, partner: Partner, entry: CatalogEntry, until: float) -> Agreement:
        dataset_id = entry.dataset_id
        for restarts in count():
            ended = await self._negotiated_once(partner, entry, until)
            agreement = self._agreement(partner, dataset_id)
            if agreement is not None:
                return agreement
            if not await self._begins_anew(self.negotiation, ended, restarts):
                break
        raise PartnerError(
            "transfer:negotiation_ended",
            partner=partner.name,
            dataset=dataset_id,
            pid=ended.pid,
            reason=ended.reason,
            times=restarts + 1,
        )

    async def _negotiated_once(
        self, partner: Partner, entry: CatalogEntry, until: float
    ) -> Negotiation:
        begun = self._agreeing.unfinished(partner, entry.dataset_id)
        if begun is None:
            offer = self._accepted(partner, entry)
            url = await self.catalog.base_url(partner)
            begun = self.negotiation.request_agreement(partner, url, offer)
        self._followed.add(begun.pid)
        try:
            return await self._agreeing.decided(partner, begun, until)
        finally:
            self._followed.discard(begun.pid)

    async def _begins_anew(
        self, door: ProcessDoor[Any, Any], ended: Process[Any], restarts: int
    ) -> bool:
        """Return whether to begin once more, after a pause, and leave a record of it."""
        if restarts >= self.restarts_max or not is_worth_beginning_anew(ended):
            return False
        ports, facts = door.ports, {"why": ended.reason, "restarts": restarts + 1}
        with ports.db.transaction() as tx:
            event = f"{door.noun}.begun_anew"
            journal.append(tx, event, ports.clock(), subject=ended.pid, detail=facts)
        structlog.get_logger().warning(
            "exchange.begun_anew", process=ended.pid, partner=ended.partner, **facts
        )
        await asyncio.sleep(RESTART_PAUSE_SECONDS * 2**restarts)
        return True

    async def _entry(self, partner: Partner, selector: Selector) -> CatalogEntry:
        url = await self.catalog.base_url(partner)
        shown: tuple[CatalogEntry, ...] = ()
        if not selector.dataset_id:
            shown = await self.catalog.datasets(partner, url)
        elif one := await self.catalog.dataset(partner, url, selector.dataset_id):
            shown = (one,)
        entry = fitting(shown, selector)
        if entry is None:
            raise PartnerError(
                "transfer:dataset_not_found",
                partner=partner.name,
                selector=str(selector),
                shown=len(shown),
            )
        if not selector.dataset_id:
            with self.delivery.ports.db.gathered() as tx:
                name = _sought_as(partner, selector)
                table.note_sought(tx, partner.did, name, entry.dataset_id)
        return entry

    def _accepted(self, partner: Partner, entry: CatalogEntry) -> Offer:
        offer, reasons = acceptable_offer(entry, self.accepted)
        if offer is None:
            raise PartnerError(
                "transfer:offer_not_acceptable",
                partner=partner.name,
                dataset=entry.dataset_id,
                reasons="; ".join(reasons),
            )
        return offer

    async def _opened(self, partner: Partner, agreement: Agreement, until: float) -> AccessGrant:
        ports, dataset_id = self.delivery.ports, agreement.dataset_id
        held = self._usable(partner, dataset_id)
        if held is not None and held.agreement_id == agreement.id and not self._is_due(held):
            return held
        for restarts in count():
            ended = await self._opened_once(partner, agreement, until)
            now, url = ports.clock(), partner.address
            grant = table.usable_grant(ports.db, partner.did, dataset_id, now, url=url)
            if grant is not None:
                return grant
            if ended.state is TransferState.STARTED:
                raise PartnerError("transfer:address_missing", partner=partner.name, pid=ended.pid)
            if not await self._begins_anew(self.delivery, ended, restarts):
                break
        raise TransferEndedError(
            "transfer:transfer_ended",
            partner=partner.name,
            dataset=dataset_id,
            pid=ended.pid,
            state=ended.phase,
            reason=ended.reason,
            times=restarts + 1,
        )

    async def _opened_once(
        self, partner: Partner, agreement: Agreement, until: float
    ) -> TransferProcess:
        dataset_id = agreement.dataset_id
        self._complete_expired(partner, dataset_id)
        begun = self._opening.unfinished(partner, dataset_id)
        if begun is None or begun.agreement_id != agreement.id:
            url = await self.catalog.base_url(partner)
            begun = self.delivery.request_access(partner, url, agreement)
        return await self._opening.decided(partner, begun, until)

    def _complete_expired(self, partner: Partner, dataset_id: str) -> None:
        """Tell the provider that a transfer whose token has expired is of no more use."""
        ports = self.delivery.ports
        now, url = ports.clock(), partner.address
        pids = table.expired_grants(ports.db, partner.did, dataset_id, now, url=url)
        for pid in pids:
            self.delivery.act(pid, TransferMessage.COMPLETION)


def _seat(partner: Partner) -> str:
    return f"{partner.did} {partner.address}".strip()


def _sought_as(partner: Partner, selector: Selector) -> str:
    """Return the name of what is sought: each connector of a partner may have one of its own."""
    return f"{selector} @ {partner.address}" if partner.address else str(selector)


def _is_settled(negotiation: Negotiation) -> bool:
    return negotiation.state in (NegotiationState.FINALIZED, NegotiationState.TERMINATED)


def _is_answered(transfer: TransferProcess) -> bool:
    return transfer.state not in (None, TransferState.REQUESTED)


def _is_running(transfer: TransferProcess) -> bool:
    return transfer.state is TransferState.STARTED and transfer.heading is None
