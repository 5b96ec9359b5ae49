"""The door from offer to agreement, in both roles (DSP 2025-1, Contract Negotiation Protocol)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from connector.agreement import table
from connector.agreement.model import (
    Acceptance,
    Agreement,
    ContractAgreement,
    ContractOffer,
    ContractRequest,
    Finalization,
    Letter,
    Negotiation,
    NegotiationContent,
    Offer,
    Termination,
    Verification,
)
from connector.agreement.process import Ports, ProcessDoor, Reply, new_pid
from connector.agreement.reactions import NegotiationReactions
from connector.agreement.states import (
    NEGOTIATION,
    NegotiationMessage,
    NegotiationState,
    Role,
)
from connector.errors import PartnerError
from connector.offer.datasets import Shelf
from connector.offer.policy import difference
from connector.partner.model import Partner
from connector.store.database import Database
from connector.texts import word

_Objections = tuple[str, ...]

# What we do besides when an agreement of ours as consumer is final, in the same transaction.
Sequel = Callable[[Database, Negotiation, datetime], None]
_NOTHING_ASKED = Offer("", "")


class NegotiationDoor(ProcessDoor[Negotiation, NegotiationContent]):
    """Negotiates: asks partners for their offers, and answers those who ask for ours."""

    noun = "negotiation"
    moves = NEGOTIATION
    termination = NegotiationMessage.TERMINATION
    terminated = NegotiationState.TERMINATED

    def __init__(self, ports: Ports, shelf: Shelf, reactions: NegotiationReactions) -> None:
        super().__init__(ports, table.negotiations())
        self._shelf = shelf
        self._reactions = reactions
        self._sequel: Sequel | None = None

    def follow_with(self, sequel: Sequel) -> None:
        """Let something follow when a negotiation is finalized in which we are the consumer."""
        self._sequel = sequel

    def patience_seconds(self, state: StrEnum | None) -> float:
        """Return how long a negotiation may stay in a state while nothing is on its way."""
        return self.ports.limits.negotiation_patience(state)

    def request_agreement(self, partner: Partner, url: str, offer: Offer) -> Negotiation:
        """Ask a partner for its offer, exactly as its catalog shows it.

        ``url`` is where the partner's protocol endpoint begins. The message is owed when
        this returns, not sent.
        """
        return self._begin(partner, url, offer, Reply(NegotiationMessage.REQUEST))

    def offer_agreement(self, partner: Partner, url: str, offer: Offer) -> Negotiation:
        """Put an offer of ours to a partner that has not asked; else as `request_agreement`."""
        return self._begin(partner, url, offer, Reply(NegotiationMessage.OFFER))

    def _begin(self, partner: Partner, url: str, offer: Offer, first: Reply) -> Negotiation:
        is_request = first.message == NegotiationMessage.REQUEST
        begun = Negotiation(
            pid=new_pid(),
            role=Role.CONSUMER if is_request else Role.PROVIDER,
            partner=partner.did,
            bpnl=partner.bpnl,
            url=url,
            dataset_id=offer.dataset_id,
            offer=offer,
        )
        now = self.ports.clock()
        with self.ports.db.gathered() as tx:
            begun = self._started(tx, begun, first, now)
        self.ports.committed(begun.pid)
        return begun

    def receive_request(self, letter: Letter, request: ContractRequest) -> Negotiation:
        """Take in a consumer's first request; the same request again finds its negotiation.

        Raises `IllegalMoveError` when the consumer's pid was used for another offer.
        """
        return self._receive_first(letter, request, Role.PROVIDER)

    def receive_offer(self, letter: Letter, offer: ContractOffer) -> Negotiation:
        """Take in a provider's offer that we did not ask for."""
        return self._receive_first(letter, offer, Role.CONSUMER)

    def _receive_first(
        self, letter: Letter, content: ContractRequest | ContractOffer, role: Role
    ) -> Negotiation:
        caller, peer_pid = letter.caller, content.pid_of(role.other)
        if not peer_pid or not content.callback_address:
            raise PartnerError("agreement:first_message_incomplete", message=content.message)
        now = self.ports.clock()
        with self.ports.db.gathered() as tx:
            known = self.table.by_peer(tx, caller.did, role, peer_pid)
            if known is not None:
                return self._same(known, content)
            self._check_room(tx, caller.did, self.ports.limits.partner_negotiations_max)
            begun = Negotiation(
                pid=new_pid(),
                role=role,
                partner=caller.did,
                bpnl=caller.bpnl,
                url=content.callback_address,
                dataset_id=content.offer.dataset_id,
                peer_pid=peer_pid,
                offer=_NOTHING_ASKED,
            )
            after = self._begun(tx, begun, content, letter, now)
        self.ports.committed(after.pid)
        return after

    def _same(self, known: Negotiation, content: ContractRequest | ContractOffer) -> Negotiation:
        named = (content.offer.id, content.offer.dataset_id)
        if named != (known.offer.id, known.dataset_id):
            self.moves.after(known.state, content.message, known.role.other)
            raise PartnerError("agreement:pids_contradict", pid=known.peer_pid)
        return known

    def _taken_in(
        self, tx: Database, process: Negotiation, content: NegotiationContent, letter: Letter
    ) -> tuple[Negotiation, _Objections]:
        taken: tuple[Negotiation, _Objections] = process, ()
        match content:
            case ContractRequest(offer=offer):
                taken = self._asked(process, offer, letter)
            case ContractOffer(offer=offer):
                taken = self._offered(process, offer)
            case ContractAgreement(agreement=agreement):
                taken = self._settled(tx, process, agreement)
            case Termination(reasons=reasons, code=code):
                taken = replace(process, reason="; ".join(reasons) or code), ()
        return taken

    def _asked(
        self, process: Negotiation, offer: Offer, letter: Letter
    ) -> tuple[Negotiation, _Objections]:
        """Compare what a consumer asks for with what we offer this very consumer."""
        now = self.ports.clock()
        dataset = self._shelf.find(offer.dataset_id, letter.caller, now)
        asked = replace(process, offer=offer, dataset_id=offer.dataset_id)
        if dataset is None or dataset.offer_id != offer.id:
            reason = word("agreement:offer_unknown", offer=offer.id, dataset=offer.dataset_id)
            return asked, (reason,)
        changed = difference(dataset.policy, offer.policy) if offer.policy else []
        if changed:
            return asked, (word("agreement:policy_changed", difference="; ".join(changed)),)
        # What we sign is what we offered, to the letter, however the consumer has written it.
        asked = replace(asked, offer=replace(offer, policy=dataset.policy))
        return asked, self._shelf.allows(dataset, letter.caller, now).reasons

    def _offered(self, process: Negotiation, offer: Offer) -> tuple[Negotiation, _Objections]:
        """Compare what a provider offers with what we asked it for."""
        if not process.offer.id:
            unsolicited = word("agreement:offer_unsolicited", dataset=offer.dataset_id)
            return replace(process, offer=offer), (unsolicited,)
        return replace(process, offer=offer), _deviations(process.offer, offer)

    def _settled(
        self, tx: Database, process: Negotiation, agreement: Agreement
    ) -> tuple[Negotiation, _Objections]:
        """Compare what a provider signed with what we asked for, and keep it if it is that."""
        signed = Offer(process.offer.id, agreement.dataset_id, agreement.policy)
        objections = list(_deviations(process.offer, signed))
        if (agreement.assigner, agreement.assignee) != (process.partner, self.ports.us):
            parties = f"{agreement.assigner}, {agreement.assignee}"
            objections.append(word("agreement:parties_wrong", parties=parties))
        if not objections:
            table.keep_agreement(tx, agreement, process)
        return replace(process, agreement_id=agreement.id), tuple(objections)

    def _entered(self, tx: Database, process: Negotiation, state: object, now: datetime) -> None:
        is_ours = process.role is Role.CONSUMER and state is NegotiationState.FINALIZED
        if is_ours and self._sequel is not None:
            self._sequel(tx, process, now)

    def _renewed(
        self, tx: Database, process: Negotiation, content: NegotiationContent
    ) -> Negotiation | None:
        """Take the newer of two agreements while our confirmation of the first is under way.

        EDC signs anew where it has lost track of what it sent. Mostly it keeps the last one;
        the one before stays valid here for when it does not.
        """
        if process.heading is not NegotiationState.VERIFIED:
            return None
        if not isinstance(content, ContractAgreement):
            return None
        renewed, objections = self._settled(tx, process, content.agreement)
        return None if objections else renewed

    def _reply(
        self, process: Negotiation, content: NegotiationContent, objections: _Objections
    ) -> Reply | None:
        return self._reactions.reply(process, content.message, objections)

    def _composed(
        self, tx: Database, process: Negotiation, reply: Reply, now: datetime
    ) -> tuple[Negotiation, NegotiationContent]:
        if reply.message != NegotiationMessage.AGREEMENT:
            return process, self._said(process, reply)
        agreement = self._signed(process, now)
        table.keep_agreement(tx, agreement, process)
        content = ContractAgreement(
            consumer_pid=process.consumer_pid,
            provider_pid=process.provider_pid,
            agreement=agreement,
        )
        return replace(process, agreement_id=agreement.id), content

    def _said(self, process: Negotiation, reply: Reply) -> NegotiationContent:
        pids = {"consumer_pid": process.consumer_pid, "provider_pid": process.provider_pid}
        callback = "" if process.peer_pid else self.ports.callback_address
        offer = process.offer
        match reply.message:
            case NegotiationMessage.REQUEST:
                return ContractRequest(**pids, offer=offer, callback_address=callback)
            case NegotiationMessage.OFFER:
                return ContractOffer(**pids, offer=offer, callback_address=callback)
            case NegotiationMessage.TERMINATION:
                return Termination(**pids, reasons=reply.reasons)
        return _BARE[NegotiationMessage(reply.message)](**pids)

    def _signed(self, process: Negotiation, now: datetime) -> Agreement:
        return Agreement(
            id=new_pid(),
            dataset_id=process.dataset_id,
            assigner=self.ports.us,
            assignee=process.partner,
            policy=process.offer.policy,
            signed_at=now,
        )


_BARE: Mapping[NegotiationMessage, type[Acceptance | Verification | Finalization]] = {
    NegotiationMessage.ACCEPTANCE: Acceptance,
    NegotiationMessage.VERIFICATION: Verification,
    NegotiationMessage.FINALIZATION: Finalization,
}


def _deviations(asked: Offer, given: Offer) -> _Objections:
    if given.dataset_id != asked.dataset_id:
        return (word("agreement:dataset_wrong", dataset=given.dataset_id),)
    changed = difference(asked.policy, given.policy)
    return (word("agreement:policy_changed", difference="; ".join(changed)),) if changed else ()
