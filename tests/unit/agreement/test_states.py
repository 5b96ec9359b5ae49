"""The tables of moves are the drawings of the specification, arrow by arrow."""

from __future__ import annotations

from connector.agreement.states import NEGOTIATION, NegotiationMessage, NegotiationState, Role
from connector.transfer.states import TRANSFER

# Dataspace Protocol 2025-1, Contract Negotiation Protocol, "State Machine": who sends what
# leads where; C is the consumer, P the provider.
NEGOTIATION_DRAWING = """
    START     -> REQUESTED   C
    START     -> OFFERED     P
    REQUESTED -> OFFERED     P
    REQUESTED -> AGREED      P
    REQUESTED -> TERMINATED  C P
    OFFERED   -> REQUESTED   C
    OFFERED   -> ACCEPTED    C
    OFFERED   -> TERMINATED  C P
    ACCEPTED  -> AGREED      P
    ACCEPTED  -> TERMINATED  P
    AGREED    -> VERIFIED    C
    AGREED    -> TERMINATED  C
    VERIFIED  -> FINALIZED   P
    VERIFIED  -> TERMINATED  P
"""

# Transfer Process Protocol, "State Machine".
TRANSFER_DRAWING = """
    START     -> REQUESTED   C
    REQUESTED -> STARTED     P
    REQUESTED -> TERMINATED  C P
    STARTED   -> COMPLETED   C P
    STARTED   -> SUSPENDED   C P
    STARTED   -> TERMINATED  C P
    SUSPENDED -> STARTED     C P
    SUSPENDED -> TERMINATED  C P
"""
LETTERS = {"C": Role.CONSUMER, "P": Role.PROVIDER}


def _arrows(drawing: str) -> set[tuple[str | None, str, Role]]:
    found = set()
    for line in drawing.strip().splitlines():
        before, _, after, *senders = line.split()
        found |= {(None if before == "START" else before, after, LETTERS[s]) for s in senders}
    return found


def test_negotiation_has_exactly_the_arrows_of_the_specification() -> None:
    drawn = {(move.state, move.leads_to, move.by) for move in NEGOTIATION.rows}

    assert _arrows(NEGOTIATION_DRAWING) == drawn


def test_transfer_has_exactly_the_arrows_of_the_specification() -> None:
    drawn = {(move.state, move.leads_to, move.by) for move in TRANSFER.rows}

    assert _arrows(TRANSFER_DRAWING) == drawn


def test_either_side_may_terminate_whatever_is_not_final() -> None:
    accepted = {
        (state, role)
        for state in NegotiationState
        for role in Role
        if NEGOTIATION.accepts(state, NegotiationMessage.TERMINATION, role)
    }

    final = {NegotiationState.FINALIZED, NegotiationState.TERMINATED}
    assert {(s, r) for s in NegotiationState if s not in final for r in Role} == accepted
