"""Asks again whether credentials that were proven once still count.

Their signatures were checked when they were presented; what changes afterwards is the time,
the issuer's status list, whom we trust, and what the address book says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connector.errors import PartnerError, TransientError
from connector.identifiers import Did
from connector.partner.book import AddressBook
from connector.partner.model import Caller, VerifiedCredential
from connector.protocols.dcp.revocation import StatusLists, withdrawn


@dataclass(frozen=True, slots=True)
class LastingProof:
    """Implements `connector.partner.model.Standing`; for one event loop."""

    trusted: frozenset[Did]
    book: AddressBook
    statuses: StatusLists
    clock: Callable[[], datetime]

    async def check(self, caller: Caller) -> None:
        """Return when all credentials of ``caller`` count now.

        Raises `PartnerError` when one has expired, was withdrawn, or comes from an issuer
        who is trusted no more, or when the address book now names another company. Raises
        `TransientError` when a status list cannot be had or read: that is the issuer's
        fault, not the partner's.
        """
        known = self.book.by_did(caller.did)
        if known is not None and known.bpnl != caller.bpnl:
            raise _refusal("bpnl_not_as_in_book", caller, attested=caller.bpnl, known=known.bpnl)
        for credential in caller.credentials:
            await self._check(credential, caller)

    async def _check(self, one: VerifiedCredential, caller: Caller) -> None:
        if one.issuer not in self.trusted:
            raise _refusal("issuer_not_trusted", caller, type=one.type, issuer=one.issuer)
        over = (self.clock() - one.expires_at).total_seconds()
        if over >= 0:
            who = f"{caller.did}, {one.type}"
            raise PartnerError("connector.protocols.dcp:expired", who=who, seconds=round(over))
        try:
            entry = await self.statuses.withdrawal(Did(one.issuer), one.statuses, who=caller.did)
        except PartnerError as trouble:
            raise TransientError(
                "connector.protocols.dcp:status_untold",
                who=caller.did,
                type=one.type,
                reason=trouble.text().what,
            ) from trouble
        if entry is not None:
            raise withdrawn(entry, one.type, who=caller.did)


def _refusal(key: str, caller: Caller, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=caller.did, **params)
