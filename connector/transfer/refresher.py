"""Renews the access tokens that we were given, as consumer: one request per grant at a time.

The new tokens are durable before anybody reads with them. Whoever is killed before that
still holds the old refresh token, and asks once more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from connector.agreement.process import Ports
from connector.errors import PartnerError, TransientError
from connector.transfer import table
from connector.transfer.model import AccessGrant, TokenAnswer
from connector.transfer.tally import Tally

# After a failure the token at hand is used on, and not every read may ask anew.
RETRY_SECONDS = 2.0
TRANSFERS_MAX = 10_000


class TokenSource(Protocol):
    """The port through which a provider is asked for new tokens."""

    async def renewed(self, grant: AccessGrant) -> TokenAnswer:
        """Return what follows the tokens of a grant.

        Raises `PartnerError` when the provider refuses or may not be asked at its address,
        and `TransientError` when it is not reached.
        """
        ...


@dataclass(eq=False)
class Refresher:
    """Renews grants; for one event loop."""

    ports: Ports
    source: TokenSource
    tally: Tally = field(default_factory=Tally)
    _under_way: dict[str, asyncio.Task[AccessGrant | None]] = field(default_factory=dict)
    _not_before: dict[str, float] = field(default_factory=dict)
    _doubted: set[str] = field(default_factory=set)

    async def renewed(self, grant: AccessGrant) -> AccessGrant | None:
        """Return the grant with new tokens; None when its provider renews it no more.

        Raises `TransientError` when the provider was not reached just now or lately.
        """
        if grant.refresh is None:
            return None
        pid = grant.transfer_pid
        task = self._under_way.get(pid)
        if task is None:
            task = asyncio.create_task(self._renew(grant))
            self._under_way[pid] = task
            task.add_done_callback(lambda done: self._finished(pid, done))
        # One reader that gives up must not take the token from the others.
        return await asyncio.shield(task)

    def doubt(self, grant: AccessGrant) -> bool:
        """Take note that a token was refused; return whether the transfer is worth keeping.

        It is if others have renewed the token meanwhile, or if it can be renewed and was not
        doubted before.
        """
        db, pid = self.ports.db, grant.transfer_pid
        held = table.grant_of(db, pid)
        if held is not None and held.token != grant.token:
            return True
        if held is None or held.refresh is None or pid in self._doubted:
            self._doubted.discard(pid)
            return False
        if len(self._doubted) >= TRANSFERS_MAX:
            self._doubted.clear()
        self._doubted.add(pid)
        with db.transaction() as tx:
            table.expire_grant(tx, held, self.ports.clock())
        return True

    def _finished(self, pid: str, task: asyncio.Task[AccessGrant | None]) -> None:
        del self._under_way[pid]
        if not task.cancelled():
            task.exception()  # seen, even when everybody has given up waiting

    async def _renew(self, grant: AccessGrant) -> AccessGrant | None:
        # Who comes after others have renewed it holds a grant that is not the newest.
        held = table.grant_of(self.ports.db, grant.transfer_pid)
        if held is None or held.token != grant.token or held.refresh is None:
            return held if held is not None and held.token != grant.token else None
        loop = asyncio.get_running_loop()
        if loop.time() < self._not_before.get(held.transfer_pid, 0.0):
            raise TransientError("transfer:refresh_delayed", partner=held.partner)
        try:
            answer = await self.source.renewed(held)
        except TransientError as trouble:
            self._wait(held.transfer_pid, loop.time() + RETRY_SECONDS)
            self._told("delayed", held, trouble)
            raise
        except PartnerError as refusal:
            self._refused(held, refusal)
            return None
        return self._kept(held, answer)

    def _wait(self, transfer_pid: str, until: float) -> None:
        if len(self._not_before) >= TRANSFERS_MAX:
            self._not_before.clear()
        self._not_before[transfer_pid] = until

    def _kept(self, held: AccessGrant, answer: TokenAnswer) -> AccessGrant | None:
        with self.ports.db.transaction() as tx:
            table.renew_grant(tx, held, answer, self.ports.clock())
        self._not_before.pop(held.transfer_pid, None)
        self.tally.count("consumer", "renewed")
        structlog.get_logger().info(
            "grant.renewed", partner=held.partner, transfer=held.transfer_pid
        )
        return table.grant_of(self.ports.db, held.transfer_pid)

    def _refused(self, held: AccessGrant, refusal: PartnerError) -> None:
        with self.ports.db.transaction() as tx:
            table.forgo_refresh(tx, held)
        self._not_before.pop(held.transfer_pid, None)
        self._told("refused", held, refusal)

    def _told(self, outcome: str, held: AccessGrant, error: PartnerError | TransientError) -> None:
        self.tally.count("consumer", outcome)
        structlog.get_logger().warning(
            f"renewal.{outcome}",
            partner=held.partner,
            transfer=held.transfer_pid,
            code=error.code,
            reason=error.text().what,
        )


def is_lasting(grant: AccessGrant, ports: Ports) -> bool:
    """Return whether a grant that should be renewed can be used until that is done."""
    if grant.renew_at is None:
        return True
    half = (grant.expires_at - grant.renew_at) / 2
    return ports.clock() < grant.expires_at - max(half, timedelta())
