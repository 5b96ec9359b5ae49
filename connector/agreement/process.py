"""How any process with a partner moves: one transaction for all that one message causes.

A message that we owe is a row of the outbox, and until it has arrived the process is only
heading for the state that it leads to. An answer of the partner that presumes our message
shows that it has arrived, even when the record of that is still to come.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar
from uuid import uuid4

import orjson

from connector.agreement.limits import ExchangeLimits
from connector.agreement.model import Content, EndedBy, Letter, Process, ProcessT
from connector.agreement.states import NegotiationMessage, Role
from connector.agreement.table import Mail, ProcessTable
from connector.errors import PartnerError, TransientError
from connector.identifiers import Did
from connector.store import journal, outbox
from connector.store.database import Database
from connector.store.outbox import Outgoing, Owed
from connector.store.receipt import Receipt
from connector.texts import word
from connector.transitions import IllegalMoveError, MoveTable

REASON_CHARACTERS_MAX = 2000

_PROPOSALS = frozenset({NegotiationMessage.REQUEST, NegotiationMessage.OFFER})
REASONS_MAX = 20

ContentT = TypeVar("ContentT", bound=Content)


class UnknownProcessError(PartnerError):
    """No such process, or not one of this caller: both are told the same."""


class TooManyProcessesError(TransientError):
    """A partner has as many processes open as it may have; some end, so it may come again."""


def _unheeded(_: Owed | None) -> None:
    """Take no notice: nobody sends."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a door of processes needs from outside.

    ``us`` is our identifier, ``callback_address`` where partners reach our side, and
    ``committed`` is told the pid of every process that has changed. ``owed`` is told of a
    message that may go out at once, as soon as it is durable that we owe it; None says that
    there is something to look for in the outbox.
    """

    db: Database
    us: Did
    callback_address: str
    clock: Callable[[], datetime]
    committed: Callable[[str], None]
    limits: ExchangeLimits = field(default_factory=ExchangeLimits)
    owed: Callable[[Owed | None], None] = _unheeded


@dataclass(frozen=True, slots=True)
class Reply:
    """What we do next of ourselves: the message to send, with reasons if it ends something.

    ``is_last_word``: sent also where only the specification's text has such an arrow.
    """

    message: StrEnum
    reasons: tuple[str, ...] = ()
    is_last_word: bool = False


class ProcessDoor(ABC, Generic[ProcessT, ContentT]):
    """The moves that negotiations and transfers share.

    Subclasses say what a message means (`_taken_in`), what we do next of ourselves
    (`_reply`), what our messages say (`_composed`), and what entering a state entails.
    """

    noun: ClassVar[str]
    moves: ClassVar[MoveTable[Any, Any, Role]]
    termination: ClassVar[StrEnum]
    terminated: ClassVar[StrEnum]

    def __init__(self, ports: Ports, table: ProcessTable[ProcessT]) -> None:
        self.ports = ports
        self.table = table

    def of(self, caller: Did, pid: str) -> ProcessT:
        """Return a process of this partner; raises `UnknownProcessError`."""
        return self._of(self.ports.db, caller, pid)

    def receive(self, letter: Letter, pid: str, content: ContentT) -> ProcessT:
        """Take in a message to a known process.

        The same message again changes nothing and is answered as before. Raises
        `UnknownProcessError`, and `IllegalMoveError` with what is allowed instead.
        """
        now = self.ports.clock()
        with self.ports.db.gathered() as tx:
            process = self._of(tx, letter.caller.did, pid)
            peer_pid = _peer_pid(process, content)
            try:
                state = self._state_after(process, content.message)
            except IllegalMoveError:
                if digest_of(content, letter.raw) == process.digest:
                    return process
                if renewed := self._renewed(tx, process, content):
                    return self._replaced(tx, renewed, content, letter, now)
                raise
            if process.heading is not None:
                outbox.drop(tx, pid, now, "overtaken by the partner")
                self._forgotten(tx, process)
            moved = replace(process, peer_pid=peer_pid, state=state, heading=None, owing=None)
            after = self._arrived(tx, moved, content, letter, now)
        self.ports.committed(pid)
        return after

    def act(self, pid: str, message: StrEnum, reasons: tuple[str, ...] = ()) -> ProcessT:
        """Send a message of our own accord, after whatever is still on its way.

        Raises `UnknownProcessError`, and `IllegalMoveError` where the specification's
        drawing has no such arrow.
        """
        now = self.ports.clock()
        with self.ports.db.transaction() as tx:
            process = self.table.find(tx, pid)
            if process is None:
                raise UnknownProcessError("agreement:process_unknown", pid=pid)
            if message == self.termination and not process.peer_pid:
                # The partner has not answered our first message: there is nobody to tell.
                outbox.drop(tx, pid, now, "withdrawn")
                after = self._ended(tx, process, "; ".join(reasons), now)
            else:
                after = self._started(tx, process, Reply(message, reasons), now)
        self.ports.committed(pid)
        return after

    @abstractmethod
    def patience_seconds(self, state: StrEnum | None) -> float:
        """Return how long a process may stay in a state while nothing is on its way."""

    def lapse(self, seen: ProcessT) -> bool:
        """End a process that has stood still for too long, and tell the partner.

        Returns False where it has moved since it was ``seen``.
        """
        now = self.ports.clock()
        seconds = round(self.patience_seconds(seen.state))
        reason = word("agreement:deadline_passed", state=seen.phase, seconds=seconds)
        with self.ports.db.transaction() as tx:
            process = self.table.find(tx, seen.pid)
            if process != seen or process.heading is not None:
                return False
            self._started(tx, process, Reply(self.termination, (reason,), is_last_word=True), now)
        self.ports.committed(seen.pid)
        return True

    def message_settled(self, tx: Database, owed: Owed, receipt: Receipt, now: datetime) -> None:
        """Record that a message of ours arrived, inside the sender's transaction."""
        process = self.table.find(tx, owed.outgoing.process)
        if process is None:
            return
        after = replace(process, peer_pid=process.peer_pid or receipt.peer_pid)
        if process.owing == owed.id:
            after = replace(after, state=process.heading, heading=None, owing=None)
            self._journal(tx, after, {"delivered": owed.outgoing.message}, now)
        elif process.state == self.terminated and after.peer_pid != process.peer_pid:
            self._take_leave(tx, after, now)
        if after != process:
            self.table.put(tx, after, now)
        self._forgotten(tx, process)

    def message_refused(self, tx: Database, owed: Owed, reason: str, now: datetime) -> None:
        """Record that a message of ours was refused or ran out of time: the process ends.

        The partner is sent a termination where it knows the process and may be sent one.
        """
        process = self.table.find(tx, owed.outgoing.process)
        if process is None or process.owing != owed.id:
            return
        self._forgotten(tx, process)
        is_end = owed.outgoing.message == self.termination
        if is_end and process.reason:
            reason = f"{process.reason}; {reason}"
        reason = reason[:REASON_CHARACTERS_MAX]
        stuck = replace(process, heading=None, owing=None, reason=reason)
        self._journal(tx, stuck, {"refused": owed.outgoing.message, "why": reason}, now)
        try:
            if is_end or not stuck.peer_pid:
                self._ended(tx, stuck, reason, now)
            else:
                self._started(tx, stuck, Reply(self.termination, (reason,)), now)
        except IllegalMoveError:
            self._ended(tx, stuck, reason, now)

    @abstractmethod
    def _taken_in(
        self, tx: Database, process: ProcessT, content: ContentT, letter: Letter
    ) -> tuple[ProcessT, tuple[str, ...]]:
        """Return the process with what a message says, and our objections to that."""

    @abstractmethod
    def _reply(
        self, process: ProcessT, content: ContentT, objections: tuple[str, ...]
    ) -> Reply | None:
        """Return what we send next of ourselves, or None to wait."""

    @abstractmethod
    def _composed(
        self, tx: Database, process: ProcessT, reply: Reply, now: datetime
    ) -> tuple[ProcessT, ContentT]:
        """Return what a message of ours says, and the process with what it promises."""

    def _renewed(self, tx: Database, process: ProcessT, content: ContentT) -> ProcessT | None:
        """Return the process with a message that replaces the last one, None where it may not."""
        del tx, process, content
        return None

    def _entered(self, tx: Database, process: ProcessT, state: object, now: datetime) -> None:
        """Do what entering a state entails beyond the process itself."""

    def _forgotten(self, tx: Database, process: ProcessT) -> None:
        """Wipe secrets from messages that are owed no more."""

    def _keepable(self, content: ContentT, raw: bytes) -> bytes:
        """Return the form in which a message may be kept: without secrets."""
        del content
        return raw

    def _check_room(self, tx: Database, partner: Did, most: int) -> None:
        """Raise `TooManyProcessesError` where a partner has as many open as it may have."""
        if self.table.count_open(tx, partner, most) >= most:
            raise TooManyProcessesError("agreement:too_many", partner=partner, most=most)

    def _begun(
        self, tx: Database, process: ProcessT, content: ContentT, letter: Letter, now: datetime
    ) -> ProcessT:
        """Take in the first message of a process that the partner began."""
        state = self.moves.after(None, content.message, process.role.other)
        return self._arrived(tx, replace(process, state=state), content, letter, now)

    def _started(self, tx: Database, process: ProcessT, reply: Reply, now: datetime) -> ProcessT:
        """Owe a message of our own accord."""
        process, mail = self._owed(tx, process, reply, now)
        self.table.put(tx, process, now, mail)
        self._journal(tx, process, {"owes": reply.message, "partner": process.partner}, now)
        return process

    def _arrived(
        self, tx: Database, process: ProcessT, content: ContentT, letter: Letter, now: datetime
    ) -> ProcessT:
        if outbox.hasten(tx, process.partner, now):
            self._tell(tx, None)
        process = replace(process, digest=digest_of(content, letter.raw))
        if process.state == self.terminated:
            process = replace(process, ended_by=process.ended_by or EndedBy.PARTNER)
        process, objections = self._taken_in(tx, process, content, letter)
        # They quote what came, and are kept and sent back.
        objections = tuple(one[:REASON_CHARACTERS_MAX] for one in objections[:REASONS_MAX])
        self._entered(tx, process, process.state, now)
        reply = self._reply(process, content, objections)
        detail: dict[str, object] = {"received": content.message, "partner": process.partner}
        mail = Mail()
        if reply is not None:
            process, mail = self._owed(tx, process, reply, now)
            detail |= {"owes": reply.message} | ({"why": reply.reasons} if reply.reasons else {})
        mail = replace(mail, received=self._keepable(content, letter.raw))
        self.table.put(tx, process, now, mail)
        self._journal(tx, process, detail, now)
        return process

    def _replaced(
        self, tx: Database, process: ProcessT, content: ContentT, letter: Letter, now: datetime
    ) -> ProcessT:
        process = replace(process, digest=digest_of(content, letter.raw))
        mail = Mail(received=self._keepable(content, letter.raw))
        self.table.put(tx, process, now, mail)
        self._journal(tx, process, {"received again": content.message}, now)
        return process

    def _owed(
        self, tx: Database, process: ProcessT, reply: Reply, now: datetime
    ) -> tuple[ProcessT, Mail]:
        since = process.heading or process.state
        lead = self.moves.after if reply.is_last_word else self.moves.after_sending
        heading = lead(since, reply.message, process.role)
        process, content = self._composed(tx, process, reply, now)
        owing, body = self._post(tx, process, content, now)
        self._entered(tx, process, heading, now)
        reason = "; ".join(reply.reasons)[:REASON_CHARACTERS_MAX] or process.reason
        if heading == self.terminated:
            process = replace(process, ended_by=process.ended_by or EndedBy.US)
        return (
            replace(process, heading=heading, owing=owing, reason=reason),
            Mail(sent=self._keepable(content, body)),
        )

    def _post(
        self, tx: Database, process: ProcessT, content: ContentT, now: datetime
    ) -> tuple[int, bytes]:
        """Owe a message; return its row in the outbox, and its body."""
        body = orjson.dumps(content)
        outgoing = Outgoing(
            process.pid,
            content.message,
            process.partner,
            process.url,
            body,
            self.ports.limits.delivery_seconds,
        )
        owed = outbox.owe(tx, outgoing, now)
        # Behind another message of the same process it has to wait for its turn.
        self._tell(tx, owed if process.heading is None else None)
        return owed.id, body

    def _tell(self, tx: Database, owed: Owed | None) -> None:
        """Tell who sends, once it is durable, what we owe or that there may be more."""

        def told(failure: Exception | None) -> None:
            if failure is None:
                self.ports.owed(owed)

        tx.when_durable(told)

    def _take_leave(self, tx: Database, process: ProcessT, now: datetime) -> None:
        """Tell the partner of an end that came while our first message was under way."""
        reply = Reply(self.termination, (process.reason,) if process.reason else ())
        _, content = self._composed(tx, process, reply, now)
        self._post(tx, process, content, now)
        self._journal(tx, process, {"owes": self.termination, "partner": process.partner}, now)

    def _ended(self, tx: Database, process: ProcessT, reason: str, now: datetime) -> ProcessT:
        """End a process without a word to the partner."""
        ended = replace(process, state=self.terminated, heading=None, owing=None, reason=reason)
        ended = replace(ended, ended_by=ended.ended_by or EndedBy.US)
        self._entered(tx, ended, ended.state, now)
        self.table.put(tx, ended, now)
        self._journal(tx, ended, {"why": reason}, now)
        return ended

    def _of(self, db: Database, caller: Did, pid: str) -> ProcessT:
        process = self.table.find(db, pid)
        if process is None or process.partner != caller:
            raise UnknownProcessError("agreement:process_unknown", pid=pid)
        return process

    def _state_after(self, process: ProcessT, message: StrEnum) -> StrEnum:
        by = process.role.other
        presumed = process.heading
        # What presumes our message shows that it arrived. What we have ended stays ended,
        # though they may not know it yet.
        is_ending = presumed == self.terminated and message != self.termination
        is_presumed = presumed and self.moves.accepts(presumed, message, by)
        judged_in = presumed if is_ending or is_presumed else process.state
        state: StrEnum = self.moves.after(judged_in, message, by)
        return state

    def _journal(
        self, tx: Database, process: ProcessT, detail: Mapping[str, object], now: datetime
    ) -> None:
        event = f"{self.noun}.{(process.state or 'opened').lower()}"
        journal.append(tx, event, now, subject=process.pid, detail=detail)


def new_pid() -> str:
    """Return a fresh process id."""
    return uuid4().urn


def digest_of(content: Content, raw: bytes) -> bytes:
    """Return by which a repeated message is known: what it says, if it proposes no terms.

    EDC sends a message that it has lost track of once more under a new id. An offer that is
    made twice is two offers, unless it is the same down to the byte.
    """
    said = raw if content.message in _PROPOSALS else orjson.dumps(content)
    return hashlib.blake2b(said, digest_size=16, key=content.message.encode()).digest()


def _peer_pid(process: Process[Any], content: Content) -> str:
    """Return the partner's id of the process; raises `PartnerError` if ids contradict."""
    ours, theirs = content.pid_of(process.role), content.pid_of(process.role.other)
    if ours not in ("", process.pid) or theirs not in ("", process.peer_pid or theirs):
        raise PartnerError("agreement:pids_contradict", pid=process.pid)
    return process.peer_pid or theirs
