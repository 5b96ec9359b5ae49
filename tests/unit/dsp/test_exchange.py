"""Two whole parties on loopback: from nothing to an access grant, through every trouble."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.agreement.model import Negotiation, Offer
from connector.agreement.process import Reply
from connector.agreement.reactions import PromptNegotiation
from connector.agreement.states import NegotiationMessage
from connector.errors import PartnerError, TransientError
from connector.offer.model import AcceptedTerms
from connector.partner.model import Partner
from connector.store import journal
from connector.transfer.access import check_access
from connector.transfer.selection import Selector
from connector.transfer.states import TransferMessage
from tests.doubles.party import (
    OEM,
    SERIAL_PART,
    STRANGER,
    SUPPLIER,
    Habits,
    Party,
    Town,
    now,
    two_parties,
)


async def _until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.002)


def _count(party: Party, table: str) -> int:
    row = party.db.row(f"SELECT count(*) FROM {table}")
    return row[0] if row else 0


def _states(party: Party, table: str) -> list[str]:
    return [row[0] for row in party.db.rows(f"SELECT state FROM {table} ORDER BY created_at")]


def _everything_arrived(party: Party) -> bool:
    return not party.db.row("SELECT 1 FROM outbox WHERE state = 'owed'")


async def test_from_nothing_to_a_grant_that_opens_the_suppliers_door(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        grant = await oem.acquisition.registry(SUPPLIER)

        access = check_access(supplier.db, grant.token, now())
        assert (OEM.bpnl, grant.dataset_id) == (access.partner_bpnl, access.dataset_id)
        assert f"{supplier.public_url}/api/v3" == grant.endpoint
        await _until(lambda: _everything_arrived(supplier) and _everything_arrived(oem))
        for party in (supplier, oem):
            assert ["FINALIZED"] == _states(party, "negotiation")
            assert ["STARTED"] == _states(party, "transfer")


async def test_access_is_asked_for_in_the_transaction_that_settles_the_agreement(
    tmp_path: Path,
) -> None:
    async with two_parties(tmp_path) as (_, oem):
        await oem.acquisition.registry(SUPPLIER)

        [moments] = oem.db.rows(
            "SELECT n.state, n.updated_at = t.created_at FROM negotiation n, transfer t"
        )
        assert ("FINALIZED", 1) == moments


async def test_nothing_follows_an_agreement_for_which_nobody_waits(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        dataset = supplier.shelf.registry()
        offer = Offer(dataset.offer_id, dataset.id, dataset.policy)
        oem.negotiation.request_agreement(SUPPLIER, f"{supplier.public_url}/dsp/2025-1", offer)
        await _until(lambda: ["FINALIZED"] == _states(oem, "negotiation"))

        assert 0 == _count(oem, "transfer")


async def test_a_grant_is_had_once_and_used_by_all_who_ask(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (_, oem):
        asked = (oem.acquisition.registry(SUPPLIER) for _ in range(5))
        grants = {grant.token for grant in await asyncio.gather(*asked)}
        again = await oem.acquisition.registry(SUPPLIER)

        assert {again.token} == grants
        assert (1, 1) == (_count(oem, "negotiation"), _count(oem, "transfer"))


async def test_a_submodels_dataset_is_had_by_its_id(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        dataset = supplier.shelf.submodels(SERIAL_PART, "traceability")
        grant = await oem.acquisition.dataset(SUPPLIER, dataset.id)
        by_meaning = await oem.acquisition.obtain_grant(
            SUPPLIER, Selector(semantic_id=SERIAL_PART)
        )

        assert (dataset.id, f"{supplier.public_url}/data") == (grant.dataset_id, grant.endpoint)
        assert grant.token == by_meaning.token


async def test_under_one_agreement_a_grant_is_had_again_when_it_expires(tmp_path: Path) -> None:
    time = [timedelta()]
    habits = Habits(clock=lambda: now() + time[0])
    async with two_parties(tmp_path, replace(habits), replace(habits)) as (supplier, oem):
        supplier.delivery._data_side = replace(supplier.delivery._data_side, renews=False)
        first = await oem.acquisition.registry(SUPPLIER)
        time[0] = timedelta(minutes=6)
        second = await oem.acquisition.registry(SUPPLIER)

        assert first.token != second.token
        assert (1, 2) == (_count(oem, "negotiation"), _count(oem, "transfer"))
        await _until(lambda: "COMPLETED" in _states(supplier, "transfer"))


async def test_a_grant_that_is_not_honoured_is_replaced(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (_, oem):
        first = await oem.acquisition.registry(SUPPLIER)
        oem.acquisition.forget(first)
        second = await oem.acquisition.registry(SUPPLIER)

        assert first.token != second.token


async def test_a_partner_whom_no_rule_names_gets_nothing(tmp_path: Path) -> None:
    town = Town()
    supplier = Party(tmp_path, SUPPLIER, town, Habits())
    stranger = Party(tmp_path, STRANGER, town, Habits())
    async with supplier.running(), stranger.running():
        with pytest.raises(PartnerError) as nothing:
            await stranger.acquisition.registry(SUPPLIER)
        with pytest.raises(PartnerError) as named:
            await stranger.acquisition.dataset(SUPPLIER, supplier.shelf.registry().id)

        codes = {nothing.value.code, named.value.code}
        assert {"transfer:dataset_not_found"} == codes
        assert 0 == _count(supplier, "negotiation")


async def test_terms_that_we_do_not_accept_are_not_asked_for(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (_, oem):
        oem.acquisition.accepted = AcceptedTerms(purposes=())

        with pytest.raises(PartnerError) as refused:
            await oem.acquisition.registry(SUPPLIER)
        assert "cx.core.digitalTwinRegistry:1" in str(refused.value)
        assert 0 == _count(oem, "negotiation")


class Stubborn(PromptNegotiation):
    """Never agrees, and says why."""

    def reply(self, *_: object) -> Reply | None:
        return Reply(NegotiationMessage.TERMINATION, ("not with you",))


async def test_a_refusal_is_told_with_the_partners_reason(tmp_path: Path) -> None:
    async with two_parties(tmp_path, Habits(negotiation=Stubborn())) as (supplier, oem):
        with pytest.raises(PartnerError, match="not with you"):
            await oem.acquisition.registry(SUPPLIER)

        await _until(lambda: _states(supplier, "negotiation") == ["TERMINATED"])


class Silent(PromptNegotiation):
    """Takes every message and never answers."""

    def reply(self, *_: object) -> Reply | None:
        return None


async def test_a_partner_that_never_answers_is_given_up_with_its_last_state(
    tmp_path: Path,
) -> None:
    async with two_parties(tmp_path, Habits(negotiation=Silent())) as (supplier, oem):
        oem.acquisition.deadline_seconds = 0.3

        with pytest.raises(TransientError, match="is: requested"):
            await oem.acquisition.registry(SUPPLIER)
        assert ["REQUESTED"] == _states(supplier, "negotiation")


async def test_what_is_never_answered_is_ended_before_it_is_asked_for_again(
    tmp_path: Path,
) -> None:
    time = [timedelta()]
    habits = Habits(clock=lambda: now() + time[0])
    silent = replace(habits, negotiation=Silent())
    async with two_parties(tmp_path, silent, habits) as (supplier, oem):
        oem.acquisition.deadline_seconds = 0.3
        for _ in range(2):
            with pytest.raises(TransientError):
                await oem.acquisition.registry(SUPPLIER)
            time[0] += timedelta(minutes=1)

        await _until(lambda: _states(supplier, "negotiation") == ["TERMINATED", "REQUESTED"])


async def test_when_the_partner_is_away_the_reason_is_named(tmp_path: Path) -> None:
    town = Town()
    oem = Party(tmp_path, OEM, town, Habits())
    supplier = Party(tmp_path, SUPPLIER, town, Habits())
    async with oem.running():
        async with supplier.running():
            dataset = supplier.shelf.registry()
            url = await oem.directory.base_url(SUPPLIER.did)
            [entry, *_] = await oem.catalog.datasets(SUPPLIER, url)
        oem.negotiation.request_agreement(SUPPLIER, url, entry.offers[0])
        oem.acquisition.deadline_seconds = 0.3

        with pytest.raises(TransientError, match=r"new, heading for requested .*not be reached"):
            await oem.acquisition.dataset(SUPPLIER, dataset.id)


async def test_an_agreement_that_the_provider_gave_up_is_negotiated_anew(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        first = await oem.acquisition.registry(SUPPLIER)
        oem.acquisition.forget(first)
        with supplier.db.transaction() as tx:
            tx.execute("UPDATE agreement SET retired_at = 1")
        second = await oem.acquisition.registry(SUPPLIER)

        assert first.agreement_id != second.agreement_id
        assert (2, 2) == (_count(oem, "negotiation"), _count(supplier, "negotiation"))


@dataclass
class Scripted(PromptNegotiation):
    """Answers by a script, and keeps silent where that ends."""

    script: dict[NegotiationMessage, NegotiationMessage]

    def reply(
        self, negotiation: Negotiation, received: NegotiationMessage, objections: tuple[str, ...]
    ) -> Reply | None:
        following = self.script.get(received)
        return Reply(following) if following else None


async def test_an_offer_back_is_accepted_agreed_verified_and_finalized(tmp_path: Path) -> None:
    script = {
        NegotiationMessage.REQUEST: NegotiationMessage.OFFER,
        NegotiationMessage.ACCEPTANCE: NegotiationMessage.AGREEMENT,
        NegotiationMessage.VERIFICATION: NegotiationMessage.FINALIZATION,
    }
    async with two_parties(tmp_path, Habits(negotiation=Scripted(script))) as (supplier, oem):
        await oem.acquisition.registry(SUPPLIER)
        [pid] = supplier.db.row("SELECT pid FROM negotiation") or ("",)

        lines = [line.event.partition(".")[2] for line in journal.about(supplier.db, pid)]
        assert "requested" == lines[0]
        assert {"accepted", "verified"} < set(lines)


async def test_an_offer_that_the_provider_begins_with_may_be_accepted(tmp_path: Path) -> None:
    eager = Scripted(
        {
            NegotiationMessage.OFFER: NegotiationMessage.ACCEPTANCE,
            NegotiationMessage.AGREEMENT: NegotiationMessage.VERIFICATION,
        }
    )
    async with two_parties(tmp_path, None, Habits(negotiation=eager)) as (supplier, oem):
        dataset = supplier.shelf.registry()
        offer = Offer(dataset.offer_id, dataset.id, dataset.policy)
        url = await supplier.directory.base_url(OEM.did)
        supplier.negotiation.offer_agreement(OEM, url, offer)

        await _until(lambda: _states(oem, "negotiation") == ["FINALIZED"])
        await _until(lambda: _states(supplier, "negotiation") == ["FINALIZED"])


async def test_either_side_pauses_resumes_and_ends_a_transfer(tmp_path: Path) -> None:
    async with two_parties(tmp_path) as (supplier, oem):
        grant = await oem.acquisition.registry(SUPPLIER)
        await _until(lambda: _states(supplier, "transfer") == ["STARTED"])
        [theirs] = supplier.db.row("SELECT pid FROM transfer") or ("",)
        steps = (
            (oem.delivery, grant.transfer_pid, TransferMessage.SUSPENSION, "SUSPENDED"),
            (supplier.delivery, theirs, TransferMessage.START, "STARTED"),
            (supplier.delivery, theirs, TransferMessage.SUSPENSION, "SUSPENDED"),
            (oem.delivery, grant.transfer_pid, TransferMessage.START, "STARTED"),
            (supplier.delivery, theirs, TransferMessage.TERMINATION, "TERMINATED"),
        )
        for door, pid, message, state in steps:
            door.act(pid, message)
            wanted = [[state], [state]]
            await _until(lambda: [_states(p, "transfer") for p in (supplier, oem)] == wanted)  # noqa: B023


@dataclass
class Killer:
    """Lets a party die at the n-th moment of its sender."""

    moments: int
    party: Party | None = None

    def __call__(self, _: str) -> None:
        self.moments -= 1
        if self.moments == 0 and self.party:
            self.party.kill()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("who", [SUPPLIER, OEM], ids=lambda one: one.name)
@pytest.mark.parametrize("moment", range(1, 8))
async def test_whoever_dies_at_any_moment_finishes_after_the_restart(
    tmp_path: Path, who: Partner, moment: int
) -> None:
    """The moments of a sender: a message leaves, is answered, and what arrived is recorded."""
    town, killer = Town(), Killer(moment)
    parties = {}
    for partner in (SUPPLIER, OEM):
        habits = Habits(probe=killer) if partner == who else Habits()
        parties[partner.name] = Party(tmp_path, partner, town, habits)
    killer.party = parties[who.name]
    async with parties["supplier"].running(), parties["oem"].running():
        parties["oem"].acquisition.deadline_seconds = 0.5
        with suppress(TransientError, sqlite3.ProgrammingError):
            await parties["oem"].acquisition.registry(SUPPLIER)
        await _until(lambda: killer.moments <= 0)

    supplier = Party(tmp_path, SUPPLIER, town, Habits())
    oem = Party(tmp_path, OEM, town, Habits())
    async with supplier.running(), oem.running():
        await oem.acquisition.registry(SUPPLIER)
        await _until(lambda: _everything_arrived(supplier) and _everything_arrived(oem))

        for party in (supplier, oem):
            assert ["FINALIZED"] == _states(party, "negotiation")
            assert ["STARTED"] == _states(party, "transfer")
