"""Answers an operator's questions from the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from connector import pipeline
from connector.collection import counting
from connector.collection import table as walks
from connector.collection.model import Collection, Node
from connector.errors import DataError, EslabonError
from connector.record import quarantine, table
from connector.record.model import Quarantined
from connector.settings.values import Settings
from connector.store.database import Database
from connector.store.journal import moment
from connector.web.operations import (
    CollectedPart,
    CollectionReport,
    FeedStatus,
    QuarantineEntry,
    QuarantineList,
    QuarantineQuery,
    StatusReport,
    Tombstone,
)

# Rows of these tables are only ever added, so the highest number is how many there are: a
# count would walk through a million rows while partners wait.
_COUNTS: Mapping[str, str] = {
    "documents": "SELECT count(*) FROM document",
    "records": "SELECT coalesce(max(id), 0) FROM record",
    "aspects": "SELECT coalesce(max(id), 0) FROM aspect",
    "quarantined": "SELECT count(*) FROM quarantine WHERE state = 'open'",
    "twins": "SELECT coalesce(max(id), 0) - (SELECT count(*) FROM twin WHERE owner IS NOT NULL)"
    " FROM twin",
    "collected_twins": "SELECT count(*) FROM twin WHERE owner IS NOT NULL",
    "offers": "SELECT count(*) FROM exposure",
    "agreements": "SELECT count(*) FROM agreement",
    "transfers": "SELECT count(*) FROM transfer",
    "owed": "SELECT count(*) FROM outbox WHERE state = 'owed'",
    "parked": "SELECT count(*) FROM outbox WHERE state = 'parked'",
    "collections": "SELECT count(*) FROM collection",
}


@dataclass(frozen=True, slots=True)
class Reports:
    """The reading half of what an operator may ask."""

    db: Database
    settings: Settings
    running: bool
    started_at: datetime | None
    troubles: Callable[[], Mapping[str, EslabonError]]

    def status(self) -> StatusReport:
        """Return the connector in figures."""
        db, settings = self.db, self.settings
        states = db.rows("SELECT state, count(*) FROM negotiation GROUP BY state")
        return StatusReport(
            name=settings.connector.name,
            bpnl=settings.connector.bpnl,
            did=settings.did,
            running=self.running,
            started_at=self.started_at,
            counts={name: self._count(sql) for name, sql in _COUNTS.items()},
            negotiations={str(state or "new"): count for state, count in states},
            backlog=pipeline.backlog(db),
            feeds=tuple(self._feed(feed.name, feed.adapter) for feed in settings.feed),
        )

    def quarantine(self, query: QuarantineQuery) -> QuarantineList:
        """Return entries of the quarantine, newest first."""
        entries, total = quarantine.page(
            self.db, query.feed or None, query.entries_max, closed=query.closed
        )
        return QuarantineList(tuple(self._entry(e) for e in entries), total)

    def show(self, entry_id: int) -> QuarantineEntry:
        """Return one entry with its rows; raise `DataError` for an unknown id."""
        found = quarantine.show(self.db, entry_id)
        if found is None:
            raise DataError("daemon:entry_unknown", id=entry_id)
        return self._entry(found)

    def collection(self, collection_id: str) -> CollectionReport:
        """Return how a walk stands; raise `DataError` for an unknown id."""
        found = walks.collection(self.db, collection_id)
        if found is None:
            raise DataError("daemon:collection_unknown", id=collection_id)
        return _collected(found, walks.nodes(self.db, collection_id))

    def _count(self, sql: str) -> int:
        row = self.db.row(sql)
        return int(row[0]) if row else 0

    def _feed(self, name: str, adapter: str) -> FeedStatus:
        row = self.db.row(
            "SELECT count(*), max(coalesce(finished_at, started_at)), coalesce(sum(records), 0)"
            " FROM document WHERE feed = ?",
            (name,),
        ) or (0, None, 0)
        held = self.db.row(
            "SELECT count(*) FROM quarantine WHERE feed = ? AND state = 'open'", (name,)
        ) or (0,)
        trouble = self.troubles().get(name)
        return FeedStatus(
            name=name,
            adapter=adapter,
            documents=row[0],
            records=row[2],
            quarantined=held[0],
            last_intake_at=moment(row[1]) if row[1] else None,
            last_error=trouble.text().what if trouble else "",
        )

    def _entry(self, entry: Quarantined) -> QuarantineEntry:
        record = table.record(self.db, entry.record) if entry.record else None
        rows = tuple(tuple(map(_spoken, row)) for row in record.rows) if record else ()
        return QuarantineEntry(
            id=entry.id,
            feed=entry.feed,
            source=entry.source,
            position=entry.position,
            state=entry.state,
            at=entry.at,
            findings=entry.findings,
            record=entry.record,
            raw=entry.raw,
            header=record.header if record else (),
            rows=rows,
        )


def _spoken(cell: object) -> str:
    return "" if cell is None else str(cell)


def _collected(collection: Collection, nodes: list[Node]) -> CollectionReport:
    counted = counting.count(nodes)
    asked = " ".join(f"{name}={value}" for name, value in collection.wanted.asset_ids)
    parts = tuple(_part(node, counted[node.id], asked) for node in nodes)
    tombstones = [p.tombstone for p in parts if p.tombstone]
    gaps = [
        Tombstone(node.partner, node.global_asset_id, gap.step, gap.reason, gap.aspect)
        for node in nodes
        for gap in node.gaps
    ]
    return CollectionReport(
        id=collection.id,
        state=collection.state,
        partner=collection.wanted.partner,
        started_at=collection.started_at,
        finished_at=collection.finished_at,
        parts=parts,
        tombstones=(*tombstones, *gaps),
        counts={
            "parts": len(nodes),
            "open": sum(node.state == "open" for node in nodes),
            "aspects": sum(len(node.part.aspects) for node in nodes),
            "tombstones": len(tombstones) + len(gaps),
        },
        kg_co2e_total=counted[nodes[0].id] if nodes else None,
        failure=collection.failure,
    )


def _part(node: Node, kg: float | None, asked: str) -> CollectedPart:
    """Return a place as it is reported; one that was never found is named as it was asked for."""
    buried = node.state == "tombstone"
    footprint = node.part.footprint
    identifier = node.global_asset_id
    return CollectedPart(
        node=node.id,
        parent=node.parent,
        global_asset_id=identifier,
        partner=node.partner,
        name=node.part.name,
        manufacturer_part_id=node.part.manufacturer_part_id,
        instance_name=node.part.instance_name,
        instance=node.part.instance,
        quantity=node.quantity,
        unit=node.unit,
        kg_co2e=kg,
        declared_unit=footprint.unit if footprint else "",
        aspects=node.part.aspects,
        tombstone=Tombstone(node.partner, identifier or asked, node.step, node.reason)
        if buried
        else None,
    )
