"""Waits for processes to come to a decision, and finds those that are on the way to one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic

from connector.agreement.model import ProcessT
from connector.agreement.process import ProcessDoor
from connector.agreement.states import Role
from connector.errors import TransientError
from connector.partner.model import Partner
from connector.store import outbox
from connector.store.signals import Signals
from connector.transitions import IllegalMoveError


@dataclass(frozen=True, slots=True)
class Waiting(Generic[ProcessT]):
    """One kind of process, with the question whether one of them is decided.

    A process that waits for the partner longer than ``patience_seconds`` is given up.
    """

    door: ProcessDoor[ProcessT, Any]
    signals: Signals
    is_decided: Callable[[ProcessT], bool]
    patience_seconds: float

    def unfinished(self, partner: Partner, dataset_id: str) -> ProcessT | None:
        """Return a process of ours about a dataset that is still on its way."""
        ports = self.door.ports
        found = self.door.table.undecided(ports.db, partner.did, Role.CONSUMER, dataset_id)
        for one in found:
            if partner.address not in ("", one.url):
                continue
            if not self._is_done(one) and not self._is_given_up(one):
                return one
        return None

    async def decided(self, partner: Partner, process: ProcessT, until: float) -> ProcessT:
        """Return the process once it is decided.

        ``process`` is as it stands now: nothing may be awaited since it was read or begun.
        Raises `TransientError` naming its last state when the loop's time reaches ``until``.
        """
        loop = asyncio.get_running_loop()
        begun_at, now = loop.time(), process
        with self.signals.watching(process.pid) as watch:
            while not self._is_done(now):
                if not await watch.changed(max(until - loop.time(), 0)):
                    break
                now = self.door.table.find(self.door.ports.db, process.pid) or process
            else:
                return now
        raise TransientError(
            "transfer:exchange_timed_out",
            partner=partner.name,
            dataset=process.dataset_id,
            pid=process.pid,
            state=self._told(now),
            seconds=round(until - begun_at, 1),
        )

    def _told(self, process: ProcessT) -> str:
        trouble = outbox.trouble(self.door.ports.db, process.owing) if process.owing else ""
        return f"{process.phase} ({trouble})" if trouble else process.phase

    def _is_done(self, process: ProcessT) -> bool:
        # What we are ending is decided, whenever the partner learns of it.
        return process.heading == self.door.terminated or self.is_decided(process)

    def _is_given_up(self, process: ProcessT) -> bool:
        now = self.door.ports.clock()
        waits_since = process.updated_at or now
        if process.heading or now - waits_since < timedelta(seconds=self.patience_seconds):
            return False
        with suppress(IllegalMoveError):
            self.door.act(process.pid, self.door.termination, (_GIVEN_UP,))
        return True


_GIVEN_UP = "no answer came in time"
