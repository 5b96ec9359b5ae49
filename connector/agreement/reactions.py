"""What we do next of ourselves in a negotiation."""

from __future__ import annotations

from typing import Protocol

from connector.agreement.model import Negotiation
from connector.agreement.process import Reply
from connector.agreement.states import NegotiationMessage, Role


class NegotiationReactions(Protocol):
    """Decides what follows a message that has been taken in; tests put their own in place."""

    def reply(
        self, negotiation: Negotiation, received: NegotiationMessage, objections: tuple[str, ...]
    ) -> Reply | None:
        """Return the message to send next, or None to wait.

        ``objections`` is what we have against the terms that the message brought.
        """
        ...


_NEXT = {
    # what came                        what follows if we have no objection
    (Role.PROVIDER, NegotiationMessage.REQUEST): NegotiationMessage.AGREEMENT,
    (Role.PROVIDER, NegotiationMessage.ACCEPTANCE): NegotiationMessage.AGREEMENT,
    (Role.PROVIDER, NegotiationMessage.VERIFICATION): NegotiationMessage.FINALIZATION,
    (Role.CONSUMER, NegotiationMessage.OFFER): NegotiationMessage.ACCEPTANCE,
    (Role.CONSUMER, NegotiationMessage.AGREEMENT): NegotiationMessage.VERIFICATION,
}


class PromptNegotiation:
    """Goes on at once where the terms are ours, and terminates where they are not."""

    def reply(
        self, negotiation: Negotiation, received: NegotiationMessage, objections: tuple[str, ...]
    ) -> Reply | None:
        """Return what follows by the table, or a termination with the objections."""
        if objections:
            return Reply(NegotiationMessage.TERMINATION, objections)
        following = _NEXT.get((negotiation.role, received))
        return Reply(following) if following else None
