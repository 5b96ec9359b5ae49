"""Access that may go on no longer is ended towards the partner, with the reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connector.errors import PartnerError
from connector.offer.datasets import REGISTRY_POLICY
from connector.offer.model import Policy
from connector.offer.odrl import Constraint
from connector.transfer.access import check_access
from connector.transfer.model import TransferRequest
from connector.transfer.standing import Vigil
from connector.transfer.states import TransferMessage
from connector.transfer.table import standing_of
from connector.transfer.watch import AccessWatch
from tests.builders.doors import CALLBACK, Doors, letter
from tests.doubles.party import OEM
from tests.unit.transfer.test_verdicts import GONE, UNTOLD, PlayedStanding

TERMINATION = TransferMessage.TERMINATION


@pytest.fixture
def supplier(tmp_path: Path) -> Doors:
    return Doors(tmp_path)


@pytest.fixture
def standing() -> PlayedStanding:
    return PlayedStanding()


@pytest.fixture
def watch(supplier: Doors, standing: PlayedStanding) -> AccessWatch:
    def clock():
        return supplier.now

    return AccessWatch(supplier.delivery, supplier.shelf, Vigil(standing, clock), clock)


def _opened(supplier: Doors, pid: str = "urn:t1", agreement: str = "") -> str:
    request = TransferRequest(
        consumer_pid=pid,
        agreement_id=agreement or supplier.finalized(),
        format="HttpData-PULL",
        callback_address=CALLBACK,
    )
    begun = supplier.delivery.receive_request(letter(request), request)
    token = supplier.messages()[-1][1]["address"]["token"]
    supplier.deliver()
    assert begun.pid == check_access(supplier.db, token, supplier.now).transfer_pid
    return token


def _ended(supplier: Doors) -> list[str]:
    return [
        reason
        for kind, body in supplier.messages()
        for reason in body["reasons"]
        if kind == TERMINATION
    ]


async def test_nothing_happens_while_all_is_well(supplier: Doors, watch: AccessWatch) -> None:
    _opened(supplier)

    assert 0 == await watch.look()
    assert [] == _ended(supplier)


async def test_a_withdrawn_credential_ends_the_transfer_and_names_the_partner(
    supplier: Doors, watch: AccessWatch, standing: PlayedStanding
) -> None:
    token = _opened(supplier)
    standing.trouble = GONE
    with capture_logs() as lines:
        ended = await watch.look()

    assert (1, [GONE.text().what]) == (ended, _ended(supplier))
    with pytest.raises(PartnerError) as refused:
        check_access(supplier.db, token, supplier.now)
    assert "transfer:access_ended" == refused.value.code
    told = [(x["event"], x["partner"], x["did"], x["reasons"]) for x in lines]
    assert [("access.withdrawn", OEM.bpnl, OEM.did, [GONE.text().what])] == told
    assert 0 == await watch.look()


async def test_what_was_attested_is_forgotten_with_the_transfer(
    supplier: Doors, watch: AccessWatch, standing: PlayedStanding
) -> None:
    _opened(supplier)
    standing.trouble = GONE
    [pid] = supplier.db.row("SELECT pid FROM transfer") or ("",)
    assert standing_of(supplier.db, pid)
    await watch.look()

    assert standing_of(supplier.db, pid) is None


async def test_when_nobody_can_tell_the_transfer_stays(
    supplier: Doors, watch: AccessWatch, standing: PlayedStanding
) -> None:
    _opened(supplier)
    standing.trouble = UNTOLD
    with capture_logs() as lines:
        ended = await watch.look()

    assert (0, []) == (ended, _ended(supplier))
    assert [("standing.untold", OEM.bpnl)] == [(x["event"], x["partner"]) for x in lines]


async def test_credentials_that_expired_end_the_transfer(
    supplier: Doors, watch: AccessWatch
) -> None:
    _opened(supplier)
    supplier.db.execute("UPDATE standing SET credentials = '[]'")

    assert 1 == await watch.look()
    assert any("Membership" in reason for reason in _ended(supplier))


async def test_use_that_was_agreed_for_days_ends_with_them(tmp_path: Path) -> None:
    days = Constraint("DataUsageEndDurationDays", "eq", ("30",))
    registry = replace(REGISTRY_POLICY, permission=(days,))
    supplier = Doors(tmp_path, policies=(Policy("traceability"), registry))
    watch = AccessWatch(
        supplier.delivery, supplier.shelf, Vigil(None, lambda: supplier.now), lambda: supplier.now
    )
    agreement = supplier.finalized()
    supplier.later(29 * 86_400)
    _opened(supplier, agreement=agreement)
    assert 0 == await watch.look()
    supplier.db.execute("UPDATE access_token SET expires_at = expires_at + 100000000")
    supplier.later(86_400)

    assert 1 == await watch.look()
    assert any("DataUsageEndDurationDays eq 30" in reason for reason in _ended(supplier))
    with pytest.raises(PartnerError, match="DataUsageEndDurationDays eq 30"):
        _opened(supplier, "urn:t2", agreement)


async def test_a_partner_whom_no_rule_names_any_more_is_told(
    supplier: Doors, watch: AccessWatch
) -> None:
    _opened(supplier)
    supplier.shelf.rules = ()

    assert 1 == await watch.look()
    assert any("not offered" in reason for reason in _ended(supplier))


async def test_a_partner_with_many_transfers_is_asked_about_once(
    supplier: Doors, watch: AccessWatch, standing: PlayedStanding
) -> None:
    agreement = supplier.finalized()
    for number in range(5):
        _opened(supplier, f"urn:t{number}", agreement)
    supplier.db.execute(
        "UPDATE standing SET credentials = (SELECT max(credentials) FROM standing)"
    )
    await watch.look()

    assert [OEM.did] == [one.did for one in standing.asked]


async def test_expired_tokens_are_not_looked_after(
    supplier: Doors, watch: AccessWatch, standing: PlayedStanding
) -> None:
    _opened(supplier)
    supplier.later(301)
    await watch.look()

    assert [] == standing.asked


async def test_more_transfers_than_a_page_are_all_looked_at(
    supplier: Doors, watch: AccessWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.transfer.watch.PAGE_TRANSFERS", 2)
    agreement = supplier.finalized()
    for number in range(5):
        _opened(supplier, f"urn:t{number}", agreement)
    supplier.shelf.rules = ()

    assert 5 == await watch.look()


async def test_what_was_attested_and_cannot_be_read_ends_its_own_transfer_alone(
    supplier: Doors, watch: AccessWatch
) -> None:
    agreement = supplier.finalized()
    for number in range(2):
        _opened(supplier, f"urn:t{number}", agreement)
    [pid] = supplier.db.row("SELECT max(transfer) FROM standing") or ("",)
    supplier.db.execute("UPDATE standing SET credentials = '[{' WHERE transfer = ?", (pid,))

    assert 1 == await watch.look()
