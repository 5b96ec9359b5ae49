"""Reads a ledger from its store, with heads from a log beside it, for an auditor to judge.

It may run beside the connector that writes: rows are only ever added, so what is there at
the beginning is what is judged. Memory does not grow with the ledger.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import chain

from connector.store.database import Database, Row
from connector.transfer.audit import Auditor, Signed, Verdict
from connector.transfer.chain import Seals, head_from_json

PAGE_ROWS = 2_000
# The newest prove all before them as well.
LOGGED_HEADS_MAX = 100_000
LINE_CHARACTERS_MAX = 16_384

_ROWS = (
    "SELECT number, at, partner, agreement, transfer, action, subject, detail, hash FROM ledger"
    " WHERE number > ? AND number <= ? ORDER BY number LIMIT ?"
)
_HEADS = (
    "SELECT rows, number, seal FROM ledger_head WHERE number > ? AND number <= ?"
    " ORDER BY number LIMIT ?"
)
_MEMBER = re.compile(r"\b(protected|payload|signature)[\"']?\s*[=:]\s*[\"']?([\w-]+)", re.ASCII)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_COMPACT = re.compile(r"\b(eyJ[\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)

Placed = tuple[int, Signed]


def verify(db: Database, seals: Seals, logged: Iterable[Placed] = ()) -> Verdict:
    """Judge the whole ledger; ``logged`` are heads from elsewhere, in any order, each once.

    Raises `BrokenLedgerError` saying what is wrong and where it begins.
    """
    auditor = Auditor(seals, dict(db.rows("SELECT kid, jwk FROM ledger_key")))
    # Heads before rows: a head that is there now covers rows that are there now.
    last_head, last_row = _last(db, "ledger_head"), _last(db, "ledger")
    heads = merge(_stored(db, last_head), sorted(logged, key=_place), key=_place)
    ahead = next(heads, None)
    for *content, digest in _rows(db, last_row):
        while ahead is not None and ahead[0] <= auditor.rows:
            auditor.head(ahead[1])
            ahead = next(heads, None)
        auditor.row(tuple(content), digest)
    for _, signed in chain([ahead] if ahead else [], heads):
        auditor.head(signed)
    return auditor.verdict()


def heads_in_log(lines: Iterable[str], source: str) -> Iterator[Placed]:
    """Yield the newest heads of a log with the number of rows that each claims.

    A head is a line with the members of a flattened JWS, in JSON or as ``name=value``, or
    a compact JWS. Other lines are passed over, and so is a head that comes once more.
    """
    found: OrderedDict[str, Placed] = OrderedDict()
    for number, line in enumerate(lines, start=1):
        seal = _seal_in(_COLOUR.sub("", line[:LINE_CHARACTERS_MAX]))
        rows = _claimed_rows(seal)
        if rows is None:
            continue
        found.setdefault(seal, (rows, Signed(seal, source=f"{source}:{number}")))
        if len(found) > LOGGED_HEADS_MAX:
            found.popitem(last=False)
    yield from found.values()


def _place(placed: Placed) -> int:
    return placed[0]


def _last(db: Database, table: str) -> int:
    row = db.row(f"SELECT coalesce(max(number), 0) FROM {table}")  # noqa: S608 - our own words
    return int(row[0]) if row else 0


def _rows(db: Database, last: int) -> Iterator[Row]:
    done = 0
    while page := db.rows(_ROWS, (done, last, PAGE_ROWS)):
        yield from page
        done = page[-1][0]


def _stored(db: Database, last: int) -> Iterator[Placed]:
    done = 0
    while page := db.rows(_HEADS, (done, last, PAGE_ROWS)):
        yield from ((rows, Signed(seal, number)) for rows, number, seal in page)
        done = page[-1][1]


def _seal_in(line: str) -> str:
    members = dict(_MEMBER.findall(line))
    if len(members) == len(("protected", "payload", "signature")):
        return ".".join(members[name] for name in ("protected", "payload", "signature"))
    compact = _COMPACT.search(line)
    return compact[0] if compact else ""


def _claimed_rows(seal: str) -> int | None:
    """Return how many rows a seal says that there were, proven or not; None if it is no head."""
    try:
        return head_from_json(urlsafe_b64decode(seal.split(".")[1] + "==")).rows
    except (IndexError, ValueError):
        return None
