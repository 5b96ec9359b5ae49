"""Rows of processes and agreements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

import orjson

from connector.agreement.model import Agreement, EndedBy, Negotiation, Offer, Process, ProcessT
from connector.agreement.states import NegotiationState, Role
from connector.identifiers import Bpnl, Did
from connector.store.database import Database, Row
from connector.store.journal import millis, moment

_COLUMNS = (
    *("pid", "role", "partner", "bpnl", "url", "dataset", "peer_pid", "state", "heading"),
    *("owing", "reason", "ended_by", "digest", "updated_at"),
)
_CHANGING = (
    *("url", "peer_pid", "state", "heading", "owing", "reason", "ended_by", "digest"),
    "updated_at",
)


@dataclass(frozen=True, slots=True)
class Mail:
    """Raw messages to remember with a process: None leaves the one before it in place."""

    received: bytes | None = None
    sent: bytes | None = None


NO_MAIL = Mail()


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of process in the store: its table, its own columns, and its final states.

    The conditions are, letter for letter, those of the table's partial indexes.
    """

    name: str
    extra: tuple[str, ...]
    final: tuple[str, str]
    undecided: str = ""

    @property
    def open(self) -> str:
        """Hold for a process that is not over."""
        return f"coalesce(state, 'REQUESTED') NOT IN {self.final}"

    @property
    def waiting(self) -> str:
        """Hold for a process that is not over and in which nothing is on its way."""
        return f"heading IS NULL AND state NOT IN {self.final}"

    @property
    def kept(self) -> str:
        """Hold for a process that is over and whose messages are still kept."""
        mail = "(received IS NOT NULL OR sent IS NOT NULL)"
        return f"heading IS NULL AND state IN {self.final} AND {mail}"


class ProcessTable(Generic[ProcessT]):
    """The rows of one kind of process.

    ``layout`` says how it differs from others, ``build`` makes the value from the columns that
    every process has and from its own, and ``spread`` gives its own back.
    """

    def __init__(
        self,
        layout: Layout,
        build: Callable[[dict[str, Any], Row], ProcessT],
        spread: Callable[[ProcessT], Row],
    ) -> None:
        self.name = name = layout.name
        self.layout = layout
        self._build = build
        self._spread = spread
        extra = layout.extra
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
        undecided = self.layout.undecided or self.layout.open
        where = f"WHERE partner = ? AND dataset = ? AND role = ? AND {undecided}"
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
                *(process.owing, process.reason, process.ended_by, process.digest, at),
                *(mail.received, mail.sent, at),
                *self._spread(process),
            ),
        )

    def select(self, db: Database, condition: str, parameters: Row = ()) -> list[ProcessT]:
        """Return the processes under a condition of ours, with its order and limit."""
        return [self._read(row) for row in db.rows(f"{self._select} {condition}", parameters)]

    def count_open(self, db: Database, partner: Did, most: int) -> int:
        """Count a partner's processes that are not over, up to ``most``."""
        inner = f"SELECT 1 FROM {self.name} WHERE partner = ? AND {self.layout.open} LIMIT ?"  # noqa: S608
        row = db.row(f"SELECT count(*) FROM ({inner})", (partner, most))  # noqa: S608
        return int(row[0]) if row else 0

    def oldest(self, db: Database, state: str) -> datetime | None:
        """Return since when the process stands still that does so longest in a state."""
        sql = f"SELECT min(updated_at) FROM {self.name} WHERE {self.layout.waiting} AND state = ?"  # noqa: S608
        row = db.row(sql, (state,))
        return moment(row[0]) if row and row[0] is not None else None

    def still_since(
        self, db: Database, state: str, until: datetime, rows_max: int
    ) -> list[ProcessT]:
        """Return those that have stood still in a state since ``until`` or longer."""
        where = f"WHERE {self.layout.waiting} AND state = ? AND updated_at <= ?"
        order = " ORDER BY updated_at LIMIT ?"
        return self.select(db, where + order, (state, millis(until), rows_max))

    def forget_mail(self, tx: Database, before: datetime, rows_max: int) -> int:
        """Delete what was said in processes that ended ``before``; return how many they were."""
        old = f"SELECT pid FROM {self.name} WHERE {self.layout.kept} AND updated_at < ?"  # noqa: S608
        return tx.change(
            f"UPDATE {self.name} SET received = NULL, sent = NULL"  # noqa: S608
            f" WHERE pid IN ({old} ORDER BY updated_at LIMIT ?)",
            (millis(before), rows_max),
        )

    def mail(self, db: Database, pid: str) -> Mail:
        """Return the last messages of a process, secrets blanked."""
        sql = f"SELECT received, sent FROM {self.name} WHERE pid = ?"  # noqa: S608
        return Mail(*(db.row(sql, (pid,)) or (None, None)))

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
        "ended_by": EndedBy(row[11]),
        "digest": row[12],
        "updated_at": moment(row[13]),
    }


def negotiations() -> ProcessTable[Negotiation]:
    """Return the table of negotiations."""
    columns = ("offer", "policy", "agreement")
    layout = Layout("negotiation", columns, ("FINALIZED", "TERMINATED"))
    return ProcessTable(layout, _negotiation, _own)


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


def agreement_about(
    db: Database, role: Role, partner: Did, dataset_id: str, *, url: str = ""
) -> Agreement | None:
    """Return the newest valid agreement with a partner about a dataset.

    ``url`` asks for one that was settled with that connector of the partner. Of two that
    were signed in one negotiation the last one counts.
    """
    newest = (
        f"{_VALID} AND a.dataset = ? AND ? IN ('', n.url)"
        " ORDER BY a.signed_at DESC, a.id = n.agreement DESC LIMIT 1"
    )
    return _agreement(db.row(newest, (role, partner, dataset_id, url)))


def agreement_beside(db: Database, partner: Did, agreement_id: str) -> Agreement | None:
    """Return another valid agreement that a provider signed in the same negotiation."""
    beside = (
        f"{_VALID} AND a.id <> ? AND a.negotiation = (SELECT negotiation FROM agreement"  # noqa: S608
        " WHERE role = ? AND partner = ? AND id = ?) LIMIT 1"
    )
    of_ours = (Role.CONSUMER, partner)
    return _agreement(db.row(beside, (*of_ours, agreement_id, *of_ours, agreement_id)))


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
