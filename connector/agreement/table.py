"""Rows of processes and agreements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

import orjson

from connector.agreement.model import Agreement, Negotiation, Offer, Process, ProcessT
from connector.agreement.states import NegotiationState, Role
from connector.identifiers import Bpnl, Did
from connector.store.database import Database, Row
from connector.store.journal import millis, moment

_COLUMNS = (
    *("pid", "role", "partner", "bpnl", "url", "dataset", "peer_pid", "state", "heading"),
    *("owing", "reason", "digest", "updated_at"),
)
_CHANGING = ("url", "peer_pid", "state", "heading", "owing", "reason", "digest", "updated_at")


@dataclass(frozen=True, slots=True)
class Mail:
    """Raw messages to remember with a process: None leaves the one before it in place."""

    received: bytes | None = None
    sent: bytes | None = None


NO_MAIL = Mail()


class ProcessTable(Generic[ProcessT]):
    """The rows of one kind of process.

    ``extra`` names its own columns, ``undecided`` is the condition of its index of processes
    on their way, ``build`` makes the value from the columns that every
    process has and from its own, and ``spread`` gives its own back.
    """

    def __init__(
        self,
        name: str,
        extra: tuple[str, ...],
        undecided: str,
        build: Callable[[dict[str, Any], Row], ProcessT],
        spread: Callable[[ProcessT], Row],
    ) -> None:
        self.name = name
        self._undecided = undecided
        self._build = build
        self._spread = spread
        self._select = f"SELECT {', '.join((*_COLUMNS, *extra))} FROM {name} "  # noqa: S608
        columns = (*_COLUMNS, "received", "sent", "created_at", *extra)
        marks = ",".join("?" * len(columns))
        changing = ", ".join(f"{one} = excluded.{one}" for one in (*_CHANGING, *extra))
        self._put = (
            f"INSERT INTO {name} AS p ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
            f" ON CONFLICT (pid) DO UPDATE SET {changing},"
            " received = coalesce(excluded.received, p.received),"
            " sent = coalesce(excluded.sent, p.sent)"
        )

    def find(self, db: Database, pid: str) -> ProcessT | None:
        """Return the process with our id."""
        return self._one(db.row(f"{self._select} WHERE pid = ?", (pid,)))

    def by_peer(self, db: Database, partner: Did, role: Role, peer_pid: str) -> ProcessT | None:
        """Return the process with the partner's id, in which we play ``role``."""
        where = "WHERE partner = ? AND role = ? AND peer_pid = ? AND peer_pid <> ''"
        return self._one(db.row(f"{self._select} {where}", (partner, role, peer_pid)))

    def undecided(self, db: Database, partner: Did, role: Role, dataset_id: str) -> list[ProcessT]:
        """Return the processes with a partner about one dataset that are on their way."""
        where = f"WHERE partner = ? AND dataset = ? AND role = ? AND {self._undecided}"
        found = db.rows(f"{self._select} {where} LIMIT 20", (partner, dataset_id, role))
        return [self._read(row) for row in found]

    def put(self, tx: Database, process: ProcessT, now: datetime, mail: Mail = NO_MAIL) -> None:
        """Insert the process, or replace what changes in it."""
        at = millis(now)
        tx.execute(
            self._put,
            (
                *(process.pid, process.role, process.partner, process.bpnl, process.url),
                *(process.dataset_id, process.peer_pid, process.state, process.heading),
                *(process.owing, process.reason, process.digest, at),
                *(mail.received, mail.sent, at),
                *self._spread(process),
            ),
        )

    def _one(self, row: Row | None) -> ProcessT | None:
        return self._read(row) if row else None

    def _read(self, row: Row) -> ProcessT:
        return self._build(process_fields(row), row[len(_COLUMNS) :])


def process_fields(row: Row) -> dict[str, Any]:
    """Return the fields that every process has, states still as text."""
    return {
        "pid": row[0],
        "role": Role(row[1]),
        "partner": Did(row[2]),
        "bpnl": Bpnl(row[3]),
        "url": row[4],
        "dataset_id": row[5],
        "peer_pid": row[6],
        "state": row[7],
        "heading": row[8],
        "owing": row[9],
        "reason": row[10],
        "digest": row[11],
        "updated_at": moment(row[12]),
    }


def negotiations() -> ProcessTable[Negotiation]:
    """Return the table of negotiations."""
    columns = ("offer", "policy", "agreement")
    undecided = "coalesce(state, 'REQUESTED') NOT IN ('FINALIZED', 'TERMINATED')"
    return ProcessTable("negotiation", columns, undecided, _negotiation, _own)


def _negotiation(fields: dict[str, Any], own: Row) -> Negotiation:
    typed = with_states(fields, NegotiationState)
    offer = Offer(own[0], fields["dataset_id"], orjson.loads(own[1]))
    return Negotiation(**typed, offer=offer, agreement_id=own[2])


def _own(one: Negotiation) -> Row:
    return one.offer.id, orjson.dumps(one.offer.policy), one.agreement_id


def with_states(fields: dict[str, Any], states: Callable[[str], object]) -> dict[str, Any]:
    """Return the fields with both states as members of ``states``."""
    named = {key: states(fields[key]) for key in ("state", "heading") if fields[key]}
    return fields | named


def keep_agreement(tx: Database, agreement: Agreement, process: Process[Any]) -> None:
    """Store an agreement; one that is there already stays as it is."""
    tx.execute(
        "INSERT INTO agreement (role, partner, id, negotiation, dataset, assigner, assignee,"
        " policy, signed_at) VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
        (
            *(process.role, process.partner, agreement.id, process.pid, agreement.dataset_id),
            *(agreement.assigner, agreement.assignee, orjson.dumps(agreement.policy)),
            millis(agreement.signed_at),
        ),
    )


_VALID = (
    "SELECT a.id, a.dataset, a.assigner, a.assignee, a.policy, a.signed_at FROM agreement a"
    " JOIN negotiation n ON n.pid = a.negotiation"
    " WHERE a.role = ? AND a.partner = ? AND a.retired_at IS NULL"
    # Whoever asks under the agreement has seen it finalized, even while we await the answer.
    " AND (n.state = 'FINALIZED' OR n.heading = 'FINALIZED')"
)


def agreement_with(db: Database, role: Role, partner: Did, agreement_id: str) -> Agreement | None:
    """Return a valid agreement by its id, in which we play ``role``."""
    return _agreement(db.row(f"{_VALID} AND a.id = ?", (role, partner, agreement_id)))


def agreement_about(db: Database, role: Role, partner: Did, dataset_id: str) -> Agreement | None:
    """Return the newest valid agreement with a partner about a dataset."""
    newest = f"{_VALID} AND a.dataset = ? ORDER BY a.signed_at DESC LIMIT 1"
    return _agreement(db.row(newest, (role, partner, dataset_id)))


def retire_agreement(tx: Database, partner: Did, agreement_id: str, now: datetime) -> None:
    """Ask no more under an agreement that the provider does not honour."""
    tx.execute(
        "UPDATE agreement SET retired_at = ? WHERE role = ? AND partner = ? AND id = ?",
        (millis(now), Role.CONSUMER, partner, agreement_id),
    )


def _agreement(row: Row | None) -> Agreement | None:
    if row is None:
        return None
    policy = orjson.loads(row[4])
    return Agreement(row[0], row[1], Did(row[2]), Did(row[3]), policy, moment(row[5]))
