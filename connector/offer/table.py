"""Rows of the offer room: audiences, and how far exposures have been worked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from connector.store.database import Database

_OWN = "id BETWEEN ? AND ? AND owner IS NULL"


def audiences(db: Database, after: int) -> dict[int, frozenset[str]]:
    """Return the audiences with a greater number, each as keys of rules."""
    found = db.rows("SELECT id, offers FROM audience WHERE id > ?", (after,))
    return {number: frozenset(orjson.loads(keys)) for number, keys in found}


def audience_number(tx: Database, keys: Sequence[str]) -> int:
    """Return the number of an audience, storing it first if it is new."""
    stored = orjson.dumps(keys).decode()
    tx.execute("INSERT OR IGNORE INTO audience (offers) VALUES (?)", (stored,))
    found = tx.row("SELECT id FROM audience WHERE offers = ?", (stored,))
    return int(found[0]) if found else 0


def own_parts(db: Database, first: int, last: int) -> list[str]:
    """Return the different manufacturerPartIds of our own twins in a range."""
    sql = f"SELECT DISTINCT part FROM twin WHERE {_OWN}"  # noqa: S608 - our own words
    found = db.rows(sql, (first, last))
    return [part for (part,) in found]


def expose_all(tx: Database, first: int, last: int, audience: int) -> None:
    """Give one audience to all our own twins in a range: the common case, and the quick one."""
    tx.execute(
        f"INSERT OR REPLACE INTO exposure (twin, audience) SELECT id, ? FROM twin WHERE {_OWN}",  # noqa: S608 - our own words
        (audience, first, last),
    )


def expose_each(tx: Database, first: int, last: int, audiences: Mapping[str, int]) -> None:
    """Give our own twins in a range the audience of their part; those of number 0 get none."""
    sql = f"SELECT id, part FROM twin WHERE {_OWN}"  # noqa: S608 - our own words
    twins = tx.rows(sql, (first, last))
    tx.executemany(
        "INSERT OR REPLACE INTO exposure (twin, audience) VALUES (?,?)",
        [(twin, audiences[part]) for twin, part in twins if audiences[part]],
    )


def hide(tx: Database, first: int, last: int) -> None:
    """Take the twins of a range back from everybody."""
    tx.execute("DELETE FROM exposure WHERE twin BETWEEN ? AND ?", (first, last))


def newest_twin(db: Database) -> int:
    """Return the greatest number of a twin, 0 when there is none."""
    found = db.row("SELECT coalesce(max(id), 0) FROM twin")
    return int(found[0]) if found else 0


@dataclass(frozen=True, slots=True)
class Published:
    """By which rules exposures are worked out; twins after ``done`` to ``target`` are not yet."""

    fingerprint: str
    target: int
    done: int


def published(db: Database) -> Published | None:
    """Return how far exposures have been worked out; None when nothing ever was."""
    found = db.row("SELECT fingerprint, target, done FROM published")
    return Published(*found) if found else None


def mark_published(tx: Database, state: Published) -> None:
    """Remember how far exposures have been worked out."""
    tx.execute(
        "INSERT OR REPLACE INTO published VALUES (1,?,?,?)",
        (state.fingerprint, state.target, state.done),
    )
