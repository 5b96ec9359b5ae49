"""Who read what, when: a read is answered only after its row is durable in the ledger.

Rows are written by a thread of their own, all that wait in one transaction; the next batch
begins as soon as the last is done. So the disk sets the pace and the event loop never waits
for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import Future, Task, TimerHandle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from connector.errors import TransientError
from connector.store.journal import millis
from connector.transfer.access import Access
from connector.transfer.chain import Line
from connector.transfer.scribe import Scribe, State

WAITING_MAX = 10_000
SUBJECT_CHARACTERS_MAX = 1_000


class Ledger:
    """The ledger of one connector; belongs to one event loop. Close it there."""

    def __init__(
        self, scribe: Scribe, clock: Callable[[], datetime], sealed_seconds_max: float = 60.0
    ) -> None:
        """Take who writes; rows get a signed head ``sealed_seconds_max`` after they came."""
        self._scribe = scribe
        self._clock = clock
        self._sealed_seconds_max = sealed_seconds_max
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._lines: list[Line] = []
        self._durable: Future[None] | None = None
        self._writer: Task[None] | None = None
        self._is_due = False
        self._timer: TimerHandle | None = None

    @property
    def state(self) -> State:
        """How the ledger stands; rows that still wait are not in it."""
        return self._scribe.state

    async def begin(self) -> None:
        """Open the store and sign the first head of this run.

        Raises `TransientError` when the store cannot take it.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._scribe.open, self._now())

    async def record(self, access: Access, action: str, subject: str, detail: str = "") -> None:
        """Write that a partner did something, and return when that is durable.

        ``action`` is ``noun.past_participle``, ``subject`` what it was done to, ``detail``
        which part of it; both are cut off after `SUBJECT_CHARACTERS_MAX`. Raises
        `TransientError` when too many rows wait already, or the store cannot take them.
        """
        if len(self._lines) >= WAITING_MAX:
            raise TransientError("transfer:ledger_behind", limit=WAITING_MAX)
        who = (access.partner_bpnl, access.agreement_id, access.transfer_pid)
        what = (subject[:SUBJECT_CHARACTERS_MAX], detail[:SUBJECT_CHARACTERS_MAX])
        self._lines.append((self._now(), *who, action, *what))
        # One reader that hangs up must not take the answer from the others.
        await asyncio.shield(self._wake())

    async def close(self) -> None:
        """Write what waits, sign a last head over it, and let the thread end."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writer is not None:
            await self._writer
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._finish)
        self._thread.shutdown()

    def _wake(self) -> Future[None]:
        """Return what is done when all that waits now is durable; see to it that it will be."""
        loop = asyncio.get_running_loop()
        self._durable = self._durable or loop.create_future()
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write_all())
        return self._durable

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._durable is not None:
            lines, durable, is_due = self._lines, self._durable, self._is_due
            self._lines, self._durable, self._is_due = [], None, False
            job = loop.run_in_executor(self._thread, self._write, lines, is_due)
            await asyncio.wait([job])
            failure = job.exception()
            if failure is None:
                durable.set_result(None)
            else:
                durable.set_exception(failure)
            self._set_timer(loop)

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None and self._scribe.state.unsigned_rows:
            self._timer = loop.call_later(self._sealed_seconds_max, self._seal)

    def _seal(self) -> None:
        self._timer, self._is_due = None, True
        # Nobody waits for a head: where it fails, the next batch of rows tries again.
        self._wake().add_done_callback(Future.exception)

    def _write(self, lines: list[Line], is_due: bool) -> None:  # noqa: FBT001 - one caller
        self._scribe.write(lines, self._now(), seal=is_due)

    def _finish(self) -> None:
        with contextlib.suppress(TransientError):  # the next start signs what is not signed
            if self._scribe.state.unsigned_rows:
                self._scribe.write([], self._now(), seal=True)
        self._scribe.close()

    def _now(self) -> int:
        return millis(self._clock())
