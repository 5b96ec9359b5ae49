"""Who read what, when: a read is answered only after its line is durable.

Lines are written by a thread of their own, all that wait in one transaction; the next batch
begins as soon as the last is done. So the disk sets the pace and the event loop never waits
for it.
"""

from __future__ import annotations

import asyncio
from asyncio import Future, Task
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import orjson

from connector.errors import TransientError
from connector.store.database import Database
from connector.store.journal import millis
from connector.transfer.access import Access

WAITING_MAX = 10_000

_INSERT = (
    "INSERT INTO access_log (at, partner, agreement, transfer, action, subject)"
    " SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5"
    " FROM json_each(?)"
)

_Line = tuple[int, str, str, str, str, str]


class AccessLog:
    """The log of one connector; belongs to one event loop. Close it there."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime],
        turn: AbstractContextManager[None] | None = None,
    ) -> None:
        """Take the file of the store; the connection to it is opened by the thread."""
        self._path = path
        self._clock = clock
        self._turn = turn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="access-log")
        self._db: Database | None = None
        self._lines: list[_Line] = []
        self._durable: Future[None] | None = None
        self._writer: Task[None] | None = None

    async def record(self, access: Access, action: str, subject: str) -> None:
        """Write that a partner did something, and return when that is durable.

        ``action`` is ``noun.past_participle`` and ``subject`` what it was done to. Raises
        `TransientError` when too many lines wait already, or the store cannot take them.
        """
        if len(self._lines) >= WAITING_MAX:
            raise TransientError("transfer:log_behind", limit=WAITING_MAX)
        at = millis(self._clock())
        who = (access.partner_bpnl, access.agreement_id, access.transfer_pid)
        self._lines.append((at, *who, action, subject))
        loop = asyncio.get_running_loop()
        self._durable = self._durable or loop.create_future()
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write_all())
        # One reader that hangs up must not take the answer from the others.
        await asyncio.shield(self._durable)

    async def close(self) -> None:
        """Write what waits and let the thread end."""
        if self._writer is not None:
            await self._writer
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close_store)
        self._thread.shutdown()

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._durable is not None:
            lines, durable = self._lines, self._durable
            self._lines, self._durable = [], None
            job = loop.run_in_executor(self._thread, self._store, lines)
            await asyncio.wait([job])
            failure = job.exception()
            if failure is None:
                durable.set_result(None)
            else:
                durable.set_exception(failure)

    def _store(self, lines: list[_Line]) -> None:
        if self._db is None:
            self._db = Database.open(self._path, turn=self._turn)
        with self._db.transaction() as tx:
            tx.execute(_INSERT, (orjson.dumps(lines).decode(),))

    def _close_store(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
