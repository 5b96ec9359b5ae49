"""Looks at all open access several times a minute, and ends what may go on no longer.

A read is refused by itself once the policy's date, a credential or the partner's standing
is gone; here the partner is told, with the reason, and the operator's log names it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from connector.errors import PartnerError, TransientError
from connector.identifiers import Bpnl, Did
from connector.offer.datasets import Shelf
from connector.store.journal import moment
from connector.texts import word
from connector.transfer import table
from connector.transfer.delivery import DeliveryDoor
from connector.transfer.standing import Attested, Vigil
from connector.transfer.states import TransferMessage
from connector.transfer.terms import Agreed, objections
from connector.transitions import IllegalMoveError

PAGE_TRANSFERS = 200


@dataclass(frozen=True, slots=True)
class _Open:
    """A transfer whose token opens something, with what was agreed on."""

    pid: str
    dataset_id: str
    agreed: Agreed
    who: Attested


@dataclass(frozen=True, slots=True)
class AccessWatch:
    """One look at everything that is open; the daemon repeats it."""

    delivery: DeliveryDoor
    shelf: Shelf
    vigil: Vigil
    clock: Callable[[], datetime]

    async def look(self) -> int:
        """Look at every open transfer once; return how many were ended."""
        after, ended, is_more = "", 0, True
        while is_more:
            page = self._page(after)
            partners = {one.who for one in page}
            answers = await asyncio.gather(*(self._lost(who) for who in partners))
            lost = dict(zip(partners, answers, strict=True))
            for one in page:
                ended += self._judged(one, lost[one.who])
                await asyncio.sleep(0)  # let reads in between
            after = page[-1].pid if page else ""
            is_more = len(page) == PAGE_TRANSFERS
        return ended

    def _page(self, after: str) -> list[_Open]:
        rows = table.open_access(self.delivery.ports.db, self.clock(), after, PAGE_TRANSFERS)
        return [
            _Open(
                pid,
                dataset,
                Agreed(policy, moment(signed_at)),
                Attested(Did(did), Bpnl(bpnl), credentials),
            )
            for pid, did, bpnl, dataset, policy, signed_at, credentials in rows
        ]

    def _judged(self, one: _Open, lost: tuple[str, ...]) -> bool:
        """End a transfer if something speaks against it; return whether it did."""
        reasons = lost or self._against(one)
        if reasons:
            self._withdraw(one, reasons)
        return bool(reasons)

    async def _lost(self, who: Attested) -> tuple[str, ...]:
        """Return why a partner's credentials count no more; nothing where they do."""
        try:
            await self.vigil.look(who)
        except PartnerError as lost:
            return (lost.text().what,)
        except TransientError as untold:
            # Not the partner's fault: reads stop by themselves if it lasts, the transfer stays.
            structlog.get_logger().warning(
                "standing.untold", partner=who.bpnl, did=who.did, reason=untold.text().what
            )
        return ()

    def _against(self, one: _Open) -> tuple[str, ...]:
        """Return what the offer of today and the signed policy have against it."""
        now = self.clock()
        dataset = self.shelf.granted(one.dataset_id, one.who.bpnl, now)
        if dataset is None:
            return (word("transfer:dataset_withdrawn", dataset=one.dataset_id),)
        return objections(self.shelf, dataset, one.agreed, one.who.caller(), now)

    def _withdraw(self, one: _Open, reasons: tuple[str, ...]) -> None:
        structlog.get_logger().warning(
            "access.withdrawn",
            partner=one.who.bpnl,
            did=one.who.did,
            transfer=one.pid,
            reasons=list(reasons),
        )
        # While we looked, it may have come to an end by itself.
        with suppress(IllegalMoveError):
            self.delivery.act(one.pid, TransferMessage.TERMINATION, reasons)
