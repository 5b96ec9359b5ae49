"""How each process with a partner stands: its last state, its deadline, and whose move it is.

Everything is read from the store, so this works without a running connector too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connector.agreement.limits import ExchangeLimits
from connector.agreement.model import Process
from connector.agreement.states import NEGOTIATION, NegotiationMessage, NegotiationState
from connector.agreement.table import Mail, ProcessTable, negotiations
from connector.errors import Finding
from connector.store import outbox
from connector.store.database import Database
from connector.store.outbox import Fate
from connector.transfer.states import TRANSFER, TransferMessage, TransferState
from connector.transfer.table import transfers
from connector.transitions import MoveTable

# Partners answer within seconds; what has not moved for that long needs somebody to look.
STUCK_SECONDS = 60.0


class Mover(StrEnum):
    """Whose move it is; nobody's where a process is over, or runs as it should."""

    US = "us"
    PARTNER = "partner"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Progress:
    """How one process stands.

    ``kind`` is negotiation or transfer. ``awaited`` are the messages of which the mover has
    to send one. ``last`` is what became of our last message, while that is kept.
    ``advice`` says in words what is the matter and what mends it.
    """

    kind: str
    process: Process[Any]
    mover: Mover
    awaited: tuple[str, ...]
    deadline_at: datetime | None
    last: Fate | None
    is_over: bool
    is_stuck: bool
    advice: Finding


@dataclass(frozen=True, slots=True)
class ProgressQuery:
    """Which processes to list, newest first: of one partner (DID or BPNL), stuck ones, or all.

    Without ``all`` those are left out that run as they should or are over.
    """

    partner: str = ""
    stuck: bool = False
    all: bool = False
    processes_max: int = 200


@dataclass(frozen=True, slots=True)
class _Kind:
    """What differs between negotiations and transfers."""

    name: str
    table: ProcessTable[Any]
    moves: MoveTable[Any, Any, Any]
    quiet: str
    termination: StrEnum


def _kinds() -> tuple[_Kind, ...]:
    negotiation, transfer = NegotiationMessage.TERMINATION, TransferMessage.TERMINATION
    return (
        _Kind("negotiation", negotiations(), NEGOTIATION, "", negotiation),
        _Kind("transfer", transfers(), TRANSFER, TransferState.STARTED, transfer),
    )


@dataclass(frozen=True, slots=True)
class Overview:
    """The processes in a store, seen with the deadlines of these limits."""

    db: Database
    limits: ExchangeLimits
    _kinds: tuple[_Kind, ...] = field(default_factory=_kinds)

    def listed(self, query: ProgressQuery, now: datetime) -> list[Progress]:
        """Return how processes stand, the one that moved last first."""
        found: list[Progress] = []
        for kind in self._kinds:
            found += [self._progress(kind, one, now) for one in self._found(kind, query)]
        chosen = [one for one in found if one.is_stuck or not query.stuck]
        chosen.sort(key=lambda one: one.process.updated_at or now, reverse=True)
        return chosen[: query.processes_max]

    def of(self, pid: str, now: datetime) -> Progress | None:
        """Return how one process stands, by our id or the partner's; None if unknown."""
        for kind in self._kinds:
            found = kind.table.select(self.db, "WHERE pid = ? LIMIT 1", (pid,))
            found = found or kind.table.select(self.db, "WHERE peer_pid = ? LIMIT 1", (pid,))
            if found:
                return self._progress(kind, found[0], now)
        return None

    def mail(self, progress: Progress) -> Mail:
        """Return the last messages of both sides, secrets blanked."""
        kind = next(kind for kind in self._kinds if kind.name == progress.kind)
        return kind.table.mail(self.db, progress.process.pid)

    def count_stuck(self, now: datetime) -> int:
        """Return how many processes are stuck."""
        return len(self.listed(ProgressQuery(stuck=True), now))

    def _found(self, kind: _Kind, query: ProgressQuery) -> list[Process[Any]]:
        layout = kind.table.layout
        whose = " AND ? IN (partner, bpnl)" if query.partner else ""
        quiet = "" if query.all else f" AND NOT (heading IS NULL AND state = '{kind.quiet}')"
        conditions = [layout.open + quiet] + ([layout.kept] if query.all else [])
        partner = (query.partner,) if query.partner else ()
        found: list[Process[Any]] = []
        for condition in conditions:
            where = f"WHERE {condition}{whose} ORDER BY updated_at DESC LIMIT ?"
            found += kind.table.select(self.db, where, (*partner, query.processes_max))
        return found

    def _progress(self, kind: _Kind, process: Process[Any], now: datetime) -> Progress:
        last = outbox.last_fate(self.db, process.pid)
        is_over = kind.moves.is_final(process.state) and process.state is not None
        mover, awaited = _mover(kind, process)
        deadline = None if is_over else self._deadline(kind, process, last)
        since = process.updated_at or now
        is_still = now - since > timedelta(seconds=STUCK_SECONDS)
        is_stuck = mover is not Mover.NOBODY and is_still
        told = {"awaited": ", ".join(awaited) or "-", "deadline": _minute(deadline), **_told(last)}
        advice = _advice(process, mover, last, told)
        return Progress(
            *(kind.name, process, mover, awaited, deadline, last, is_over, is_stuck, advice)
        )

    def _deadline(self, kind: _Kind, process: Process[Any], last: Fate | None) -> datetime | None:
        if process.heading is not None:
            return last.deadline_at if last else None
        is_negotiation = kind.name == "negotiation"
        limits = self.limits
        patience = limits.negotiation_patience if is_negotiation else limits.transfer_patience
        since = process.updated_at
        return since and since + timedelta(seconds=patience(process.state))


_RESTING = (TransferState.STARTED, TransferState.SUSPENDED)


def _mover(kind: _Kind, process: Process[Any]) -> tuple[Mover, tuple[str, ...]]:
    """Return whose move the drawing says it is, and which messages it may send."""
    if process.heading is not None:
        return Mover.US, ()
    if process.state in _RESTING:
        return Mover.NOBODY, ()
    moves = [
        move
        for move in kind.moves.rows
        if move.state == process.state and move.message != kind.termination
    ]
    if not moves:
        return Mover.NOBODY, ()
    by = moves[0].by
    awaited = tuple(move.message for move in moves if move.by == by)
    return (Mover.US if by == process.role else Mover.PARTNER), awaited


def _advice(
    process: Process[Any], mover: Mover, last: Fate | None, told: Mapping[str, object]
) -> Finding:
    """Return what is the matter with a process, and what mends it."""
    known = {
        "pid": process.pid,
        "peer_pid": process.peer_pid or "?",
        "partner": process.partner,
        "state": process.phase,
        "reason": process.reason or "-",
        **told,
    }
    return Finding(f"transfer:{_matter(process, mover, last)}", known)


def _matter(process: Process[Any], mover: Mover, last: Fate | None) -> str:
    if process.heading is not None:
        return "progress_undelivered" if last and last.error else "progress_delivering"
    if mover is not Mover.NOBODY:
        return f"progress_{mover}"
    if process.state in (NegotiationState.TERMINATED, TransferState.TERMINATED):
        return f"progress_ended_{process.ended_by or 'before'}"
    return f"progress_{str(process.state).lower()}"


def _told(last: Fate | None) -> dict[str, object]:
    if last is None:
        return {}
    return {
        "message": last.message,
        "attempts": last.attempts,
        "trouble": last.error or "-",
        "next": _minute(last.next_at),
    }


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "-"
