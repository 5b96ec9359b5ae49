"""What stands in a store after all, to be compared, and what a kill left in one, to be judged."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

Rows = list[tuple[Any, ...]]

STREAM = "planta/"

_SUBMODELS = (
    "SELECT coalesce(o.value, ''), t.global_asset_id, m.value, s.version, a.payload"
    " FROM submodel s JOIN twin t ON t.id = s.twin JOIN aspect a ON a.id = s.aspect"
    " JOIN interned m ON m.id = s.semantic LEFT JOIN interned o ON o.id = t.owner"
)
_ASPECTS = (
    "SELECT a.global_asset_id, i.value, a.payload FROM aspect a"
    " JOIN interned i ON i.id = a.semantic"
)
_TWINS = (
    "SELECT t.global_asset_id, k.value, t.part, n.value, t.instance FROM twin t"
    " LEFT JOIN interned k ON k.id = t.twin_type LEFT JOIN interned n ON n.id = t.instance_name"
)
_ASSET_IDS = (
    "SELECT t.global_asset_id, a.name, a.value FROM asset_id a JOIN twin t ON t.id = a.twin"
)
_EXPOSED = (
    "SELECT t.global_asset_id, u.offers FROM exposure e JOIN twin t ON t.id = e.twin"
    " JOIN audience u ON u.id = e.audience"
)
_RECORDS = "SELECT d.feed, r.content FROM record r JOIN document d ON d.id = r.document"
_HELD = "SELECT feed, source, position, findings, raw FROM quarantine WHERE state = 'open'"


class Contents(NamedTuple):
    """All that must be the same, however often somebody was killed on the way."""

    records: Counter[tuple[Any, ...]]
    aspects: Counter[tuple[Any, ...]]
    twins: Counter[tuple[Any, ...]]
    asset_ids: Counter[tuple[Any, ...]]
    submodels: Counter[tuple[Any, ...]]
    exposed: Counter[tuple[Any, ...]]
    held: Counter[tuple[Any, ...]]


def contents(store: Path) -> Contents:
    """Read what a store holds; numbers that only count how things came are left out."""
    return Contents(
        Counter(rows(store, _RECORDS)),
        Counter(rows(store, _ASPECTS)),
        Counter(rows(store, _TWINS)),
        Counter(rows(store, _ASSET_IDS)),
        Counter(rows(store, _SUBMODELS)),
        Counter(rows(store, _EXPOSED)),
        Counter(_cause(*row) for row in rows(store, _HELD)),
    )


def differences(expected: Contents, actual: Contents) -> dict[str, list[str]]:
    """Return what is missing and what is too much, some of each, by kind; empty if equal."""
    found: dict[str, list[str]] = {}
    for kind, wanted, given in zip(Contents._fields, expected, actual, strict=True):
        said = [f"missing: {one}"[:400] for one in list((wanted - given).elements())[:3]]
        said += [f"too much: {one}"[:400] for one in list((given - wanted).elements())[:3]]
        if said:
            found[kind] = said
    return found


def _cause(
    feed: str, source: str, position: int | None, findings: bytes, raw: str
) -> tuple[object, ...]:
    said = json.loads(findings)
    is_stream = source.startswith(STREAM)
    codes = tuple(sorted((one["code"], one["column"] or "") for one in said))
    # The messages of a stream are counted anew at every start.
    return (feed, source, None if is_stream else position, codes, raw)


def rows(store: Path, sql: str, parameters: tuple[object, ...] = ()) -> Rows:
    """Ask a store that may be in use."""
    with closing(sqlite3.connect(store, timeout=30)) as db:
        db.execute("PRAGMA query_only = ON")
        return db.execute(sql, parameters).fetchall()


class Exchange(NamedTuple):
    """How the processes of a store stand."""

    negotiations: Counter[str]
    transfers: Counter[str]
    agreements: frozenset[str]
    parked: frozenset[str]


def exchange(store: Path) -> Exchange:
    """Read how negotiations and transfers ended, and why messages were never sent."""
    return Exchange(
        Counter(row[0] for row in rows(store, _STATES.format("negotiation"))),
        Counter(row[0] for row in rows(store, _STATES.format("transfer"))),
        frozenset(row[0] for row in rows(store, "SELECT id FROM agreement")),
        frozenset(row[0] for row in rows(store, "SELECT error FROM outbox WHERE state='parked'")),
    )


_STATES = "SELECT coalesce(state, 'nothing') || coalesce(' to ' || heading, '') FROM {}"


def torn_documents(store: Path) -> Rows:
    """Return for documents half way how many rows checkpoint, journal and records know."""
    return rows(
        store,
        "SELECT d.name, d.rows, (SELECT coalesce(sum(j.last - j.first + 1), 0) FROM journal j"
        " WHERE j.event = 'record.taken' AND j.subject = 'document:' || d.id),"
        " (SELECT count(*) FROM record r WHERE r.document = d.id)"
        " FROM document d WHERE d.state = 'reading'",
    )


def owed(store: Path) -> Rows:
    """Return process, message and attempts of what is owed."""
    return rows(store, "SELECT process, message, attempts FROM outbox WHERE state = 'owed'")


def has_received(store: Path, peer_pid: str, message: str) -> bool:
    """Whether the other side has taken in a message of a process of ours."""
    found = rows(
        store,
        "SELECT j.detail FROM journal j WHERE j.subject IN"
        " (SELECT pid FROM negotiation WHERE peer_pid = ?1"
        " UNION SELECT pid FROM transfer WHERE peer_pid = ?1)",
        (peer_pid,),
    )
    return any(json.loads(row[0] or "{}").get("received") == message for row in found)


def let_grants_lapse(path: Path) -> None:
    """Have the OEM ask for new transfers, as if its tokens were over and could not be renewed."""
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=30)) as db, db:
        db.execute("UPDATE access_grant SET refresh_token = '', renew_at = 0")
