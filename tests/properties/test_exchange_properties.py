"""Whatever is said in whatever order over a bad line, both sides end in the same state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connector.agreement.model import (
    ContractOffer,
    ContractRequest,
    Letter,
    NegotiationContent,
    Process,
)
from connector.agreement.process import UnknownProcessError
from connector.agreement.reactions import PromptNegotiation
from connector.agreement.states import NegotiationMessage, NegotiationState
from connector.errors import PartnerError
from connector.partner.model import Partner
from connector.protocols.dsp.messages import KINDS
from connector.protocols.dsp.outbound import UNKNOWN_ATTEMPTS_MAX, _typed
from connector.protocols.dsp.reading import (
    negotiation_from_wire,
    offer_from_wire,
    request_from_wire,
)
from connector.protocols.dsp.writing import to_wire
from connector.store import outbox
from connector.store.outbox import Owed
from connector.store.receipt import Outcome, Receipt
from tests.builders.doors import Doors
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
    answered: dict[Partner, list[tuple[Owed, Receipt]]] = field(
        default_factory=lambda: {who: [] for who in SIDES}
    )

    def act(self, who: Partner, message: NegotiationMessage) -> None:
        """Let a side say something of its own accord, if it may."""
        for process in self.processes(who):
            try:
                self.sides[who].negotiation.act(process.pid, message, ("because",))
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
            said = cast("NegotiationContent", content)
            process = self._taken(who, Letter(caller(who), raw), said)
        except UnknownProcessError as error:
            is_early = owed.attempts < UNKNOWN_ATTEMPTS_MAX
            return Receipt(Outcome.LATER if is_early else Outcome.REFUSED, reason=str(error))
        except PartnerError as error:
            return Receipt(Outcome.REFUSED, reason=str(error))
        return Receipt(Outcome.ACCEPTED, process.pid)

    def _taken(self, who: Partner, letter: Letter, content: NegotiationContent) -> Process[Any]:
        other = OEM if who is SUPPLIER else SUPPLIER
        door = self.sides[other].negotiation
        is_first = "" in (content.consumer_pid, content.provider_pid)
        if is_first and isinstance(content, ContractRequest):
            return door.receive_request(letter, request_from_wire(letter.raw))
        if is_first and isinstance(content, ContractOffer):
            return door.receive_offer(letter, offer_from_wire(letter.raw))
        theirs = content.consumer_pid if other is OEM else content.provider_pid
        message = NegotiationMessage(content.message)
        return door.receive(letter, theirs, negotiation_from_wire(letter.raw, message))

    def calm(self) -> None:
        """Bring everything over, until nobody owes anything."""
        for _ in range(60):
            for who in SIDES:
                self.send(who)
                self.settle(who)
                self.sides[who].later(61)
        assert [[], []] == [self.sides[who].messages() for who in SIDES]

    def processes(self, who: Partner) -> list[Process[Any]]:
        doors = self.sides[who]
        pids = doors.db.rows("SELECT pid FROM negotiation")
        return [one for (pid,) in pids if (one := doors.negotiation.table.find(doors.db, pid))]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["send", "settle", "lose"]), st.sampled_from(SIDES)),
        st.tuples(st.just("act"), st.sampled_from(SIDES), st.sampled_from(NegotiationMessage)),
    ),
    max_size=25,
)
WITHDRAWN = [("send", OEM), ("act", OEM, NegotiationMessage.TERMINATION), ("settle", OEM)]


@pytest.fixture(scope="module", params=[PromptNegotiation(), Silent()], ids=["prompt", "silent"])
def sides(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Partner, Doors]]:
    folder = tmp_path_factory.mktemp("exchange")
    sides = {who: Doors(folder, who, negotiation_reactions=request.param) for who in SIDES}
    for doors in sides.values():
        doors.db.execute("PRAGMA synchronous = OFF")  # nobody cuts the power here
    yield sides
    for doors in sides.values():
        doors.db.close()


@pytest.mark.parametrize("begins", SIDES, ids=lambda one: one.name)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
@example(steps=WITHDRAWN)
def test_both_sides_come_to_know_the_same_state(
    steps: list[tuple[Any, ...]], begins: Partner, sides: dict[Partner, Doors]
) -> None:
    line = _begin(sides, begins)
    for name, *words in steps:
        getattr(line, name)(*words)
    line.calm()

    [ours] = line.processes(begins)
    theirs = line.processes(OEM if begins is SUPPLIER else SUPPLIER)
    # Who never learned the partner's id of the process could not tell it of the end.
    is_unanswered = ours.state == NegotiationState.TERMINATED and not ours.peer_pid
    assert is_unanswered or [(ours.state, None)] == [(one.state, one.heading) for one in theirs]


def _begin(sides: dict[Partner, Doors], begins: Partner) -> Line:
    for doors in sides.values():
        for table in ("outbox", "agreement", "negotiation"):
            doors.db.execute(f"DELETE FROM {table}")
    door, offer = sides[begins].negotiation, sides[SUPPLIER].offer
    if begins is OEM:
        door.request_agreement(SUPPLIER, "https://puebla.example", offer)
    else:
        door.offer_agreement(OEM, "https://oem.example", offer)
    return Line(sides)
