"""Rows of the collection room, and its named SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

import orjson

from connector.collection.model import (
    Child,
    Collection,
    Footprint,
    Gap,
    Node,
    Part,
    Place,
    Step,
    Wanted,
)
from connector.errors import Finding
from connector.identifiers import Bpnl
from connector.record.quarantine import finding_from_json, finding_to_json
from connector.store.database import Database, Row
from connector.store.journal import millis, moment

_PLACES = (
    "SELECT id, collection, parent, depth, partner, global_asset_id, attempts FROM node"
    " WHERE state = 'open' AND collection = ? ORDER BY id LIMIT ?"
)
_NODES = (
    "SELECT id, parent, partner, global_asset_id, quantity, unit, state, step, reason, part"
    " FROM node WHERE collection = ? ORDER BY id"
)
_ANCESTORS = (
    "WITH RECURSIVE up (id, parent, global_asset_id) AS ("
    " SELECT id, parent, global_asset_id FROM node WHERE id = ?"
    " UNION ALL SELECT n.id, n.parent, n.global_asset_id FROM node n JOIN up ON n.id = up.parent)"
    " SELECT global_asset_id FROM up"
)


def insert_collection(tx: Database, collection: str, wanted: Wanted, now: datetime) -> None:
    """Store a walk and its first place."""
    tx.execute(
        "INSERT INTO collection (id, request, state, started_at) VALUES (?,?,'running',?)",
        (collection, orjson.dumps(asdict(wanted)), millis(now)),
    )
    tx.execute(
        "INSERT INTO node (collection, depth, partner, global_asset_id) VALUES (?,0,?,?)",
        (collection, wanted.partner, wanted.global_asset_id),
    )


def collection(db: Database, collection_id: str) -> Collection | None:
    """Return one walk, or None when there is none with this id."""
    row = db.row(
        "SELECT id, request, state, started_at, finished_at, failure FROM collection WHERE id = ?",
        (collection_id,),
    )
    return _collection(row) if row else None


def running(db: Database) -> list[Collection]:
    """Return the walks that have not ended."""
    found = db.rows(
        "SELECT id, request, state, started_at, finished_at, failure FROM collection"
        " WHERE state = 'running' ORDER BY started_at"
    )
    return [_collection(row) for row in found]


def finish(
    tx: Database, collection_id: str, state: str, now: datetime, failure: Finding | None = None
) -> None:
    """Record that a walk has ended, and why if it failed."""
    stored = orjson.dumps(finding_to_json(failure)) if failure else None
    tx.execute(
        "UPDATE collection SET state = ?, finished_at = ?, failure = ? WHERE id = ?",
        (state, millis(now), stored, collection_id),
    )


def open_places(db: Database, collection_id: str, places_max: int) -> list[Place]:
    """Return places still to be visited, oldest first."""
    found = db.rows(_PLACES, (collection_id, places_max))
    return [Place(r[0], r[1], r[2], r[3], Bpnl(r[4]), r[5], r[6]) for r in found]


def ancestors(db: Database, node: int) -> frozenset[str]:
    """Return the ids of the parts above a node, its own included."""
    return frozenset(row[0] for row in db.rows(_ANCESTORS, (node,)))


def settle_node(tx: Database, place: Place, global_asset_id: str, part: Part) -> None:
    """Record that a place was visited, and what is known of its part."""
    tx.execute(
        "UPDATE node SET state = 'done', global_asset_id = ?, part = ? WHERE id = ?",
        (global_asset_id, orjson.dumps(asdict(part)), place.id),
    )


def bury_node(tx: Database, place: Place, step: Step, reason: str) -> None:
    """Record that a place cannot be visited, at which step, and why."""
    tx.execute(
        "UPDATE node SET state = 'tombstone', step = ?, reason = ? WHERE id = ?",
        (step, reason, place.id),
    )


def count_attempt(tx: Database, place: Place, reason: str) -> None:
    """Record an attempt that will be repeated, and what stood in its way."""
    tx.execute(
        "UPDATE node SET attempts = attempts + 1, reason = ? WHERE id = ?", (reason, place.id)
    )


def insert_children(tx: Database, place: Place, children: Iterable[Child]) -> None:
    """Store the places under a node, still to be visited."""
    tx.executemany(
        "INSERT INTO node (collection, parent, depth, partner, global_asset_id, quantity, unit)"
        " VALUES (?,?,?,?,?,?,?)",
        ((place.collection, place.id, place.depth + 1, *_child(child)) for child in children),
    )


def insert_tombstones(
    tx: Database, place: Place, children: Iterable[Child], step: Step, reason: str
) -> None:
    """Store places under a node that need no visit: it is known why it would be in vain."""
    tx.executemany(
        "INSERT INTO node (collection, parent, depth, partner, global_asset_id, quantity, unit,"
        " state, step, reason) VALUES (?,?,?,?,?,?,?,'tombstone',?,?)",
        (
            (place.collection, place.id, place.depth + 1, *_child(child), step, reason)
            for child in children
        ),
    )


def insert_gaps(tx: Database, place: Place, gaps: Sequence[Gap]) -> None:
    """Store which aspects of a node could not be had."""
    tx.executemany(
        "INSERT OR REPLACE INTO gap (node, aspect, step, reason) VALUES (?,?,?,?)",
        ((place.id, gap.aspect, gap.step, gap.reason) for gap in gaps),
    )


def count_nodes(db: Database, collection_id: str) -> int:
    """Return how many places a walk has found until now."""
    row = db.row("SELECT count(*) FROM node WHERE collection = ?", (collection_id,))
    return int(row[0]) if row else 0


def nodes(db: Database, collection_id: str) -> list[Node]:
    """Return all places of a walk, parents before their children."""
    gaps: dict[int, list[Gap]] = {}
    for node, aspect, step, reason in db.rows(
        "SELECT g.node, g.aspect, g.step, g.reason FROM gap g JOIN node n ON n.id = g.node"
        " WHERE n.collection = ?",
        (collection_id,),
    ):
        gaps.setdefault(node, []).append(Gap(aspect, Step(step), reason))
    return [
        Node(
            id=r[0],
            parent=r[1],
            partner=Bpnl(r[2]),
            global_asset_id=r[3],
            quantity=r[4],
            unit=r[5],
            state=r[6],
            step=r[7],
            reason=r[8],
            part=_part(r[9]),
            gaps=tuple(gaps.get(r[0], ())),
        )
        for r in db.rows(_NODES, (collection_id,))
    ]


def _child(child: Child) -> tuple[object, ...]:
    return (child.partner, child.global_asset_id, child.quantity, child.unit)


def _collection(row: Row) -> Collection:
    request = orjson.loads(row[1])
    asset_ids = tuple((name, value) for name, value in request.pop("asset_ids"))
    aspects = tuple(request.pop("aspects"))
    wanted = Wanted(Bpnl(request.pop("partner")), **request, asset_ids=asset_ids, aspects=aspects)
    failure = finding_from_json(orjson.loads(row[5])) if row[5] else None
    finished = moment(row[4]) if row[4] else None
    return Collection(row[0], wanted, row[2], moment(row[3]), finished, failure)


def _part(stored: bytes | None) -> Part:
    if not stored:
        return Part()
    fields = orjson.loads(stored)
    footprint = fields.pop("footprint")
    aspects = tuple(fields.pop("aspects"))
    return Part(**fields, aspects=aspects, footprint=Footprint(**footprint) if footprint else None)
