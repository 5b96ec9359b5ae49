"""Word, inside one process, that something durable has changed; nothing is kept of it.

Who waits must look at the store after it has begun to watch: a signal says that there is
something to look at, and never what.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from connector.store.database import Database


def _unheeded(_: str) -> None:
    """Take no notice."""


class Watch:
    """One waiter for news about one subject, in the event loop that made it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._event = asyncio.Event()

    async def changed(self, seconds: float) -> bool:
        """Wait for news since the last call; False when none came in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True

    def tell(self) -> None:
        """Say that there are news; may be called from any thread.

        Who waits goes on a turn later: what is on its way to a partner goes first.
        """
        if threading.get_ident() == self._thread:
            self._loop.call_soon(self._event.set)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)


class Signals:
    """All who wait for news, by subject such as a process id.

    ``heeding`` is told every subject first, in the thread that tells the news.
    """

    def __init__(self, heeding: Callable[[str], None] = _unheeded) -> None:
        self._heeding = heeding
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)
        self._lock = threading.Lock()

    def notify(self, subject: str) -> None:
        """Tell all who watch a subject; may be called from any thread."""
        self._heeding(subject)
        if subject not in self._watches:
            return
        with self._lock:
            watches = tuple(self._watches.get(subject, ()))
        for watch in watches:
            watch.tell()

    @contextmanager
    def watching(self, subject: str) -> Iterator[Watch]:
        """Watch a subject for as long as the context lasts."""
        watch = Watch()
        with self._lock:
            self._watches[subject].add(watch)
        try:
            yield watch
        finally:
            with self._lock:
                self._watches[subject].discard(watch)
                if not self._watches[subject]:
                    del self._watches[subject]


async def durable(db: Database) -> None:
    """Return when all that a connection has gathered is durable, before others are told.

    Raises `TransientError` when it cannot be, and never happened.
    """
    known: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    db.when_durable(partial(settle, known), first=True)
    await known


def settle(future: asyncio.Future[None], failure: BaseException | None) -> None:
    """End a wait; who has given up waits no more."""
    if future.done():
        return
    if failure is None:
        future.set_result(None)
    else:
        future.set_exception(failure)
