"""The sending loop: brings what we owe to partners, at once and until it arrives.

It lives in the event loop. What a door has just committed is handed to it, and the message
is on its way in the same turn; the store and the timer are only for messages that had to wait
or are tried again. Of one process one message at a time is under way.

That messages arrived is recorded a moment later, for all of them together: a write to the
disk takes longer than an answer. Whoever is killed in between sends them once more, and
the receiver knows them.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from connector.errors import EslabonError, PartnerError, TransientError
from connector.store import outbox
from connector.store.database import Database
from connector.store.outbox import Owed
from connector.store.receipt import Outcome, Receipt

PARALLEL_MAX = 32
DUE_MAX = 256
# Longest sleep: a clock that was set back must not keep a message waiting for hours.
IDLE_SECONDS_MAX = 30.0
TROUBLE_SECONDS = 1.0
SETTLING_SECONDS = 0.05
REASON_CHARACTERS_MAX = 2000
# Who was asked too early once is let finish its own sentence from then on. EDC sends a message,
# and notes our 200 a moment later; a reply within that moment makes it lose track. The moment
# grows with every message that comes too early, and slowly shrinks again.
COURTESY_SECONDS = 0.03
COURTESY_SECONDS_MAX = 0.24
COURTESY_SHARE = 0.99
COURTESY_PARTNERS_MAX = 1000
_FIRST_SECONDS = {
    Outcome.SOON: outbox.SOON_SECONDS_FIRST,
    Outcome.LATER: outbox.RETRY_SECONDS_FIRST,
}


class Transport(Protocol):
    """Brings one message to its receiver."""

    async def send(self, owed: Owed) -> Receipt:
        """Send and return the answer.

        Raises `TransientError` when the receiver is not reached, and `PartnerError` when
        the message may not be sent there.
        """
        ...


class Effects(Protocol):
    """What the fate of a message means for its process; called inside a transaction."""

    def settled(self, tx: Database, owed: Owed, receipt: Receipt, now: datetime) -> None:
        """Take note that a message arrived."""
        ...

    def refused(self, tx: Database, owed: Owed, reason: str, now: datetime) -> None:
        """Take note that a message will not arrive, and why."""
        ...


def _ignored(_: str) -> None:
    """Take no notice: nobody probes."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the loop works with.

    What is owed is looked up in ``durable``: a connection of its own, where others gather
    on ``db``, that sees nothing which is not durable. ``committed`` is told the process of
    every message whose fate is durable. ``probe`` is told when a message is about to go out
    ("leaving"), has been answered ("sent"), and when its fate is durable ("recorded").
    """

    db: Database
    durable: Database
    transport: Transport
    effects: Effects
    clock: Callable[[], datetime]
    committed: Callable[[str], None] = _ignored
    probe: Callable[[str], None] = _ignored

    def looked_into(self) -> Database:
        """Return a connection that sees nothing but what is durable, the warm one if it may be."""
        return self.durable if self.db.is_gathering else self.db


class Sender:
    """The loop itself; everything but `wake` is called in its event loop."""

    def __init__(self, line: Line, parallel_max: int = PARALLEL_MAX) -> None:
        self._line = line
        self._parallel_max = parallel_max
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._per_partner: Counter[str] = Counter()
        self._arrived: dict[int, tuple[Owed, Receipt]] = {}
        self._sending: set[int] = set()
        self._is_held_back = False
        self._courtesies: dict[str, float] = {}
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._log = structlog.get_logger().bind()

    def wake(self) -> None:
        """Look for messages now; may be called from any thread, also before `run`."""
        if self._loop is None or threading.get_ident() == self._thread:
            self._news.set()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    def take(self, owed: Owed | None = None) -> None:
        """Begin to bring a message that is durably owed, or `wake` where there is none to take.

        Of its process nothing else may be owed that has not been brought yet.
        """
        if owed is None or self._loop is None or threading.get_ident() != self._thread:
            self.wake()
        elif owed.id not in self._sending and owed.id not in self._arrived:
            self._begin(owed)

    async def run(self) -> None:
        """Send until cancelled; then record what has arrived, and cut off what is under way.

        What is cut off is still owed, and goes out again at the next start.
        """
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        try:
            while True:
                self._news.clear()
                await self._rest(self._begin_due())
        finally:
            self._loop = None
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)
            self._settle()
            self._line.db.conclude()

    async def _rest(self, seconds: float) -> None:
        """Wait for news, but not longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def _begin_due(self) -> float:
        """Begin to send what is due; return the seconds until there may be more to do."""
        try:
            now = self._line.clock()
            self._is_held_back = len(self._under_way) >= self._parallel_max
            if not self._is_held_back:
                known = self._sending | self._arrived.keys()
                for owed in outbox.due(self._line.looked_into(), now, DUE_MAX, known):
                    self._begin(owed)
            return self._idle_seconds(now)
        except TransientError as error:
            self._log.warning("sending.delayed", reason=error.text().what)
            return TROUBLE_SECONDS

    def _begin(self, owed: Owed) -> None:
        process, partner = owed.outgoing.process, owed.outgoing.partner
        is_full = len(self._under_way) >= self._parallel_max
        # A partner that lets us wait for every answer must not use up all the lines.
        crowded = self._per_partner[partner] * 2 >= self._parallel_max
        if process in self._under_way or is_full or crowded:
            self._is_held_back = True
            return
        task = asyncio.create_task(self._bring(owed))
        self._under_way[process] = task
        self._sending.add(owed.id)
        self._per_partner[partner] += 1
        task.add_done_callback(partial(self._finish, owed))

    def _finish(self, owed: Owed, _: asyncio.Task[None]) -> None:
        del self._under_way[owed.outgoing.process]
        self._per_partner[owed.outgoing.partner] -= 1
        self._sending.discard(owed.id)
        if self._is_held_back or owed.id not in self._arrived:
            self._news.set()

    def _idle_seconds(self, now: datetime) -> float:
        # What is due and not begun waits for something under way, and that wakes us.
        following = outbox.next_due(self._line.looked_into(), now)
        if following is None:
            return IDLE_SECONDS_MAX
        return min(max((following - now).total_seconds(), 0.001), IDLE_SECONDS_MAX)

    async def _bring(self, owed: Owed) -> None:
        is_done = False
        with self._faults_kept(lambda: owed):
            if not owed.attempts and (seconds := self._courtesies.get(owed.outgoing.partner)):
                await asyncio.sleep(seconds)
            self._line.probe("leaving")
            receipt = await self._attempt(owed)
            self._line.probe("sent")
            if receipt.outcome is Outcome.ACCEPTED:
                self._note(owed, receipt)
            else:
                self._fail(owed, receipt)
            is_done = True
        if not is_done:
            await asyncio.sleep(TROUBLE_SECONDS)

    def _learn(self, partner: str) -> None:
        """Note that a message came too early for a partner."""
        known = self._courtesies.get(partner, 0.0)
        if known or len(self._courtesies) < COURTESY_PARTNERS_MAX:
            longer = max(known * 2, COURTESY_SECONDS)
            self._courtesies[partner] = min(longer, COURTESY_SECONDS_MAX)

    def _note(self, owed: Owed, receipt: Receipt) -> None:
        if known := self._courtesies.get(owed.outgoing.partner):
            shorter = max(known * COURTESY_SHARE, COURTESY_SECONDS)
            self._courtesies[owed.outgoing.partner] = shorter
        if not self._arrived:
            self._settle_later(SETTLING_SECONDS)
        self._arrived[owed.id] = (owed, receipt)

    def _settle(self) -> None:
        """Record all that has arrived, together, and with what else is just being written."""
        arrived = list(self._arrived.values())
        if not arrived:
            return
        recorded: list[Owed] = []
        is_written = False
        with self._faults_kept(lambda: arrived[min(len(recorded), len(arrived) - 1)][0]):
            with self._line.db.gathered() as tx:
                now = self._line.clock()
                for owed, receipt in arrived:
                    outbox.settle(tx, owed, now)
                    self._line.effects.settled(tx, owed, receipt, now)
                    recorded.append(owed)
            self._line.db.when_durable(partial(self._recorded, recorded))
            is_written = True
        if not is_written:
            self._settle_later(TROUBLE_SECONDS)

    def _recorded(self, recorded: Sequence[Owed], failure: Exception | None) -> None:
        if failure is not None:
            # The disk is full: what is not recorded stays owed, and arrives twice at worst.
            self._log.warning("sending.delayed", reason=str(failure))
            self._settle_later(TROUBLE_SECONDS)
            return
        for owed in recorded:
            self._arrived.pop(owed.id, None)
        self._line.probe("recorded")
        for owed in recorded:
            self._log.info("message.delivered", **_facts(owed))
            self._line.committed(owed.outgoing.process)
        if self._arrived:
            self._settle_later(SETTLING_SECONDS)
        self._news.set()

    def _settle_later(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._settle)

    @contextmanager
    def _faults_kept(self, culprit: Callable[[], Owed]) -> Iterator[None]:
        """Keep a fault to the message that it is about; the others go on."""
        try:
            yield
        except TransientError as error:
            # The disk is full: what is not recorded stays owed, and arrives twice at worst.
            self._log.warning("sending.delayed", reason=error.text().what)
        except Exception as error:  # noqa: BLE001 - a bug of ours costs one message, not all
            self._park(culprit(), error)

    async def _attempt(self, owed: Owed) -> Receipt:
        try:
            return await self._line.transport.send(owed)
        except TransientError as error:
            return Receipt(Outcome.LATER, reason=error.text().what)
        except PartnerError as error:
            return Receipt(Outcome.REFUSED, reason=_told(error))

    def _park(self, owed: Owed, error: Exception) -> None:
        structlog.get_logger().exception("message.broke", message=owed.outgoing.message)
        self._arrived.pop(owed.id, None)
        reason = f"{type(error).__name__}: {error}"[:REASON_CHARACTERS_MAX]
        with self._line.db.transaction() as tx:
            outbox.park(tx, owed, self._line.clock(), reason)
        # By itself: what broke here may break there again, and it is parked by then.
        asyncio.get_running_loop().call_soon(self._end, owed, reason)

    def _end(self, owed: Owed, reason: str) -> None:
        """End the process of a message that will not arrive: nobody may wait for it for ever."""
        with self._line.db.transaction() as tx:
            self._line.effects.refused(tx, owed, reason, self._line.clock())
        self._line.committed(owed.outgoing.process)

    def _fail(self, owed: Owed, receipt: Receipt) -> None:
        """Record that a message did not arrive: it is tried again, or given up."""
        if receipt.outcome is Outcome.SOON and not owed.attempts:
            self._learn(owed.outgoing.partner)
        reason = receipt.reason[:REASON_CHARACTERS_MAX]
        with self._line.db.transaction() as tx:
            now = self._line.clock()
            event = "message.refused"
            if receipt.outcome is Outcome.REFUSED:
                outbox.park(tx, owed, now, reason)
            else:
                first = _FIRST_SECONDS[receipt.outcome]
                is_tried_again = outbox.postpone(tx, owed, now, reason, first)
                event = "message.postponed" if is_tried_again else "message.expired"
            if event != "message.postponed":
                self._line.effects.refused(tx, owed, reason, now)
        is_news = receipt.outcome is not Outcome.SOON or event != "message.postponed"
        (self._log.warning if is_news else self._log.debug)(event, reason=reason, **_facts(owed))
        self._line.committed(owed.outgoing.process)


def _facts(owed: Owed) -> dict[str, object]:
    return {
        "message": owed.outgoing.message,
        "process": owed.outgoing.process,
        "partner": owed.outgoing.partner,
        "attempts": owed.attempts + 1,
    }


def _told(error: EslabonError) -> str:
    text = error.text()
    return f"{text.what}: {text.why}" if text.why else text.what
