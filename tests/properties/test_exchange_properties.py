"""Whatever is said in whatever order over a bad line, both sides end in the same state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connector.agreement.model import (
    Agreement,
    ContractOffer,
    ContractRequest,
    Letter,
    Process,
)
from connector.agreement.process import ProcessDoor, UnknownProcessError
from connector.agreement.states import NegotiationMessage, Role
from connector.agreement.table import agreement_with
from connector.errors import PartnerError
from connector.partner.model import Partner
from connector.protocols.dsp.messages import KINDS, ProcessContent
from connector.protocols.dsp.outbound import EARLY_ATTEMPTS_MAX, _typed
from connector.protocols.dsp.reading import (
    offer_from_wire,
    request_from_wire,
    transfer_request_from_wire,
)
from connector.protocols.dsp.writing import to_wire
from connector.store import outbox
from connector.store.outbox import Owed
from connector.store.receipt import Outcome, Receipt
from connector.transfer.model import TransferRequest
from connector.transfer.states import TransferMessage, TransferState
from tests.builders.doors import Doors
from tests.builders.messages import read_back
from tests.doubles.party import OEM, SUPPLIER, caller

SIDES = (SUPPLIER, OEM)


class Silent:
    """Never goes on of itself."""

    def reply(self, *_: object) -> None:
        """Wait."""


@dataclass
class Line:
    """A supplier and an OEM, and what is under way between them."""

    sides: dict[Partner, Doors]
    noun: str
    answered: dict[Partner, list[tuple[Owed, Receipt]]] = field(
        default_factory=lambda: {who: [] for who in SIDES}
    )

    def door(self, who: Partner) -> ProcessDoor[Any, Any]:
        """Return the door that a side speaks through."""
        doors = self.sides[who]
        return doors.negotiation if self.noun == "negotiation" else doors.delivery

    def act(self, who: Partner, message: StrEnum) -> None:
        """Let a side say something of its own accord, if it may."""
        for process in self.processes(who):
            try:
                self.door(who).act(process.pid, message, ("because",))
            except PartnerError:
                continue

    def send(self, who: Partner) -> None:
        """Bring the oldest message over; its answer is not yet recorded."""
        under_way = {owed.id for owed, _ in self.answered[who]}
        for owed in self.sides[who].owed()[:1]:
            if owed.id not in under_way:
                self.answered[who].append((owed, self._received(who, owed)))

    def lose(self, who: Partner) -> None:
        """Lose the oldest answer: the sender will try again."""
        self._settle(who, Receipt(Outcome.LATER, reason="lost"))

    def settle(self, who: Partner) -> None:
        """Record the oldest answer."""
        self._settle(who, None)

    def _settle(self, who: Partner, instead: Receipt | None) -> None:
        if not self.answered[who]:
            return
        owed, receipt = self.answered[who].pop(0)
        receipt, doors = instead or receipt, self.sides[who]
        with doors.db.transaction() as tx:
            if receipt.outcome is Outcome.ACCEPTED:
                outbox.settle(tx, owed, doors.now)
                doors.fates.settled(tx, owed, receipt, doors.now)
            elif receipt.outcome is Outcome.REFUSED:
                outbox.park(tx, owed, doors.now, receipt.reason)
                doors.fates.refused(tx, owed, receipt.reason, doors.now)
            else:
                outbox.postpone(tx, owed, doors.now, receipt.reason)

    def _received(self, who: Partner, owed: Owed) -> Receipt:
        decoder = msgspec.json.Decoder(KINDS[owed.outgoing.message], dec_hook=_typed)
        content = decoder.decode(owed.outgoing.body)
        raw = orjson.dumps(to_wire(content))
        try:
            process = self._taken(who, Letter(caller(who), raw), content)
        except UnknownProcessError as error:
            is_early = owed.attempts < EARLY_ATTEMPTS_MAX
            return Receipt(Outcome.LATER if is_early else Outcome.REFUSED, reason=str(error))
        except PartnerError as error:
            return Receipt(Outcome.REFUSED, reason=str(error))
        return Receipt(Outcome.ACCEPTED, process.pid)

    def _taken(self, who: Partner, letter: Letter, content: ProcessContent) -> Process[Any]:
        other = OEM if who is SUPPLIER else SUPPLIER
        door, doors = self.door(other), self.sides[other]
        if isinstance(content, TransferRequest):
            return doors.delivery.receive_request(letter, transfer_request_from_wire(letter.raw))
        is_first = "" in (content.consumer_pid, content.provider_pid)
        if is_first and isinstance(content, ContractRequest):
            return doors.negotiation.receive_request(letter, request_from_wire(letter.raw))
        if is_first and isinstance(content, ContractOffer):
            return doors.negotiation.receive_offer(letter, offer_from_wire(letter.raw))
        theirs = content.consumer_pid if other is OEM else content.provider_pid
        return door.receive(letter, theirs, read_back(letter.raw, content))

    def calm(self) -> None:
        """Bring everything over, until nobody owes anything."""
        for _ in range(60):
            for who in SIDES:
                self.send(who)
                self.settle(who)
                self.sides[who].later(61)
        assert [[], []] == [self.sides[who].messages() for who in SIDES]

    def processes(self, who: Partner) -> list[Process[Any]]:
        """Return what a side knows of, but for what was there before."""
        db, door = self.sides[who].db, self.door(who)
        pids = db.rows(f"SELECT pid FROM {self.noun} WHERE pid NOT IN (SELECT pid FROM before)")
        return [one for (pid,) in pids if (one := door.table.find(db, pid))]

    def agree(self, begins: Partner) -> None:
        """Assert that both sides know the same, as far as they can."""
        [ours] = self.processes(begins)
        theirs = self.processes(OEM if begins is SUPPLIER else SUPPLIER)
        # Who never learned the partner's id of the process could not tell it of the end.
        is_unanswered = ours.state == "TERMINATED" and not ours.peer_pid
        assert is_unanswered or [(ours.state, None)] == [(o.state, o.heading) for o in theirs]


def steps_with(messages: type[StrEnum]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Return strategies for what may happen, message by message."""
    line = st.tuples(st.sampled_from(["send", "settle", "lose"]), st.sampled_from(SIDES))
    acts = st.tuples(st.just("act"), st.sampled_from(SIDES), st.sampled_from(messages))
    return st.lists(st.one_of(line, acts), max_size=25)


def withdrawn(termination: StrEnum) -> list[tuple[Any, ...]]:
    """Return what is given up while the first message is under way."""
    return [("send", OEM), ("act", OEM, termination), ("settle", OEM)]


@pytest.fixture(scope="module", params=[True, False], ids=["prompt", "silent"])
def sides(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Partner, Doors]]:
    folder = tmp_path_factory.mktemp("exchange")
    sides = {who: Doors(folder, who) for who in SIDES}
    sides[SUPPLIER].finalized()
    for doors in sides.values():
        doors.db.execute("PRAGMA synchronous = OFF")  # nobody cuts the power here
        doors.db.execute("CREATE TABLE before AS SELECT pid FROM negotiation")
        if not request.param:
            doors.negotiation._reactions = Silent()
            doors.delivery._reactions = Silent()
    yield sides
    for doors in sides.values():
        doors.db.close()


@pytest.mark.parametrize("begins", SIDES, ids=lambda one: one.name)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps_with(NegotiationMessage))
@example(steps=withdrawn(NegotiationMessage.TERMINATION))
def test_both_sides_come_to_know_the_same_state_of_a_negotiation(
    steps: list[tuple[Any, ...]], begins: Partner, sides: dict[Partner, Doors]
) -> None:
    line = _line(sides, "negotiation")
    offer = sides[SUPPLIER].offer
    if begins is OEM:
        sides[OEM].negotiation.request_agreement(SUPPLIER, "https://puebla.example", offer)
    else:
        sides[SUPPLIER].negotiation.offer_agreement(OEM, "https://oem.example", offer)

    _play(line, steps)

    line.agree(begins)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps_with(TransferMessage))
@example(steps=withdrawn(TransferMessage.TERMINATION))
def test_both_sides_come_to_know_the_same_state_of_a_transfer(
    steps: list[tuple[Any, ...]], sides: dict[Partner, Doors]
) -> None:
    line, oem = _line(sides, "transfer"), sides[OEM]
    oem.delivery.request_access(SUPPLIER, "https://puebla.example", _agreement(sides[SUPPLIER]))

    _play(line, steps)

    line.agree(OEM)
    [process] = line.processes(OEM)
    grants = oem.db.rows("SELECT count(*) FROM access_grant")
    tokens = sides[SUPPLIER].db.rows("SELECT count(*) FROM access_token WHERE revoked_at IS NULL")
    is_open = process.state == TransferState.STARTED
    assert process.state == TransferState.SUSPENDED or grants == [(int(is_open),)]
    assert tokens == [(int(is_open),)]


def _agreement(supplier: Doors) -> Agreement:
    [(agreement_id,)] = supplier.db.rows("SELECT id FROM agreement")
    found = agreement_with(supplier.db, Role.PROVIDER, OEM.did, agreement_id)
    assert found is not None
    return found


def _line(sides: dict[Partner, Doors], noun: str) -> Line:
    """Return a line on which nothing has been said yet."""
    for doors in sides.values():
        for table in ("outbox", "access_token", "access_grant", "transfer"):
            doors.db.execute(f"DELETE FROM {table}")
        for table, column in (("agreement", "negotiation"), ("negotiation", "pid")):
            doors.db.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT pid FROM before)")
    return Line(sides, noun)


def _play(line: Line, steps: list[tuple[Any, ...]]) -> None:
    for name, *words in steps:
        getattr(line, name)(*words)
    line.calm()
