"""The walks of this connector: started on request, and again after every restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from connector.collection import table
from connector.collection.gathering import Means, Walk, begin
from connector.collection.model import Collection, Wanted
from connector.errors import EslabonError, Finding, SetupError, TransientError
from connector.identifiers import Bpnl
from connector.partner.model import Partner
from connector.store import journal
from connector.web.operations import CollectRequest


@dataclass(eq=False)
class Walking:
    """Keeps the tasks of running walks; lives in the event loop."""

    means: Means
    find: Callable[[str], Partner | None]
    depth_max: int
    trouble_seconds: float = 1.0
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def resume(self) -> None:
        """Go on with all walks that had not ended."""
        for collection in table.running(self.means.db):
            self._walk(collection)

    def collect(self, request: CollectRequest) -> str:
        """Begin a walk and return its id; raise `SetupError` for an unknown partner."""
        partner = self.find(request.partner)
        if partner is None:
            raise SetupError("daemon:partner_unknown", partner=request.partner)
        if not request.global_asset_id and not request.asset_ids:
            raise SetupError("daemon:part_unnamed")
        wanted = Wanted(
            Bpnl(partner.bpnl),
            request.global_asset_id,
            request.asset_ids,
            request.aspects,
            min(request.depth_max, self.depth_max),
        )
        collection_id = begin(self.means.db, wanted, self.means.clock())
        found = table.collection(self.means.db, collection_id)
        if found:
            self._walk(found)
        return collection_id

    async def close(self) -> None:
        """Stop all walks where they are; they go on at the next start."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _walk(self, collection: Collection) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(collection))
        self._tasks[collection.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(collection.id, None))

    async def _guarded(self, collection: Collection) -> None:
        try:
            await self._to_its_end(collection)
        except EslabonError as error:
            self._fail(collection, Finding(error.code, error.params))
        except Exception as error:  # noqa: BLE001 - a bug of ours must end this walk visibly
            structlog.get_logger().exception("collection.broke", collection=collection.id)
            reason = f"{type(error).__name__}: {error}"
            params = {"door": "gathering", "reason": reason}
            self._fail(collection, Finding("connector:our_mistake", params))

    async def _to_its_end(self, collection: Collection) -> None:
        """Walk; after a full disk go on where the walk was."""
        while True:
            try:
                return await Walk(self.means, collection).run()
            except TransientError as error:
                structlog.get_logger().warning(
                    "collection.delayed", collection=collection.id, reason=error.text().what
                )
                await asyncio.sleep(self.trouble_seconds)

    def _fail(self, collection: Collection, finding: Finding) -> None:
        now = self.means.clock()
        with self.means.db.transaction() as tx:
            table.finish(tx, collection.id, "failed", now, finding)
            journal.append(tx, "collection.failed", now, subject=collection.id)
