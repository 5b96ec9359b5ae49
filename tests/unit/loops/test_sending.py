"""The sending loop: at once, again after trouble, one message of a process at a time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.errors import PartnerError, TransientError
from connector.loops.sending import Line, Sender
from connector.store import outbox
from connector.store.database import Database
from connector.store.journal import millis
from connector.store.outbox import Outgoing, Owed
from connector.store.receipt import Outcome, Receipt
from connector.store.signals import durable
from tests.builders.exchange import NOW

Answer = Receipt | Exception
DOWN = TransientError("protocols:unreachable", url="u", reason="down")
ACCEPTED = Receipt(Outcome.ACCEPTED, "urn:p1")
NO_ADDRESS = (
    "“x” is not an address that can be called:"
    " an address has a scheme and a host, and no user name: https://host/path"
)


@dataclass
class Post:
    """Takes messages, and answers what the test says: for each body its answers in turn."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    busy: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    busiest: int = 0
    seconds: float = 0.0

    async def send(self, owed: Owed) -> Receipt:
        body = owed.outgoing.body.decode()
        self.sent.append(body)
        self.busy[owed.outgoing.process] += 1
        assert 1 == self.busy[owed.outgoing.process]
        self.busiest = max(self.busiest, sum(self.busy.values()))
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.busy[owed.outgoing.process] -= 1
        answer = next(iter(self.answers.get(body, [])), ACCEPTED)
        self.answers[body] = self.answers.get(body, [])[1:]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Fates:
    """Notes what becomes of messages; some break the one who notes it."""

    settled_ones: list[str] = field(default_factory=list)
    refused_ones: list[tuple[str, str]] = field(default_factory=list)
    breaking: set[str] = field(default_factory=set)

    def settled(self, tx: Database, owed: Owed, receipt: Receipt, now: datetime) -> None:
        body = owed.outgoing.body.decode()
        if body in self.breaking:
            raise ZeroDivisionError
        self.settled_ones.append(body)

    def refused(self, tx: Database, owed: Owed, reason: str, now: datetime) -> None:
        self.refused_ones.append((owed.outgoing.body.decode(), reason))


@dataclass
class Office:
    """A sender with its store; it counts how often the clock is looked at."""

    db: Database
    post: Post = field(default_factory=Post)
    fates: Fates = field(default_factory=Fates)
    looks: int = 0
    committed: list[str] = field(default_factory=list)
    probed: list[str] = field(default_factory=list)

    def clock(self) -> datetime:
        self.looks += 1
        return datetime.now(UTC)

    def owe(self, body: str, process: str = "", partner: str = "did:web:p", **more: float) -> Owed:
        with self.db.transaction() as tx:
            outgoing = Outgoing(process or body, "M", partner, "u", body.encode(), **more)
            return outbox.owe(tx, outgoing, self.clock())

    def states(self) -> dict[str, str]:
        rows = self.db.rows("SELECT body, state FROM outbox ORDER BY id")
        return {body.decode(): state for body, state in rows}

    @asynccontextmanager
    async def open(self, parallel_max: int = 8) -> AsyncIterator[Sender]:
        line = Line(
            *(self.db, self.db, self.post, self.fates, self.clock),
            committed=self.committed.append,
            probe=self.probed.append,
        )
        sender = Sender(line, parallel_max)
        running = asyncio.create_task(sender.run())
        try:
            yield sender
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(Database.open(tmp_path / "store.db"))


async def _until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.002)


async def test_what_was_owed_before_the_start_goes_out(office: Office) -> None:
    office.owe("a")
    async with office.open():
        await _until(lambda: office.committed)

    assert {"a": "sent"} == office.states()
    assert (["a"], ["leaving", "sent", "recorded"]) == (office.fates.settled_ones, office.probed)


async def test_who_is_woken_sends_in_the_same_turn_of_the_loop(office: Office) -> None:
    async with office.open() as sender:
        await asyncio.sleep(0.01)
        office.owe("a")
        sender.wake()
        for _ in range(3):
            await asyncio.sleep(0)

        assert ["a"] == office.post.sent


async def test_what_is_handed_over_goes_out_with_no_look_into_the_store(office: Office) -> None:
    async with office.open() as sender:
        await asyncio.sleep(0.01)
        owed, looks = office.owe("a"), office.looks
        sender.take(owed)
        sender.take(owed)
        await asyncio.sleep(0)

        assert (["a"], looks) == (office.post.sent, office.looks)
        await _until(lambda: office.fates.settled_ones)

    assert (["a"], {"a": "sent"}) == (office.post.sent, office.states())


async def test_what_is_handed_over_while_its_process_is_busy_waits_for_its_turn(
    office: Office,
) -> None:
    office.post.seconds = 0.01
    async with office.open() as sender:
        await asyncio.sleep(0.01)
        sender.take(office.owe("a", process="one"))
        sender.take(office.owe("b", process="one"))
        await asyncio.sleep(0)
        assert ["a"] == office.post.sent
        await _until(lambda: len(office.fates.settled_ones) == 2)

    assert ["a", "b"] == office.post.sent


async def test_who_answers_goes_before_what_the_answer_made_us_owe(office: Office) -> None:
    answered: list[list[str]] = []
    office.db.gather(asyncio.get_running_loop().call_soon)

    async def answer(sender: Sender) -> None:
        with office.db.gathered() as tx:
            outgoing = Outgoing("one", "M", "did:web:p", "u", b"a")
            owed = outbox.owe(tx, outgoing, office.clock())
            tx.when_durable(lambda _: sender.take(owed))
        await durable(office.db)
        answered.append(list(office.post.sent))

    async with office.open() as sender:
        await asyncio.sleep(0.01)
        await answer(sender)
        await _until(lambda: office.post.sent)

    assert [[]] == answered


async def test_what_is_handed_over_by_another_thread_goes_out(office: Office) -> None:
    async with office.open() as sender:
        await asyncio.sleep(0.01)
        await asyncio.to_thread(sender.take, office.owe("a"))
        await _until(lambda: office.post.sent)


async def test_another_thread_can_wake(office: Office) -> None:
    async with office.open() as sender:
        await asyncio.sleep(0.01)
        office.owe("a")
        await asyncio.to_thread(sender.wake)
        await _until(lambda: office.post.sent)


async def test_messages_of_one_process_go_in_order_one_at_a_time(office: Office) -> None:
    office.post.seconds = 0.005
    for body in ("a", "b", "c"):
        office.owe(body, process="one")
    async with office.open():
        await _until(lambda: len(office.fates.settled_ones) == 3)

    assert ["a", "b", "c"] == office.post.sent


async def test_messages_of_many_processes_go_together_up_to_the_limit(office: Office) -> None:
    office.post.seconds = 0.01
    for number in range(12):
        office.owe(f"m{number}", partner=f"did:web:p{number}")
    async with office.open(parallel_max=4):
        await _until(lambda: len(office.fates.settled_ones) == 12)

    assert 4 == office.post.busiest


async def test_one_slow_partner_leaves_room_for_others(office: Office) -> None:
    office.post.seconds = 0.05
    for number in range(8):
        office.owe(f"slow{number}", partner="did:web:slow")
    office.owe("other", partner="did:web:other")
    async with office.open(parallel_max=4):
        await _until(lambda: "other" in office.post.sent)

        assert 3 == len(office.post.sent)


@pytest.mark.parametrize(
    "trouble", [DOWN, Receipt(Outcome.LATER, reason="503"), Receipt(Outcome.SOON, reason="409")]
)
async def test_what_fails_for_now_is_tried_again_until_it_arrives(
    office: Office, trouble: Answer
) -> None:
    office.post.answers["a"] = [trouble, trouble]
    office.owe("a")
    async with office.open():
        await _until(lambda: office.fates.settled_ones)

    assert ["a", "a", "a"] == office.post.sent
    assert {"a": "sent"} == office.states()


async def test_a_slow_receiver_does_not_delay_another_attempt_elsewhere(office: Office) -> None:
    office.post.answers["a"] = [DOWN]
    office.owe("a", partner="did:web:p1")
    async with office.open() as sender:
        await _until(lambda: office.committed)
        office.post.seconds = 60
        office.owe("slow", partner="did:web:p2")
        sender.wake()
        await _until(lambda: office.post.sent == ["a", "slow", "a"])


async def test_a_failed_message_does_not_make_the_next_one_overtake(office: Office) -> None:
    office.post.answers["a"] = [DOWN]
    office.owe("a", process="one")
    office.owe("b", process="one")
    async with office.open():
        await _until(lambda: len(office.fates.settled_ones) == 2)

    assert ["a", "a", "b"] == office.post.sent


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (Receipt(Outcome.REFUSED, reason="403: go away"), "403: go away"),
        (
            PartnerError("protocols:url_malformed", url="x"),
            NO_ADDRESS,
        ),
    ],
)
async def test_what_is_refused_is_parked_with_the_reason(
    office: Office, refusal: Answer, reason: str
) -> None:
    office.post.answers["a"] = [refusal]
    office.owe("a")
    async with office.open():
        await _until(lambda: office.committed)

    assert ({"a": "parked"}, [("a", reason)]) == (office.states(), office.fates.refused_ones)


async def test_at_its_deadline_a_message_is_parked(office: Office) -> None:
    office.post.answers["a"] = [DOWN] * 9
    office.owe("a", deadline_seconds=0.05)
    async with office.open():
        await _until(lambda: office.fates.refused_ones)

    assert {"a": "parked"} == office.states()


async def test_a_bug_on_one_message_costs_that_message_alone(office: Office) -> None:
    office.post.answers["a"] = [ZeroDivisionError("oops")]
    office.owe("a")
    office.owe("b")
    async with office.open():
        await _until(lambda: set(office.committed) == {"a", "b"})

    assert {"a": "parked", "b": "sent"} == office.states()


async def test_a_bug_behind_one_arrival_does_not_hold_up_the_others(office: Office) -> None:
    office.fates.breaking = {"b"}
    for body in ("a", "b", "c"):
        office.owe(body)
    async with office.open():
        await _until(lambda: "parked" in office.states().values())

    assert {"a": "sent", "b": "parked", "c": "sent"} == office.states()


async def test_a_process_whose_message_broke_is_not_waited_for(office: Office) -> None:
    office.post.answers["a"] = [ZeroDivisionError("oops")]
    office.owe("a")
    async with office.open():
        await _until(lambda: office.committed)

    assert [("a", "ZeroDivisionError: oops")] == office.fates.refused_ones


async def test_a_postponed_message_does_not_keep_the_loop_busy(office: Office) -> None:
    office.post.answers["a"] = [DOWN] * 3
    office.owe("a", process="one")
    office.owe("b", process="one")
    async with office.open():
        await asyncio.sleep(0.15)

    assert office.looks < 10


async def test_what_was_cut_off_is_sent_again_at_the_next_start(office: Office) -> None:
    office.post.seconds = 60
    office.owe("a")
    async with office.open():
        await _until(lambda: office.post.sent)
    assert {"a": "owed"} == office.states()

    office.post.seconds = 0
    async with office.open():
        await _until(lambda: office.fates.settled_ones)
    assert {"a": "sent"} == office.states()


async def test_who_was_asked_too_early_once_is_let_finish_from_then_on(office: Office) -> None:
    office.post.answers["a"] = [Receipt(Outcome.SOON, reason="409")]
    office.owe("a", partner="did:web:slow")
    async with office.open() as sender:
        await _until(lambda: office.fates.settled_ones)
        office.owe("b", partner="did:web:slow")
        office.owe("c", partner="did:web:quick")
        sender.wake()
        await _until(lambda: "c" in office.post.sent)

        assert "b" not in office.post.sent
        await _until(lambda: "b" in office.post.sent)


def test_the_waits_double_from_the_first_one_on(office: Office) -> None:
    office.owe("a")
    waits: list[int] = []
    for _ in range(10):
        [owed] = outbox.due(office.db, office.clock() + timedelta(days=1), 1)
        with office.db.transaction() as tx:
            outbox.postpone(tx, owed, NOW, "409", outbox.SOON_SECONDS_FIRST)
        row = office.db.row("SELECT next_at FROM outbox")
        assert row is not None
        waits.append(row[0] - millis(NOW))

    assert [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560] == waits
