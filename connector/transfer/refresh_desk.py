"""Renews access tokens for partners, as provider: everything is decided anew, each time.

Rotation is one transaction. Of several requests with the same refresh token the first one
rotates, and the others are answered with what it brought (`connector.transfer.rotation`).
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.errors import PartnerError
from connector.offer.datasets import Shelf
from connector.partner.model import Caller, Renewal
from connector.store import journal
from connector.store.database import Database
from connector.transfer import refresh_table, rotation, table
from connector.transfer.delivery import TOKEN_BYTES, DeliveryDoor
from connector.transfer.rotation import Pair, Refreshable, Request
from connector.transfer.standing import AccessLostError, Attested, Vigil, attested
from connector.transfer.states import TransferMessage
from connector.transfer.terms import objections
from connector.transitions import IllegalMoveError


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The tokens that a partner gets, and how long the access token holds from now on."""

    transfer_pid: str
    pair: Pair = field(repr=False)
    expires_seconds: int
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class RefreshDesk:
    """Gives new tokens for old ones, to the partner that they were given to."""

    delivery: DeliveryDoor
    shelf: Shelf
    vigil: Vigil
    token_seconds: float

    async def refresh(self, renewal: Renewal, refresh_token: str) -> Refreshed:
        """Return the tokens that follow a refresh token.

        Raises `PartnerError` when we did not give it to this partner with this access token,
        when it is spent, when access has ended, or when the policy is not met any more: then
        the transfer ends. Raises `TransientError` when nobody can tell.
        """
        request = Request(
            renewal.did, table.token_hash(refresh_token), table.token_hash(renewal.token)
        )
        one = self._found(self._db, request)
        who = self._attested(one, renewal.caller)
        try:
            await self.vigil.confirm(who)
            with self._db.transaction() as tx:
                refreshed = self._renewed(tx, request, refresh_token, who)
        except AccessLostError as lost:
            self._end(one, lost)
            raise
        self.delivery.ports.committed(one.pid)
        return refreshed

    @property
    def _db(self) -> Database:
        return self.delivery.ports.db

    def _found(self, db: Database, request: Request) -> Refreshable:
        one = refresh_table.refreshable(db, request.refresh_hash)
        if one is None:
            raise PartnerError("transfer:refresh_unknown", partner=request.did)
        rotation.judged(one, request, self.delivery.ports.clock())
        return one

    def _attested(self, one: Refreshable, caller: Caller | None) -> Attested:
        """Return what the partner's credentials attest: as proven now, or else as of the start."""
        if caller is not None:
            if (caller.did, caller.bpnl) != (one.partner, one.bpnl):
                raise PartnerError("transfer:refresh_of_other", partner=caller.did)
            return attested(caller)
        kept = table.standing_of(self._db, one.pid)
        if kept is None:
            raise PartnerError("transfer:access_ended", partner=one.bpnl, transfer=one.pid)
        return Attested(one.partner, one.bpnl, kept)

    def _renewed(
        self, tx: Database, request: Request, refresh_token: str, who: Attested
    ) -> Refreshed:
        now = self.delivery.ports.clock()
        one = self._found(tx, request)
        self._check_policy(one, who.caller(), now)
        table.keep_standing(tx, one.pid, who.credentials)
        if rotation.judged(one, request, now) and one.seed is not None:
            pair = rotation.derived(one.seed, refresh_token)
            left = max(int((one.expires_at - now).total_seconds()), 0)
            return Refreshed(one.pid, pair, left, is_repeated=True)
        seed = secrets.token_bytes(TOKEN_BYTES)
        pair = rotation.derived(seed, refresh_token)
        expires_at = now + timedelta(seconds=self.token_seconds)
        refresh_table.succeed_token(tx, one, pair.access, expires_at, now)
        refresh_table.rotate(tx, one, pair, seed, now)
        journal.append(tx, "transfer.refreshed", now, subject=one.pid)
        return Refreshed(one.pid, pair, int(self.token_seconds), is_repeated=False)

    def _check_policy(self, one: Refreshable, caller: Caller, now: datetime) -> None:
        dataset = self.shelf.find(one.dataset_id, caller, now)
        if dataset is None:
            raise AccessLostError("transfer:offer_withdrawn", partner=one.bpnl)
        reasons = objections(self.shelf, dataset, one.agreed, caller, now)
        if reasons:
            told = "; ".join(reasons)
            raise AccessLostError("transfer:policy_unmet", partner=one.bpnl, reasons=told)

    def _end(self, one: Refreshable, lost: AccessLostError) -> None:
        text = lost.text()
        with suppress(IllegalMoveError):
            reasons = (f"{text.what}: {text.why}",)
            self.delivery.act(one.pid, TransferMessage.TERMINATION, reasons)
