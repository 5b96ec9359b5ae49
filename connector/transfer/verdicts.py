"""Decides what a token opens, and keeps the verdict for as long as nothing can have changed.

A warm verdict is one look into a dictionary. It goes after a second, and at once when its
transfer changes; so dates, rules and the partner's standing are asked each second, and a
suspension acts on the very next read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import PartnerError
from connector.offer.datasets import Shelf
from connector.offer.model import Dataset
from connector.store.database import Database
from connector.transfer import table
from connector.transfer.access import Access, check_access, token_of
from connector.transfer.standing import Attested, Vigil
from connector.transfer.terms import objections

VERDICT_SECONDS = 1.0
VERDICTS_MAX = 10_000
# Longer ones are of no token of ours, but could be padded to fill the memory.
KEPT_CHARACTERS_MAX = 256


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a token opens until a moment."""

    access: Access
    dataset: Dataset
    until: datetime


class Verdicts:
    """Verdicts by the ``Authorization`` that brought the token; for one event loop."""

    def __init__(
        self, db: Database, shelf: Shelf, clock: Callable[[], datetime], vigil: Vigil
    ) -> None:
        self._db = db
        self._shelf = shelf
        self._clock = clock
        self._vigil = vigil
        self._kept: dict[str, Verdict] = {}
        self._of_transfer: dict[str, set[str]] = {}
        # How often anything has changed on which a verdict may rest.
        self._news = 0

    def kept(self, authorization: str | None, now: datetime) -> Verdict | None:
        """Return the verdict that still holds, if there is one."""
        verdict = self._kept.get(authorization or "")
        return verdict if verdict is not None and now < verdict.until else None

    async def found(
        self, authorization: str | None, prove: Callable[[Access], Awaitable[None]]
    ) -> Verdict:
        """Decide anew what a token opens; it comes with or without ``Bearer``.

        ``prove`` returns when it is its holder who uses it, and raises else: whoever is not
        learns nothing about the partner. Raises `PartnerError` saying why it opens nothing,
        and `TransientError` when nobody can tell whether its holder's credentials still count.
        """
        token, news = token_of(authorization), self._news
        access = check_access(self._db, token, self._clock())
        await prove(access)
        who = self._attested(access)
        await self._vigil.ensure(who)
        if news != self._news:
            # While we asked, the transfer may have ended.
            access = check_access(self._db, token, self._clock())
            who = self._attested(access)
        verdict = self._decided(access, who)
        if authorization and len(authorization) <= KEPT_CHARACTERS_MAX:
            self._keep(authorization, verdict)
        return verdict

    def forget(self, transfer_pid: str) -> None:
        """Decide anew from now on what the tokens of a transfer open."""
        self._news += 1
        for authorization in self._of_transfer.pop(transfer_pid, ()):
            self._kept.pop(authorization, None)

    def _attested(self, access: Access) -> Attested:
        credentials = table.standing_of(self._db, access.transfer_pid)
        if credentials is None:
            # Granted by a version of this program that did not keep it.
            raise PartnerError(
                "transfer:access_ended",
                partner=access.partner_bpnl,
                transfer=access.transfer_pid,
            )
        return Attested(access.partner_did, access.partner_bpnl, credentials)

    def _decided(self, access: Access, who: Attested) -> Verdict:
        now, partner = self._clock(), access.partner_bpnl
        dataset = self._shelf.granted(access.dataset_id, partner, now)
        if dataset is None:
            raise PartnerError("transfer:offer_withdrawn", partner=partner)
        reasons = objections(self._shelf, dataset, access.agreed, who.caller(), now)
        if reasons:
            raise PartnerError(
                "transfer:policy_unmet", partner=partner, reasons="; ".join(reasons)
            )
        until = min(now + timedelta(seconds=VERDICT_SECONDS), access.expires_at)
        return Verdict(access, dataset, until)

    def _keep(self, authorization: str, verdict: Verdict) -> None:
        if len(self._kept) >= VERDICTS_MAX:
            self._kept.clear()
            self._of_transfer.clear()
        self._kept[authorization] = verdict
        of_transfer = self._of_transfer.setdefault(verdict.access.transfer_pid, set())
        of_transfer.add(authorization)
