"""Rows of what directories of the data space said: the last listing of each is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import orjson

from connector.identifiers import Bpnl, Did
from connector.store.database import Database
from connector.store.journal import millis, moment


def keep_listing(tx: Database, source: str, dids: Mapping[Bpnl, Did], now: datetime) -> None:
    """Store what a directory said, in place of what it said before."""
    tx.execute(
        "INSERT INTO listing (source, fetched_at, dids) VALUES (?,?,?) ON CONFLICT (source)"
        " DO UPDATE SET fetched_at = excluded.fetched_at, dids = excluded.dids",
        (source, millis(now), orjson.dumps(dict(dids), option=orjson.OPT_NON_STR_KEYS)),
    )


def last_listing(db: Database, source: str) -> tuple[datetime, dict[Bpnl, Did]] | None:
    """Return when a directory was read last and the DIDs by BPNL, or None if it never was."""
    row = db.row("SELECT fetched_at, dids FROM listing WHERE source = ?", (source,))
    if row is None:
        return None
    # Both were parsed before they were stored.
    return moment(row[0]), {Bpnl(bpnl): Did(did) for bpnl, did in orjson.loads(row[1]).items()}
