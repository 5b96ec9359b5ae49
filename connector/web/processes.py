"""What an operator is told of negotiations and transfers, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.errors import Finding


@dataclass(frozen=True, slots=True)
class ProcessQuery:
    """Which processes to list: of one partner by name, BPNL or DID (empty: all).

    ``stuck``: only those in which nothing has moved for a minute although somebody has to.
    ``all``: also those that run as they should or are over.
    """

    partner: str = ""
    stuck: bool = False
    all: bool = False
    processes_max: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLine:
    """How one process stands.

    ``kind`` is negotiation or transfer, ``role`` ours in it. ``state`` is what both sides
    know, ``heading`` where the message leads that we owe. ``mover`` is us, partner or nobody,
    ``awaited`` what the mover has to send. ``attempts`` and ``last_answer`` are about our last
    message. ``ended_by`` is us or partner where it was terminated.
    """

    pid: str
    peer_pid: str
    kind: str
    role: str
    partner: str
    bpnl: str
    did: str
    dataset: str
    state: str
    heading: str
    since: datetime | None
    deadline_at: datetime | None
    mover: str
    awaited: tuple[str, ...]
    stuck: bool
    advice: Finding
    message: str = ""
    attempts: int = 0
    last_answer: str = ""
    reason: str = ""
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class ProcessList:
    """Processes, the one that moved last first."""

    processes: tuple[ProcessLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessEvent:
    """One thing that happened to a process: when, the event's name, and what it was."""

    at: datetime
    event: str
    what: str


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """Everything about one process.

    ``received`` and ``sent`` are the last messages of both sides as on the wire, secrets
    blanked; empty once they are kept no more. ``peer_state`` is what the partner answered
    when it was asked for the state, ``peer_trouble`` why it gave none; both are empty where
    it was not asked.
    """

    line: ProcessLine
    url: str
    history: tuple[ProcessEvent, ...] = ()
    received: str = ""
    sent: str = ""
    peer_state: str = ""
    peer_trouble: str = ""

    @property
    def differs(self) -> bool:
        """Whether the two sides do not agree on the state."""
        return self.peer_state not in ("", self.line.state)
