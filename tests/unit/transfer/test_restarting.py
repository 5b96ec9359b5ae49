"""What a partner ends by a stumble of its own is begun anew, a few times, and never more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from connector.agreement.model import EndedBy, Negotiation, Offer
from connector.agreement.process import Reply
from connector.agreement.reactions import PromptNegotiation
from connector.agreement.states import NegotiationMessage, Role
from connector.errors import PartnerError
from connector.store import journal
from connector.transfer.model import TransferProcess
from connector.transfer.reactions import PromptTransfer
from connector.transfer.restarting import is_worth_beginning_anew
from connector.transfer.states import TransferMessage
from tests.doubles.party import SUPPLIER, Habits, Party, two_parties

RACE = 'Failed to send agreement to consumer: {"code":"409"}'
ENDED = Negotiation(
    pid="urn:n1",
    role=Role.CONSUMER,
    partner=SUPPLIER.did,
    bpnl=SUPPLIER.bpnl,
    url="https://s.example",
    dataset_id="d",
    offer=Offer("o", "d"),
    ended_by=EndedBy.PARTNER,
)


@pytest.mark.parametrize(
    ("reason", "is_worth"),
    [
        ("", True),
        (" ", True),
        (RACE, True),
        ("Timed out in state AGREEING", True),
        ("retry limit exceeded", True),
        ("http://x answered 500", True),
        ("the policy is not fulfilled", False),
        ("Failed to send request: policy not fulfilled", False),
        ("MembershipCredential expired", False),
        ("409: contract rejected", False),
        ("we do not want to", False),
        ("ended by the operator", False),
    ],
)
def test_only_what_is_no_decision_is_begun_anew(reason: str, is_worth: bool) -> None:
    assert is_worth == is_worth_beginning_anew(replace(ENDED, reason=reason))


@pytest.mark.parametrize("by", [EndedBy.US, EndedBy.NOBODY])
def test_what_we_ended_is_never_begun_anew(by: EndedBy) -> None:
    assert not is_worth_beginning_anew(replace(ENDED, ended_by=by, reason=RACE))


@dataclass
class Stumbling(PromptNegotiation):
    """Ends the first negotiations that it is asked for, in these words."""

    words: list[str] = field(default_factory=list)

    def reply(
        self, negotiation: Negotiation, received: NegotiationMessage, objections: tuple[str, ...]
    ) -> Reply | None:
        if received is NegotiationMessage.REQUEST and self.words:
            return Reply(NegotiationMessage.TERMINATION, (self.words.pop(),))
        return super().reply(negotiation, received, objections)


@dataclass
class StumblingTransfer(PromptTransfer):
    """Ends the first transfers that it is asked for, in these words."""

    words: list[str] = field(default_factory=list)

    def reply(
        self, transfer: TransferProcess, received: TransferMessage, objections: tuple[str, ...]
    ) -> Reply | None:
        if received is TransferMessage.REQUEST and self.words:
            return Reply(TransferMessage.TERMINATION, (self.words.pop(),))
        return super().reply(transfer, received, objections)


def _begun_anew(party: Party, noun: str) -> list[dict[str, object]]:
    rows = party.db.rows(
        "SELECT subject FROM journal WHERE event = ? ORDER BY id", (f"{noun}.begun_anew",)
    )
    return [
        dict(line.detail)
        for (pid,) in rows
        for line in journal.about(party.db, pid)
        if line.event == f"{noun}.begun_anew"
    ]


async def test_a_negotiation_that_the_partner_breaks_is_begun_anew(tmp_path: Path) -> None:
    async with two_parties(tmp_path, Habits(Stumbling([RACE, RACE]))) as (_, oem):
        grant = await oem.acquisition.registry(SUPPLIER)

        assert grant.token
        assert [{"why": RACE, "restarts": 1}, {"why": RACE, "restarts": 2}] == _begun_anew(
            oem, "negotiation"
        )
        states = oem.db.rows("SELECT state, ended_by FROM negotiation ORDER BY created_at")
        assert [("TERMINATED", "partner")] * 2 + [("FINALIZED", "")] == states


async def test_a_transfer_that_the_partner_breaks_is_begun_anew(tmp_path: Path) -> None:
    habits = Habits(transfer=StumblingTransfer([""]))
    async with two_parties(tmp_path, habits) as (_, oem):
        grant = await oem.acquisition.registry(SUPPLIER)

        assert grant.token
        assert 1 == len(_begun_anew(oem, "transfer"))
        assert [(1,)] == oem.db.rows("SELECT count(*) FROM agreement")


async def test_a_partner_that_goes_on_breaking_it_is_left_alone(tmp_path: Path) -> None:
    async with two_parties(tmp_path, Habits(Stumbling([RACE] * 9))) as (_, oem):
        with pytest.raises(PartnerError) as raised:
            await oem.acquisition.registry(SUPPLIER)

        assert [(3,)] == oem.db.rows("SELECT count(*) FROM negotiation")
        assert "begun 3 times" in raised.value.text().why


async def test_a_decision_is_taken_at_once(tmp_path: Path) -> None:
    words = ["we reject this offer"]
    async with two_parties(tmp_path, Habits(Stumbling(words))) as (_, oem):
        with pytest.raises(PartnerError, match="we reject this offer"):
            await oem.acquisition.registry(SUPPLIER)

        assert [] == _begun_anew(oem, "negotiation")


async def test_an_agreement_that_the_partner_lost_gives_way_to_the_one_before(
    tmp_path: Path,
) -> None:
    async with two_parties(tmp_path) as (_, oem):
        first = await oem.acquisition.registry(SUPPLIER)
        oem.acquisition.forget(first)
        with oem.db.transaction() as tx:
            tx.execute(
                "INSERT INTO agreement (role, partner, id, negotiation, dataset, assigner,"
                " assignee, policy, signed_at) SELECT role, partner, 'urn:lost', negotiation,"
                " dataset, assigner, assignee, policy, signed_at + 1 FROM agreement"
            )

        again = await oem.acquisition.registry(SUPPLIER)

        assert first.agreement_id == again.agreement_id
        assert [(1,)] == oem.db.rows("SELECT count(*) FROM negotiation")
