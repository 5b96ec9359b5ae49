"""Door ``gathering``: partner -> record. Visits a part, keeps what it got, goes on below.

A walk is a set of places in the store: it survives a kill at any moment and goes on where
it was. What is pulled enters by the front door, as a record of the partner's own feed. A
part that cannot be had leaves a tombstone with its reason, and the walk goes on.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from connector.collection import reading, table
from connector.collection.model import (
    AssetIds,
    Child,
    Collection,
    Found,
    Gap,
    Place,
    Pulled,
    RemoteSubmodel,
    Shell,
    Step,
    Visit,
    Wanted,
)
from connector.errors import EslabonError, PartnerError, TransientError
from connector.identifiers import Bpnl, SemanticId
from connector.partner.model import Partner
from connector.record import intake
from connector.record.model import Batch, Document, Feed
from connector.store import journal
from connector.store.database import Database

PLACES_AT_ONCE = 8
ATTEMPTS_MAX = 12
# A part that stands in many places is fetched once; a walk of any size keeps only so many.
FOUND_KEPT_MAX = 1000
RETRY_SECONDS_FIRST = 0.25
RETRY_SECONDS_MAX = 30.0
HEADER = ("semanticId", "globalAssetId", "payload")
_POLICY_CODES = frozenset({"transfer:offer_not_acceptable", "transfer:negotiation_ended"})

_PartType = tuple[tuple[Pulled, ...], tuple[Gap, ...]]


@dataclass(frozen=True, slots=True)
class Means:
    """What a walk works with: its own store, who is who, and how to get at parts.

    ``visit`` chooses by company: the one for our own BPNL reads our store. ``invalid`` says
    what is wrong with a payload, empty if nothing is; ``arrived`` is called when records
    are there for the doors. A walk ends in failure where it finds more than ``parts_max``
    places: a partner could keep it busy for ever otherwise.
    """

    db: Database
    own: Bpnl
    partner: Callable[[Bpnl], Partner | None]
    visit: Callable[[Bpnl], Visit]
    invalid: Callable[[SemanticId, object], str]
    arrived: Callable[[], None]
    clock: Callable[[], datetime]
    parts_max: int = 100_000


def begin(db: Database, wanted: Wanted, now: datetime) -> str:
    """Store a new walk and return its id; `walk` then walks it."""
    collection = str(uuid.uuid4())
    with db.transaction() as tx:
        table.insert_collection(tx, collection, wanted, now)
        journal.append(tx, "collection.begun", now, subject=collection)
    return collection


def feed_of(bpnl: str) -> str:
    """Return the name of the feed by which a partner's data comes in."""
    return f"partner:{bpnl}"


class Walk:
    """One walk in progress; what it has looked up once it does not look up again."""

    def __init__(self, means: Means, collection: Collection) -> None:
        """Take the means and a walk that is still running."""
        self._means = means
        self._collection = collection
        self._found: OrderedDict[tuple[str, AssetIds], asyncio.Task[Found]] = OrderedDict()
        self._part_types: dict[tuple[str, str], asyncio.Task[_PartType]] = {}
        self._parts = table.count_nodes(means.db, collection.id)
        self._log = structlog.get_logger().bind(collection=collection.id)

    async def run(self) -> None:
        """Visit places until none is open, then record that the walk is complete.

        Raises `TransientError` when the store takes nothing for now; the walk stands in it
        as far as it came, and another `Walk` goes on from there.
        """
        db, collection = self._means.db, self._collection.id
        while places := table.open_places(db, collection, PLACES_AT_ONCE):
            await _all(self._visit(place) for place in places)
            await self._pause(places)
        now = self._means.clock()
        with db.transaction() as tx:
            table.finish(tx, collection, "complete", now)
            journal.append(tx, "collection.completed", now, subject=collection)
        self._log.info("collection.completed")

    async def _pause(self, places: Sequence[Place]) -> None:
        """Wait before places that failed for the moment are tried again."""
        again = table.open_places(self._means.db, self._collection.id, PLACES_AT_ONCE)
        attempts = [place.attempts for place in again]
        if again and min(attempts) > 0 and {p.id for p in again} <= {p.id for p in places}:
            wait = RETRY_SECONDS_FIRST * 2 ** min(attempts)
            await asyncio.sleep(min(wait, RETRY_SECONDS_MAX))

    async def _visit(self, place: Place) -> None:
        try:
            found = await self._find(place)
        except TransientError as error:
            self._retry(place, error)
        except EslabonError as error:
            self._bury(place, _step(error, Step.TWIN), error.text().what)
        else:
            self._keep(place, found)

    async def _find(self, place: Place) -> Found:
        asset_ids = self._keys(place)
        key = (place.partner, asset_ids)
        if key not in self._found or _is_broken(self._found[key]):
            self._found[key] = asyncio.ensure_future(self._fetch(place, asset_ids))
        if len(self._found) > FOUND_KEPT_MAX:
            self._found.popitem(last=False)
        return await asyncio.shield(self._found[key])

    def _keys(self, place: Place) -> AssetIds:
        if place.global_asset_id:
            return (("globalAssetId", place.global_asset_id),)
        return self._collection.wanted.asset_ids

    async def _fetch(self, place: Place, asset_ids: AssetIds) -> Found:
        if not place.partner:
            raise PartnerError("collection:partner_unnamed")
        partner = self._means.partner(place.partner)
        if partner is None:
            raise PartnerError("collection:partner_unknown", bpnl=place.partner)
        visit = self._means.visit(place.partner)
        shells = await visit.shells(partner, asset_ids)
        if not shells:
            whose = "own_twin" if partner.bpnl == self._means.own else "twin"
            raise PartnerError(f"collection:{whose}_unknown", partner=partner.name)
        if len(shells) > 1:
            raise PartnerError("collection:twin_ambiguous", count=len(shells))
        shell = shells[0]
        results = [await self._pull(visit, partner, s) for s in self._chosen(shell)]
        aspects = tuple(r for r in results if isinstance(r, Pulled))
        gaps = tuple(r for r in results if isinstance(r, Gap))
        part_type, missed = await self._part_type(visit, partner, shell)
        return Found(shell, aspects, part_type, (*shell.missed, *gaps, *missed))

    def _chosen(self, shell: Shell) -> list[RemoteSubmodel]:
        wanted = self._collection.wanted.aspects
        return [
            s
            for s in shell.submodels
            if not wanted
            or s.semantic_id in wanted
            or s.semantic_id.aspect_name in (*wanted, *reading.BILLS)
        ]

    async def _pull(
        self, visit: Visit, partner: Partner, submodel: RemoteSubmodel
    ) -> Pulled | Gap:
        try:
            payload = await visit.value(partner, submodel)
        except TransientError:
            raise
        except EslabonError as error:
            return Gap(submodel.semantic_id, _step(error, Step.SUBMODEL), error.text().what)
        return Pulled(submodel.semantic_id, payload)

    async def _part_type(self, visit: Visit, partner: Partner, shell: Shell) -> _PartType:
        """Return the aspects of an instance's part type: the footprint hangs there.

        The instance itself was had, so what is refused here is only a gap.
        """
        part = shell.asset_ids.get("manufacturerPartId", "")
        if not part or shell.asset_ids.get("digitalTwinType") == "PartType":
            return (), ()
        key = (partner.bpnl, part)
        if key not in self._part_types or _is_broken(self._part_types[key]):
            fetching = self._fetch_part_type(visit, partner, shell, part)
            self._part_types[key] = asyncio.ensure_future(fetching)
        try:
            return await asyncio.shield(self._part_types[key])
        except TransientError:
            if not shell.missed:
                raise
            # It may be at a connector that is away: the instance's own gaps say so.
            return (), ()
        except EslabonError as error:
            return (), (Gap("PartType", _step(error, Step.TWIN), error.text().what),)

    async def _fetch_part_type(
        self, visit: Visit, partner: Partner, shell: Shell, part: str
    ) -> _PartType:
        manufacturer = shell.asset_ids.get("manufacturerId", "")
        asset_ids = (
            ("manufacturerId", manufacturer),
            ("manufacturerPartId", part),
            ("digitalTwinType", "PartType"),
        )
        shells = await visit.shells(partner, asset_ids)
        pulled = [
            await self._pull(visit, partner, submodel)
            for found in shells[:1]
            for submodel in self._chosen(found)
        ]
        aspects = tuple(p for p in pulled if isinstance(p, Pulled))
        if shells:
            self._take_in(partner.bpnl, shells[0].global_asset_id, aspects)
        return aspects, tuple(p for p in pulled if isinstance(p, Gap))

    def _keep(self, place: Place, found: Found) -> None:
        """Hand what was pulled to the front door, then record the place as visited."""
        identifier = found.shell.global_asset_id
        self._take_in(place.partner, identifier, found.aspects)
        wrong = [(a, self._means.invalid(a.semantic_id, a.payload)) for a in found.aspects]
        gaps = [Gap(a.semantic_id, Step.SCHEMA, reason) for a, reason in wrong if reason]
        below, loops = self._children(place, found)
        with self._means.db.transaction() as tx:
            part = reading.part(found.shell, found.aspects, found.part_type)
            table.settle_node(tx, place, identifier, part)
            table.insert_gaps(tx, place, [*found.gaps, *gaps])
            table.insert_children(tx, place, below)
            reason = PartnerError("collection:part_in_itself").text().what
            table.insert_tombstones(tx, place, loops, Step.TWIN, reason)

    def _children(self, place: Place, found: Found) -> tuple[list[Child], list[Child]]:
        """Return the places below that are to be visited, and those where a circle closes."""
        if place.depth >= self._collection.wanted.depth_max:
            return [], []
        children = reading.children(found.aspects)
        self._parts += len(children)
        if self._parts > self._means.parts_max:
            raise PartnerError("collection:parts_too_many", parts_max=self._means.parts_max)
        names = (found.shell.global_asset_id, *table.ancestors(self._means.db, place.id))
        above = {reading.plain_id(name) for name in names}
        circles = [reading.plain_id(child.global_asset_id) in above for child in children]
        below = [c for c, closes in zip(children, circles, strict=True) if not closes]
        return below, [c for c, closes in zip(children, circles, strict=True) if closes]

    def _take_in(self, bpnl: str, identifier: str, aspects: Sequence[Pulled]) -> None:
        if bpnl == self._means.own or not aspects:
            return
        feed = Feed(feed_of(bpnl), key=HEADER[:2], columns=HEADER)
        document = Document(feed.name, feed.name, HEADER, stream=True)
        rows = [(a.semantic_id, identifier, _plain(a.payload)) for a in aspects]
        positions = range(1, len(rows) + 1)
        batch = Batch(document, positions, rows, len(rows), ends=True)
        intake.take(self._means.db, feed, batch, self._means.clock())
        self._means.arrived()

    def _retry(self, place: Place, error: TransientError) -> None:
        reason = error.text().what
        if place.attempts + 1 >= ATTEMPTS_MAX:
            self._bury(place, Step.TWIN, reason)
            return
        with self._means.db.transaction() as tx:
            table.count_attempt(tx, place, reason)

    def _bury(self, place: Place, step: Step, reason: str) -> None:
        with self._means.db.transaction() as tx:
            table.bury_node(tx, place, step, reason)
        self._log.info(
            "part.missed", partner=place.partner, id=place.global_asset_id, step=step, why=reason
        )


async def _all(visits: Iterable[Coroutine[None, None, None]]) -> None:
    """Wait for all visits, then raise what the first of them raised that failed.

    None may go on behind the back of a walk that is begun anew.
    """
    for outcome in await asyncio.gather(*visits, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def _is_broken(task: asyncio.Task[Found] | asyncio.Task[_PartType]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _step(error: EslabonError, usual: Step) -> Step:
    return Step.POLICY if error.code in _POLICY_CODES else usual


def _plain(payload: Mapping[str, object]) -> dict[str, object]:
    return dict(payload)
