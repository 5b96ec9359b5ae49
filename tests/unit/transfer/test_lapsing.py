"""Nothing stands still for ever, and nothing that is over is kept for ever."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connector.agreement.limits import ExchangeLimits
from connector.agreement.model import ContractRequest, EndedBy, Termination, Verification
from connector.agreement.process import TooManyProcessesError
from connector.agreement.states import NegotiationMessage
from connector.agreement.table import ProcessTable
from connector.store import outbox
from connector.transfer.lapsing import Lapsing
from connector.transfer.model import TransferRequest, TransferSuspension
from connector.transfer.states import TransferMessage
from tests.builders.doors import CALLBACK, Doors, letter
from tests.builders.exchange import NOW
from tests.doubles.party import OEM, STRANGER, SUPPLIER

LIMITS = ExchangeLimits(
    negotiation_seconds=10,
    request_seconds=20,
    started_seconds=30,
    suspended_seconds=40,
    kept_seconds=50,
    partner_negotiations_max=2,
    partner_transfers_max=2,
)


@pytest.fixture
def supplier(tmp_path: Path) -> Doors:
    return Doors(tmp_path, limits=LIMITS)


def _lapsing(doors: Doors) -> Lapsing:
    return Lapsing(doors.negotiation, doors.delivery)


def _transfer(supplier: Doors, consumer_pid: str = "urn:t1") -> str:
    """Let the OEM have a transfer that has started; return its pid."""
    agreement = _known_agreement(supplier) or supplier.finalized()
    request = TransferRequest(
        consumer_pid=consumer_pid,
        agreement_id=agreement,
        format="HttpData-PULL",
        callback_address=CALLBACK,
    )
    process = supplier.delivery.receive_request(letter(request), request)
    supplier.deliver()
    return process.pid


def _known_agreement(supplier: Doors) -> str:
    row = supplier.db.row("SELECT id FROM agreement")
    return str(row[0]) if row else ""


class TestDeadlines:
    def test_a_consumer_that_never_confirms_is_sent_an_end_with_the_reason(
        self, supplier: Doors
    ) -> None:
        pid = supplier.asked().pid
        supplier.deliver()
        supplier.later(9)
        assert [] == _lapsing(supplier).end_overdue()

        supplier.later(1)
        assert [pid] == _lapsing(supplier).end_overdue()

        [(message, body)] = supplier.messages()
        assert NegotiationMessage.TERMINATION == message
        assert "stood still in the state agreed for 10 s" in body["reasons"][0]
        supplier.deliver()
        found = supplier.negotiation.table.find(supplier.db, pid)
        assert found is not None
        assert ("TERMINATED", EndedBy.US) == (found.state, found.ended_by)

    def test_what_is_on_its_way_ends_by_the_deadline_of_its_message(self, supplier: Doors) -> None:
        supplier.asked()
        supplier.later(1000)

        assert [] == _lapsing(supplier).end_overdue()

    def test_a_suspended_transfer_is_ended_in_the_end(self, supplier: Doors) -> None:
        pid = _transfer(supplier)
        said = TransferSuspension(consumer_pid="urn:t1", provider_pid=pid, reasons=("stop",))
        supplier.delivery.receive(letter(said), pid, said)
        supplier.later(39)
        assert [] == _lapsing(supplier).end_overdue()

        supplier.later(1)

        assert [pid] == _lapsing(supplier).end_overdue()
        assert [TransferMessage.TERMINATION] == [message for message, _ in supplier.messages()]

    def test_a_transfer_is_not_open_for_ever(self, supplier: Doors) -> None:
        pid = _transfer(supplier)
        supplier.later(30)

        assert [pid] == _lapsing(supplier).end_overdue()

    def test_a_provider_that_never_starts_is_given_up(self, tmp_path: Path) -> None:
        oem = Doors(tmp_path, OEM, limits=LIMITS)
        supplier = Doors(tmp_path, limits=LIMITS)
        supplier.finalized()
        row = supplier.db.row("SELECT negotiation FROM agreement")
        assert row is not None
        found = supplier.negotiation.table.find(supplier.db, row[0])
        assert found is not None
        agreement = supplier.negotiation._signed(found, NOW)
        pid = oem.delivery.request_access(SUPPLIER, CALLBACK, agreement).pid
        oem.deliver("urn:their-pid")
        oem.later(20)

        assert [pid] == _lapsing(oem).end_overdue()

    def test_who_has_moved_in_between_is_left_alone(self, supplier: Doors) -> None:
        process = supplier.asked()
        supplier.deliver()
        seen = supplier.negotiation.table.find(supplier.db, process.pid)
        assert seen is not None
        said = Verification(consumer_pid="urn:c1", provider_pid=process.pid)
        supplier.negotiation.receive(letter(said), process.pid, said)

        assert not supplier.negotiation.lapse(seen)

    def test_the_next_deadline_is_known_beforehand(self, supplier: Doors) -> None:
        lapsing = _lapsing(supplier)
        assert lapsing.next_at() is None
        supplier.asked()
        assert lapsing.next_at() is None
        supplier.deliver()

        assert NOW + timedelta(seconds=10) == lapsing.next_at()
        assert 10 == lapsing.shortest_seconds()

    def test_the_end_is_said_to_be_the_partners_where_it_is(self, supplier: Doors) -> None:
        process = supplier.asked()
        supplier.deliver()
        said = Termination(consumer_pid="urn:c1", provider_pid=process.pid, reasons=("no",))

        after = supplier.negotiation.receive(letter(said), process.pid, said)

        assert ("TERMINATED", EndedBy.PARTNER) == (after.state, after.ended_by)


class TestRoom:
    def test_a_partner_has_so_many_negotiations_open_and_no_more(self, supplier: Doors) -> None:
        for number in range(2):
            supplier.asked(f"urn:c{number}")
        with pytest.raises(TooManyProcessesError):
            supplier.asked("urn:c2")

        assert supplier.asked("urn:c1").pid  # the same request again finds its negotiation
        elsewhere = ContractRequest(
            consumer_pid="urn:c2", offer=supplier.offer, callback_address=CALLBACK
        )
        supplier.negotiation.receive_request(letter(elsewhere, STRANGER), elsewhere)

    def test_what_is_over_makes_room(self, supplier: Doors) -> None:
        for number in range(5):
            process = supplier.asked(f"urn:c{number}")
            said = Termination(consumer_pid=f"urn:c{number}", provider_pid=process.pid)
            supplier.negotiation.receive(letter(said), process.pid, said)

    def test_a_partner_has_so_many_transfers_open_and_no_more(self, supplier: Doors) -> None:
        for number in range(2):
            _transfer(supplier, f"urn:t{number}")
        with pytest.raises(TooManyProcessesError):
            _transfer(supplier, "urn:t2")


class TestForgetting:
    def test_what_was_said_is_kept_for_a_while_after_the_end(self, supplier: Doors) -> None:
        pid = supplier.negotiation.table.select(supplier.db, "WHERE 1 = 0")
        assert [] == pid
        agreement = supplier.finalized()
        assert agreement
        lapsing = _lapsing(supplier)
        supplier.later(50)
        assert not lapsing.forget()
        assert (2, 1) == _kept(supplier)

        supplier.later(1)
        assert not lapsing.forget()

        assert (0, 0) == _kept(supplier)
        assert agreement == _known_agreement(supplier)

    def test_what_is_owed_and_what_goes_on_is_never_forgotten(self, supplier: Doors) -> None:
        supplier.asked()
        supplier.later(1000)
        while _lapsing(supplier).forget():
            pass

        assert (1, 1) == _kept(supplier)

    def test_much_is_forgotten_in_small_batches(self, supplier: Doors) -> None:
        with supplier.db.transaction() as tx:
            for _ in range(450):
                message = outbox.Outgoing("p", "M", OEM.did, "u", b"")
                message_id = outbox.owe(tx, message, NOW).id
                [owed] = [one for one in outbox.due(tx, NOW, 1) if one.id == message_id]
                outbox.settle(tx, owed, NOW)
        supplier.later(60)
        lapsing = _lapsing(supplier)

        assert [True, True, False] == [lapsing.forget() for _ in range(3)]
        assert (0, 0) == _kept(supplier)


def _kept(doors: Doors) -> tuple[int, int]:
    """How many messages are kept in the outbox, and with how many processes."""
    sent = doors.db.row("SELECT count(*) FROM outbox")
    said = doors.db.row("SELECT count(*) FROM negotiation WHERE sent IS NOT NULL")
    assert sent is not None
    assert said is not None
    return sent[0], said[0]


@pytest.mark.parametrize("door", ["negotiation", "delivery"])
def test_deadlines_are_found_by_an_index(supplier: Doors, door: str) -> None:
    table: ProcessTable[object] = getattr(supplier, door).table  # type: ignore[type-var]
    name, layout = table.name, table.layout
    for condition, index in (
        (f"{layout.waiting} AND state = 'X' AND updated_at < 1", f"{name}_waiting"),
        (f"{layout.kept} AND updated_at < 1 ORDER BY updated_at LIMIT 1", f"{name}_kept"),
        (
            f"{layout.open} AND partner = 'p' LIMIT 1",
            "negotiation_undecided" if name == "negotiation" else "transfer_open",
        ),
    ):
        plan = supplier.db.rows(f"EXPLAIN QUERY PLAN SELECT pid FROM {name} WHERE {condition}")
        assert f"USING INDEX {index}" in plan[0][3] or f"COVERING INDEX {index}" in plan[0][3], (
            condition,
            plan,
        )
