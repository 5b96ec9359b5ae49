"""How processes stand: whose move it is, until when, and what is said about it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from connector.agreement.limits import ExchangeLimits
from connector.agreement.model import Termination
from connector.agreement.states import NegotiationMessage
from connector.store import outbox
from connector.transfer.model import TransferRequest, TransferSuspension
from connector.transfer.overview import Mover, Overview, Progress, ProgressQuery
from tests.builders.doors import CALLBACK, Doors, letter
from tests.builders.exchange import NOW
from tests.doubles.party import OEM, STRANGER

ALL = ProgressQuery(all=True)


@pytest.fixture
def supplier(tmp_path: Path) -> Doors:
    return Doors(tmp_path)


def _one(doors: Doors, query: ProgressQuery = ALL) -> Progress:
    [found] = Overview(doors.db, ExchangeLimits()).listed(query, doors.now)
    return found


def _what(progress: Progress, language: str = "en") -> str:
    return progress.advice.text(language).what


def test_what_is_on_its_way_is_our_move(supplier: Doors) -> None:
    supplier.asked()

    progress = _one(supplier)

    assert ("negotiation", Mover.US, NOW + timedelta(days=1)) == (
        progress.kind,
        progress.mover,
        progress.deadline_at,
    )
    assert f"ContractAgreementMessage is on its way to {OEM.did}" == _what(progress)


def test_what_does_not_arrive_says_what_was_answered(supplier: Doors) -> None:
    supplier.asked()
    [owed] = supplier.owed()
    with supplier.db.transaction() as tx:
        outbox.postpone(tx, owed, supplier.now, "https://oem/x answered 500: broken")
    supplier.later(61)

    progress = _one(supplier, ProgressQuery(stuck=True))

    assert progress.is_stuck
    assert "has not reached did:web:oem.test after 1 attempts" in _what(progress)
    assert "https://oem/x answered 500: broken" == progress.advice.text().why
    assert "2026-11-23 12:00:00 UTC" in progress.advice.text("es").fix


def test_a_silent_partner_is_named_with_what_it_owes(supplier: Doors) -> None:
    process = supplier.asked()
    supplier.deliver()
    supplier.later(61)

    progress = _one(supplier, ProgressQuery(OEM.did, stuck=True))

    assert (process.pid, Mover.PARTNER, True) == (
        progress.process.pid,
        progress.mover,
        progress.is_stuck,
    )
    assert (NegotiationMessage.VERIFICATION,) == progress.awaited
    assert NOW + timedelta(hours=1) == progress.deadline_at
    assert "it is for did:web:oem.test to send" in _what(progress)
    assert "urn:c1" in progress.advice.text().fix


def test_what_moved_a_moment_ago_is_not_stuck(supplier: Doors) -> None:
    supplier.asked()
    supplier.deliver()
    supplier.later(59)

    assert [] == Overview(supplier.db, ExchangeLimits()).listed(
        ProgressQuery(stuck=True), supplier.now
    )
    assert not _one(supplier).is_stuck


def test_others_partners_processes_are_not_listed(supplier: Doors) -> None:
    supplier.asked()

    found = Overview(supplier.db, ExchangeLimits()).listed(
        ProgressQuery(STRANGER.did, all=True), supplier.now
    )

    assert [] == found


def test_what_runs_or_is_over_is_listed_only_on_request(supplier: Doors) -> None:
    _started(supplier)
    overview = Overview(supplier.db, ExchangeLimits())

    assert [] == overview.listed(ProgressQuery(), supplier.now)
    listed = overview.listed(ALL, supplier.now)
    assert {"both sides have agreed", "the data is open to the side that asked for it"} == {
        _what(one) for one in listed
    }
    assert {True, False} == {one.is_over for one in listed}
    assert 0 == overview.count_stuck(supplier.now + timedelta(days=1))


def test_a_pause_says_why_and_until_when(supplier: Doors) -> None:
    pid = _started(supplier)
    said = TransferSuspension(consumer_pid="urn:t1", provider_pid=pid, reasons=("stock-taking",))
    supplier.delivery.receive(letter(said), pid, said)

    progress = _one(supplier, ProgressQuery())

    assert (Mover.NOBODY, NOW + timedelta(days=7)) == (progress.mover, progress.deadline_at)
    assert "stock-taking" in _what(progress)


@pytest.mark.parametrize("language", ["en", "es"])
def test_an_end_says_who_and_why(supplier: Doors, language: str) -> None:
    process = supplier.asked()
    said = Termination(consumer_pid="urn:c1", provider_pid=process.pid, reasons=("too late",))
    supplier.negotiation.receive(letter(said), process.pid, said)

    progress = _one(supplier)

    assert (True, None) == (progress.is_over, progress.deadline_at)
    assert OEM.did in _what(progress, language)
    assert "too late" in _what(progress, language)


def test_one_process_is_found_by_either_sides_id(supplier: Doors) -> None:
    process = supplier.asked()
    overview = Overview(supplier.db, ExchangeLimits())

    ours, theirs = overview.of(process.pid, NOW), overview.of("urn:c1", NOW)

    assert ours is not None
    assert ours == theirs
    assert overview.of("urn:nobody", NOW) is None
    mail = overview.mail(ours)
    assert b"offer" in (mail.received or b"")
    assert b"agreement" in (mail.sent or b"")


def _started(supplier: Doors) -> str:
    agreement = supplier.finalized()
    request = TransferRequest(
        consumer_pid="urn:t1",
        agreement_id=agreement,
        format="HttpData-PULL",
        callback_address=CALLBACK,
    )
    pid = supplier.delivery.receive_request(letter(request), request).pid
    supplier.deliver()
    return pid
