"""Negotiations through the door, in both roles: what follows what, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.agreement.model import (
    Agreement,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    Finalization,
    Negotiation,
    Offer,
    Termination,
    Verification,
)
from connector.agreement.process import UnknownProcessError
from connector.agreement.states import NegotiationMessage, NegotiationState, Role
from connector.agreement.table import agreement_about, agreement_beside, agreement_with
from connector.errors import PartnerError
from connector.store import journal
from connector.transitions import IllegalMoveError
from tests.builders.doors import CALLBACK, Doors, letter
from tests.builders.exchange import NOW
from tests.doubles.party import OEM, STRANGER, SUPPLIER

AGREEMENT = NegotiationMessage.AGREEMENT
TERMINATION = NegotiationMessage.TERMINATION


@pytest.fixture
def supplier(tmp_path: Path) -> Doors:
    return Doors(tmp_path)


@pytest.fixture
def oem(tmp_path: Path) -> Doors:
    return Doors(tmp_path, OEM)


def _state(doors: Doors, pid: str) -> tuple[str | None, str | None]:
    process = doors.negotiation.table.find(doors.db, pid)
    assert process is not None
    return process.state, process.heading


def _said(process: Negotiation, kind: type, **more: object):
    return kind(consumer_pid=process.consumer_pid, provider_pid=process.provider_pid, **more)


class TestAsProvider:
    def test_a_request_for_our_offer_is_agreed_to_at_once(self, supplier: Doors) -> None:
        process = supplier.asked()

        assert ("REQUESTED", "AGREED") == _state(supplier, process.pid)
        [(message, body)] = supplier.messages()
        assert AGREEMENT == message
        assert {
            "id": process.agreement_id,
            "dataset_id": supplier.dataset.id,
            "assigner": SUPPLIER.did,
            "assignee": OEM.did,
            "policy": supplier.dataset.policy,
            "signed_at": "2026-11-22T12:00:00+00:00",
        } == body["agreement"]

    def test_doing_becomes_done_when_the_message_has_arrived(self, supplier: Doors) -> None:
        process = supplier.asked()
        supplier.deliver()

        assert ("AGREED", None) == _state(supplier, process.pid)

    def test_an_answer_shows_that_our_message_arrived(self, supplier: Doors) -> None:
        process = supplier.asked()
        owed = supplier.owed()
        said = _said(process, Verification)
        supplier.negotiation.receive(letter(said), process.pid, said)

        assert ("VERIFIED", "FINALIZED") == _state(supplier, process.pid)
        assert [NegotiationMessage.FINALIZATION] == [message for message, _ in supplier.messages()]

        with supplier.db.transaction() as tx:
            supplier.fates.refused(tx, owed[0], "too late to matter", NOW)
        assert ("VERIFIED", "FINALIZED") == _state(supplier, process.pid)

    def test_an_agreement_is_valid_once_it_is_finalized(self, supplier: Doors) -> None:
        agreement_id = supplier.finalized()

        found = agreement_with(supplier.db, Role.PROVIDER, OEM.did, agreement_id)
        assert supplier.dataset.id == (found and found.dataset_id)
        assert agreement_with(supplier.db, Role.PROVIDER, STRANGER.did, agreement_id) is None

    def test_an_agreement_that_is_not_finalized_is_none(self, supplier: Doors) -> None:
        process = supplier.asked()
        supplier.deliver()

        assert agreement_with(supplier.db, Role.PROVIDER, OEM.did, process.agreement_id) is None

    def test_an_offer_named_by_its_id_alone_is_ours_as_it_stands(self, supplier: Doors) -> None:
        process = supplier.asked(offer=replace(supplier.offer, policy={}))

        assert NegotiationState.AGREED is process.heading
        assert supplier.dataset.policy == process.offer.policy

    def test_a_changed_policy_is_answered_with_the_difference(self, supplier: Doors) -> None:
        changed = {"permission": [{"action": "use"}]}
        process = supplier.asked(offer=replace(supplier.offer, policy=changed))

        assert ("REQUESTED", "TERMINATED") == _state(supplier, process.pid)
        [(message, body)] = supplier.messages()
        [reason] = body["reasons"]
        assert TERMINATION == message
        assert "FrameworkAgreement eq DataExchangeGovernance:1.0" in reason

    def test_whom_no_rule_names_gets_the_answer_for_unknown_offers(self, supplier: Doors) -> None:
        request = ContractRequest(
            consumer_pid="urn:c1", offer=supplier.offer, callback_address=CALLBACK
        )
        named = supplier.negotiation.receive_request(letter(request, STRANGER), request)
        unknown = supplier.asked(offer=Offer(supplier.offer.id, "urn:none", {}))

        said = [body["reasons"][0] for _, body in supplier.messages()]
        assert said[0].replace(supplier.dataset.id, "urn:none") == said[1]
        assert NegotiationState.TERMINATED is named.heading is unknown.heading

    def test_the_same_request_again_finds_its_negotiation(self, supplier: Doors) -> None:
        first = supplier.asked()
        supplier.deliver()
        again = supplier.asked()

        assert (first.pid, NegotiationState.AGREED) == (again.pid, again.state)
        assert [] == supplier.messages()

    def test_one_pid_is_not_used_for_two_offers(self, supplier: Doors) -> None:
        supplier.asked()

        with pytest.raises(IllegalMoveError):
            supplier.asked(offer=replace(supplier.offer, id="urn:other"))

    def test_the_same_bytes_again_change_nothing(self, supplier: Doors) -> None:
        process = supplier.asked()
        supplier.deliver()
        said = _said(process, Verification)
        supplier.negotiation.receive(letter(said), process.pid, said)
        lines = len(journal.about(supplier.db, process.pid))
        again = supplier.negotiation.receive(letter(said), process.pid, said)

        assert NegotiationState.VERIFIED is again.state
        assert lines == len(journal.about(supplier.db, process.pid))
        assert 1 == len(supplier.messages())

    def test_a_verification_may_come_again_in_other_words(self, supplier: Doors) -> None:
        process = supplier.asked()
        supplier.deliver()
        said = _said(process, Verification)
        supplier.negotiation.receive(letter(said), process.pid, said)
        reworded = replace(letter(said), raw=b"the same under another id")
        again = supplier.negotiation.receive(reworded, process.pid, said)

        assert NegotiationState.VERIFIED is again.state
        assert 1 == len(supplier.messages())

    def test_a_message_out_of_order_is_refused_and_changes_nothing(self, supplier: Doors) -> None:
        process = supplier.asked()
        supplier.deliver()
        said = _said(process, ContractRequest, offer=supplier.offer)

        with pytest.raises(IllegalMoveError, match="may not send ContractRequestMessage"):
            supplier.negotiation.receive(letter(said), process.pid, said)
        assert ("AGREED", None) == _state(supplier, process.pid)

    def test_another_partners_process_is_unknown(self, supplier: Doors) -> None:
        process = supplier.asked()
        said = _said(process, Verification)

        with pytest.raises(UnknownProcessError) as foreign:
            supplier.negotiation.receive(letter(said, STRANGER), process.pid, said)
        with pytest.raises(UnknownProcessError) as unknown:
            supplier.negotiation.of(OEM.did, "urn:none")
        assert foreign.value.code == unknown.value.code
        assert ("REQUESTED", "AGREED") == _state(supplier, process.pid)

    @pytest.mark.parametrize(
        "pids",
        [
            {"consumer_pid": "urn:other", "provider_pid": ""},
            {"consumer_pid": "urn:c1", "provider_pid": "urn:other"},
        ],
    )
    def test_ids_that_contradict_the_process_are_refused(
        self, supplier: Doors, pids: dict[str, str]
    ) -> None:
        process = supplier.asked()
        supplier.deliver()
        said = Verification(**pids)

        with pytest.raises(PartnerError, match="contradict"):
            supplier.negotiation.receive(letter(said), process.pid, said)

    @pytest.mark.parametrize("missing", ["consumer_pid", "callback_address"])
    def test_a_first_message_needs_somewhere_to_answer_to(
        self, supplier: Doors, missing: str
    ) -> None:
        changed = {"consumer_pid": "urn:c1"} | {missing: ""}

        with pytest.raises(PartnerError, match="cannot begin a process"):
            supplier.asked(**changed)

    def test_what_the_partner_refuses_ends_with_a_termination(self, supplier: Doors) -> None:
        process = supplier.asked()
        supplier.deliver()
        said = _said(process, Verification)
        supplier.negotiation.receive(letter(said), process.pid, said)
        supplier.refuse("422: I do not like it")

        assert ("VERIFIED", "TERMINATED") == _state(supplier, process.pid)
        [(message, body)] = supplier.messages()
        assert (TERMINATION, ["422: I do not like it"]) == (message, body["reasons"])

    def test_what_we_object_to_is_not_sent_back_at_length(self, supplier: Doors) -> None:
        strange = {"leftOperand": "x" * 100_000, "operator": "eq", "rightOperand": "y"}
        permission = {"action": "use", "constraint": [strange]}
        supplier.asked(offer=replace(supplier.offer, policy={"permission": [permission]}))

        [(_, body)] = supplier.messages()
        assert [2000] == [len(reason) for reason in body["reasons"]]

    def test_a_refused_termination_is_still_the_end(self, supplier: Doors) -> None:
        process = supplier.asked(offer=replace(supplier.offer, id="urn:none"))
        supplier.refuse()

        assert ("TERMINATED", None) == _state(supplier, process.pid)

    def test_what_we_are_ending_stays_ended_whatever_crosses_it(self, supplier: Doors) -> None:
        process = supplier.asked()
        supplier.deliver()
        said = _said(process, Verification)
        supplier.negotiation.receive(letter(said), process.pid, said)
        supplier.deliver()
        other = supplier.asked("urn:c2", offer=replace(supplier.offer, id="urn:none"))
        counter = _said(other, ContractRequest, offer=supplier.offer)

        with pytest.raises(IllegalMoveError):
            supplier.negotiation.receive(letter(counter), other.pid, counter)
        ending = _said(other, Termination)
        after = supplier.negotiation.receive(letter(ending), other.pid, ending)
        assert (NegotiationState.TERMINATED, None) == (after.state, after.heading)
        assert [] == supplier.messages()

    def test_every_change_is_one_line_of_the_journal(self, supplier: Doors) -> None:
        supplier.finalized()
        pid = supplier.changed[0]

        assert [
            "negotiation.requested",
            "negotiation.agreed",
            "negotiation.verified",
            "negotiation.finalized",
        ] == [line.event for line in journal.about(supplier.db, pid)]


class TestAsConsumer:
    def test_what_is_asked_for_is_what_the_catalog_showed(self, oem: Doors) -> None:
        process = oem.negotiation.request_agreement(SUPPLIER, "https://s.example", oem.offer)

        assert (None, "REQUESTED") == _state(oem, process.pid)
        [(message, body)] = oem.messages()
        assert NegotiationMessage.REQUEST == message
        assert {
            "consumer_pid": process.pid,
            "provider_pid": "",
            "offer": {
                "id": oem.offer.id,
                "dataset_id": oem.dataset.id,
                "policy": oem.offer.policy,
            },
            "callback_address": "https://puebla.example/dsp/2025-1",
        } == body

    def test_the_answer_brings_the_providers_pid(self, oem: Doors) -> None:
        process = oem.negotiation.request_agreement(SUPPLIER, "https://s.example", oem.offer)
        oem.deliver("urn:p1")

        found = oem.negotiation.of(SUPPLIER.did, process.pid)
        assert (NegotiationState.REQUESTED, "urn:p1") == (found.state, found.provider_pid)

    def test_an_agreement_may_come_before_the_answer_to_the_request(self, oem: Doors) -> None:
        process = _agreed(oem, delivered=False)

        assert ("AGREED", "VERIFIED") == _state(oem, process.pid)
        assert "urn:p1" == oem.negotiation.of(SUPPLIER.did, process.pid).provider_pid

    def test_the_agreement_that_was_asked_for_is_verified_and_kept(self, oem: Doors) -> None:
        process = _agreed(oem)
        assert [NegotiationMessage.VERIFICATION] == [message for message, _ in oem.messages()]
        assert agreement_about(oem.db, Role.CONSUMER, SUPPLIER.did, oem.dataset.id) is None

        said = Finalization(consumer_pid=process.pid, provider_pid="urn:p1")
        oem.negotiation.receive(letter(said, SUPPLIER), process.pid, said)
        found = agreement_about(oem.db, Role.CONSUMER, SUPPLIER.did, oem.dataset.id)
        assert "urn:a1" == (found and found.id)

    def test_an_agreement_that_is_signed_anew_replaces_the_one_before(self, oem: Doors) -> None:
        process = _agreed(oem)
        _sign(oem, process, "urn:a2")
        assert [NegotiationMessage.VERIFICATION] == _kinds(oem)

        said = Finalization(consumer_pid=process.pid, provider_pid="urn:p1")
        after = oem.negotiation.receive(letter(said, SUPPLIER), process.pid, said)

        found = agreement_about(oem.db, Role.CONSUMER, SUPPLIER.did, oem.dataset.id)
        assert ("urn:a2", "urn:a2") == (found and found.id, after.agreement_id)
        other = agreement_beside(oem.db, SUPPLIER.did, "urn:a2")
        assert "urn:a1" == (other and other.id)

    def test_an_agreement_that_is_signed_anew_says_what_was_asked_for(self, oem: Doors) -> None:
        process = _agreed(oem)
        with pytest.raises(IllegalMoveError):
            _sign(oem, process, "urn:a2", policy={"permission": [{"action": "use"}]})

        assert ("AGREED", "VERIFIED") == _state(oem, process.pid)

    def test_an_agreement_is_not_signed_anew_once_we_have_confirmed_it(self, oem: Doors) -> None:
        process = _agreed(oem)
        oem.deliver()
        with pytest.raises(IllegalMoveError):
            _sign(oem, process, "urn:a2")

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"dataset_id": "urn:other"}, "urn:other is not the one that was asked for"),
            ({"assignee": STRANGER.did}, "names other parties"),
            ({"assigner": STRANGER.did}, "names other parties"),
            ({"policy": {"permission": [{"action": "use"}]}}, "not the one that was offered"),
        ],
    )
    def test_an_agreement_that_says_something_else_is_terminated(
        self, oem: Doors, changed: dict[str, Any], said: str
    ) -> None:
        process = _agreed(oem, **changed)

        assert ("AGREED", "TERMINATED") == _state(oem, process.pid)
        [(_, body)] = oem.messages()
        assert said in body["reasons"][0]

    def test_an_offer_that_nobody_asked_for_is_declined(self, oem: Doors) -> None:
        offer = ContractOffer(provider_pid="urn:p1", offer=oem.offer, callback_address=CALLBACK)
        process = oem.negotiation.receive_offer(letter(offer, SUPPLIER), offer)

        assert ("OFFERED", "TERMINATED") == _state(oem, process.pid)

    def test_the_same_terms_offered_back_are_accepted(self, oem: Doors) -> None:
        process = oem.negotiation.request_agreement(SUPPLIER, "https://s.example", oem.offer)
        oem.deliver("urn:p1")
        offer = ContractOffer(consumer_pid=process.pid, provider_pid="urn:p1", offer=oem.offer)
        oem.negotiation.receive(letter(offer, SUPPLIER), process.pid, offer)

        assert ("OFFERED", "ACCEPTED") == _state(oem, process.pid)

    def test_giving_up_before_any_answer_tells_nobody(self, oem: Doors) -> None:
        process = oem.negotiation.request_agreement(SUPPLIER, "https://s.example", oem.offer)
        oem.negotiation.act(process.pid, TERMINATION, ("changed our mind",))

        assert ("TERMINATED", None) == _state(oem, process.pid)
        assert [] == oem.messages()

    def test_a_partner_whose_answer_comes_after_we_gave_up_is_told(self, oem: Doors) -> None:
        process = oem.negotiation.request_agreement(SUPPLIER, "https://s.example", oem.offer)
        under_way = oem.owed()
        oem.negotiation.act(process.pid, TERMINATION, ("changed our mind",))
        oem.deliver("urn:p1", under_way)

        assert ("TERMINATED", None) == _state(oem, process.pid)
        [(message, body)] = oem.messages()
        assert TERMINATION == message
        assert ("urn:p1", ["changed our mind"]) == (body["provider_pid"], body["reasons"])

    def test_taking_leave_is_done_once_and_may_be_refused(self, oem: Doors) -> None:
        process = oem.negotiation.request_agreement(SUPPLIER, "https://s.example", oem.offer)
        under_way = oem.owed()
        oem.negotiation.act(process.pid, TERMINATION)
        oem.deliver("urn:p1", under_way)
        oem.refuse("400: it has ended already")

        assert ("TERMINATED", None) == _state(oem, process.pid)
        assert [] == oem.messages()

    def test_a_first_request_that_is_refused_is_the_end(self, oem: Doors) -> None:
        process = oem.negotiation.request_agreement(SUPPLIER, "https://s.example", oem.offer)
        oem.refuse("403: who are you")

        assert ("TERMINATED", None) == _state(oem, process.pid)
        assert "403: who are you" == oem.negotiation.of(SUPPLIER.did, process.pid).reason

    def test_the_partners_reason_is_remembered(self, oem: Doors) -> None:
        process = oem.negotiation.request_agreement(SUPPLIER, "https://s.example", oem.offer)
        said = Termination(consumer_pid=process.pid, provider_pid="urn:p1", reasons=("too late",))
        oem.negotiation.receive(letter(said, SUPPLIER), process.pid, said)

        found = oem.negotiation.of(SUPPLIER.did, process.pid)
        assert (NegotiationState.TERMINATED, "too late") == (found.state, found.reason)
        assert [] == oem.messages()


def _agreed(oem: Doors, *, delivered: bool = True, **changed: Any) -> Negotiation:
    process = oem.negotiation.request_agreement(SUPPLIER, "https://s.example", oem.offer)
    if delivered:
        oem.deliver("urn:p1")
    return _sign(oem, process, "urn:a1", **changed)


def _sign(oem: Doors, process: Negotiation, agreement_id: str, **changed: Any) -> Negotiation:
    parties = SUPPLIER.did, OEM.did
    agreement = Agreement(agreement_id, oem.dataset.id, *parties, oem.offer.policy, NOW)
    said = ContractAgreement(
        consumer_pid=process.pid,
        provider_pid="urn:p1",
        agreement=replace(agreement, **changed),
    )
    return oem.negotiation.receive(letter(said, SUPPLIER), process.pid, said)


def _kinds(doors: Doors) -> list[str]:
    return [message for message, _ in doors.messages()]
