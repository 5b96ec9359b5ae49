"""Who read what, when: a read is answered only after its row is durable in the ledger.

All rows that wait are written in one transaction, and made durable by a thread; the next
batch begins as soon as the last is done. So the disk sets the pace and the event loop does
not wait for it. While somebody else writes to the store, the thread does both.
"""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import Future, TimerHandle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

from connector.errors import TransientError
from connector.store.database import Database
from connector.store.journal import millis
from connector.store.signals import settle
from connector.transfer.access import Access
from connector.transfer.chain import Line
from connector.transfer.scribe import Scribe, State

WAITING_MAX = 10_000
# So few rows share the commit of what the loop gathers: a thread would take longer to begin.
BESIDE_ROWS_MAX = 2
SUBJECT_CHARACTERS_MAX = 1_000


class Deed(NamedTuple):
    """What a partner did: ``action`` is ``noun.past_participle``, ``subject`` what it was done to.

    ``detail`` says which part of it; both are cut off after `SUBJECT_CHARACTERS_MAX`.
    """

    access: Access
    action: str
    subject: str
    detail: str = ""

    def line(self, at: int) -> Line:
        """Return what the ledger says of it; ``at`` is in milliseconds since 1970."""
        who, action, subject, detail = self
        return (
            at,
            who.partner_bpnl,
            who.agreement_id,
            who.transfer_pid,
            action,
            subject[:SUBJECT_CHARACTERS_MAX],
            detail[:SUBJECT_CHARACTERS_MAX],
        )


# Told None when a row is durable, or why it was not written.
Told = Callable[[BaseException | None], None]


@dataclass(slots=True)
class _Batch:
    """Rows that become durable together, and who waits for that."""

    lines: list[Line] = field(default_factory=list)
    waiting: list[Told] = field(default_factory=list)
    is_due: bool = False

    def end(self, failure: BaseException | None) -> None:
        """Tell all who wait."""
        for told in self.waiting:
            told(failure)


class Ledger:
    """The ledger of one connector; belongs to one event loop. Close it there."""

    def __init__(
        self,
        scribe: Scribe,
        clock: Callable[[], datetime],
        sealed_seconds_max: float = 60.0,
        beside: Database | None = None,
    ) -> None:
        """Take who writes; rows get a signed head ``sealed_seconds_max`` after they came.

        Rows that come alone are written ``beside`` what that connection gathers.
        """
        self._scribe = scribe
        self._beside = beside
        self._clock = clock
        self._sealed_seconds_max = sealed_seconds_max
        self._next = _Batch()
        self._written: _Batch | None = None
        self._is_called = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._timer: TimerHandle | None = None

    @property
    def db(self) -> Database:
        """The connection that writes: what it has read stays known to it as it writes."""
        return self._scribe.db

    @property
    def state(self) -> State:
        """How the ledger stands; rows that still wait are not in it."""
        return self._scribe.state

    async def begin(self) -> None:
        """Open the store and sign the first head of this run.

        Raises `TransientError` when the store cannot take it.
        """
        await self._done(self._begin)

    async def record(self, deed: Deed) -> None:
        """Write that a partner did something, and return when that is durable.

        Raises `TransientError` when too many rows wait already, or the store cannot take
        them.
        """
        durable: Future[None] = asyncio.get_running_loop().create_future()
        self.enter(deed, partial(settle, durable), self._now())
        await durable

    def enter(self, deed: Deed, told: Told, at: int) -> None:
        """Write what was done ``at`` (milliseconds since 1970), and tell when that is durable.

        ``told`` is called in the event loop, later, with None or why it failed, and must not
        raise. Raises `TransientError` when too many rows wait already; then nobody is told.
        """
        batch = self._next
        if len(batch.lines) >= WAITING_MAX:
            raise TransientError("transfer:ledger_behind", limit=WAITING_MAX)
        batch.lines.append(deed.line(at))
        batch.waiting.append(told)
        if self._written is None and not self._is_called:
            self._write_soon(asyncio.get_running_loop())

    async def close(self) -> None:
        """Write what waits, sign a last head over it, and let the thread end."""
        if self._timer is not None:
            self._timer.cancel()
        while self._written is not None or self._is_called:
            await asyncio.wait([self._waiter(self._written or self._next)])
        await self._done(self._finish)
        self._thread.shutdown()

    def _write_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write what waits at the loop's next turn: all that come in this one go together."""
        if self._written is None and not self._is_called:
            self._is_called = True
            loop.call_soon(self._write_next, loop)

    def _write_next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write what waits: a little beside what is gathered, and much by the thread."""
        self._is_called = False
        batch = self._written = self._next
        self._next = _Batch()
        rows = len(batch.lines)
        is_little = 0 < rows <= BESIDE_ROWS_MAX and not batch.is_due
        if self._beside is not None and is_little and self._scribe.has_room(rows):
            self._write_beside(loop, batch, self._beside)
        else:
            self._write_by_thread(loop, batch)

    def _write_beside(
        self, loop: asyncio.AbstractEventLoop, batch: _Batch, beside: Database
    ) -> None:
        """Write a batch where it becomes durable with what else comes in this turn."""

        def told(failure: Exception | None) -> None:
            if failure is not None:
                self._scribe.forget_end()
            self._conclude(loop, batch, failure)

        is_gathered = False
        try:
            with beside.gathered() as tx:
                self._scribe.write_beside(tx, batch.lines)
            is_gathered = True
        except TransientError:
            pass  # it is tried again where it may take its time
        finally:
            if is_gathered:
                beside.when_durable(told, first=True)
            else:
                self._scribe.forget_end()
                self._write_by_thread(loop, batch)

    def _write_by_thread(self, loop: asyncio.AbstractEventLoop, batch: _Batch) -> None:
        """Write a batch at once if nobody else writes, and let the thread make it durable."""
        is_written = False
        try:
            if self._scribe.is_free:
                self._scribe.write(batch.lines, self._now(), seal=batch.is_due)
                is_written = True
        except TransientError:
            pass  # it is tried again where it may take its time
        finally:
            whole = partial(self._write_whole, batch)
            self._order(
                self._scribe.sync if is_written else whole,
                lambda failure: loop.call_soon_threadsafe(self._conclude, loop, batch, failure),
            )

    def _write_whole(self, batch: _Batch) -> None:
        self._scribe.write(batch.lines, self._now(), seal=batch.is_due)
        self._scribe.sync()

    def _conclude(
        self, loop: asyncio.AbstractEventLoop, batch: _Batch, failure: BaseException | None
    ) -> None:
        self._written = None
        try:
            # What came meanwhile goes to the disk before those who waited go on.
            if self._next.lines or self._next.is_due:
                self._write_next(loop)
        finally:
            batch.end(failure)
            if self._timer is None and self._scribe.state.unsigned_rows:
                self._timer = loop.call_later(self._sealed_seconds_max, self._seal, loop)

    def _seal(self, loop: asyncio.AbstractEventLoop) -> None:
        # Nobody waits for a head: where it fails, the timer is set anew.
        self._timer, self._next.is_due = None, True
        self._write_soon(loop)

    def _waiter(self, batch: _Batch) -> Future[None]:
        future: Future[None] = asyncio.get_running_loop().create_future()
        batch.waiting.append(partial(settle, future))
        return future

    async def _done(self, work: Callable[[], None]) -> None:
        """Let the thread do something, and wait for it."""
        loop = asyncio.get_running_loop()
        batch = _Batch()
        future = self._waiter(batch)
        self._order(work, lambda failure: loop.call_soon_threadsafe(batch.end, failure))
        await future

    def _order(
        self, work: Callable[[], None], told: Callable[[BaseException | None], object]
    ) -> None:
        self._thread.submit(work).add_done_callback(lambda job: told(job.exception()))

    def _begin(self) -> None:
        self._scribe.open(self._now())
        self._scribe.sync()

    def _finish(self) -> None:
        with contextlib.suppress(TransientError):  # the next start signs what is not signed
            if self._scribe.state.unsigned_rows:
                self._scribe.write([], self._now(), seal=True)
            self._scribe.sync()
        self._scribe.close()

    def _now(self) -> int:
        return millis(self._clock())
