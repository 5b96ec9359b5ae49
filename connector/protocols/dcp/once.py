"""Does a thing once for all who ask for it at the same time, and keeps what came of it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class OnceEach(Generic[K, V]):
    """The newest values by key, at most ``entries_max``, for one event loop.

    How long a value is good is its reader's question. Failures are not kept.
    """

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._under_way: dict[K, asyncio.Task[V]] = {}

    def kept(self, key: K) -> V | None:
        """Return the newest value of ``key``, however old it is."""
        return self._kept.get(key)

    async def made(self, key: K, make: Callable[[], Coroutine[None, None, V]]) -> V:
        """Return a new value; of many who ask at once, the first one's ``make`` runs."""
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(make())
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        # One asker who gives up must not take the value from the others.
        return await asyncio.shield(task)

    def _finished(self, key: K, task: asyncio.Task[V]) -> None:
        del self._under_way[key]
        # Asking for the failure marks it as seen, also when every asker has left.
        if task.cancelled() or task.exception() is not None:
            return
        self._kept[key] = task.result()
        self._kept.move_to_end(key)
        while len(self._kept) > self._entries_max:
            self._kept.popitem(last=False)
