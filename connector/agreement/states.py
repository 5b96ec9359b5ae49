"""The contract negotiation as a table of moves (DSP 2025-1, Contract Negotiation Protocol)."""

from __future__ import annotations

from enum import StrEnum

from connector.transitions import MoveTable


class Role(StrEnum):
    """The two sides of a process."""

    CONSUMER = "consumer"
    PROVIDER = "provider"

    @property
    def other(self) -> Role:
        """The opposite side."""
        return Role.PROVIDER if self is Role.CONSUMER else Role.CONSUMER


class NegotiationState(StrEnum):
    """The states of a contract negotiation, as they stand on the wire."""

    REQUESTED = "REQUESTED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    AGREED = "AGREED"
    VERIFIED = "VERIFIED"
    FINALIZED = "FINALIZED"
    TERMINATED = "TERMINATED"


class NegotiationMessage(StrEnum):
    """The messages of a contract negotiation; the two events are told apart."""

    REQUEST = "ContractRequestMessage"
    OFFER = "ContractOfferMessage"
    ACCEPTANCE = "ContractNegotiationEventMessage:ACCEPTED"
    AGREEMENT = "ContractAgreementMessage"
    VERIFICATION = "ContractAgreementVerificationMessage"
    FINALIZATION = "ContractNegotiationEventMessage:FINALIZED"
    TERMINATION = "ContractNegotiationTerminationMessage"


_C, _P = Role.CONSUMER, Role.PROVIDER
_S, _M = NegotiationState, NegotiationMessage

NEGOTIATION = MoveTable(
    "contract negotiation",
    [
        # in state      message          by  leads to
        (None, _M.REQUEST, _C, _S.REQUESTED),
        (None, _M.OFFER, _P, _S.OFFERED),
        (_S.REQUESTED, _M.OFFER, _P, _S.OFFERED),
        (_S.REQUESTED, _M.AGREEMENT, _P, _S.AGREED),
        (_S.REQUESTED, _M.TERMINATION, _C, _S.TERMINATED),
        (_S.REQUESTED, _M.TERMINATION, _P, _S.TERMINATED),
        (_S.OFFERED, _M.REQUEST, _C, _S.REQUESTED),
        (_S.OFFERED, _M.ACCEPTANCE, _C, _S.ACCEPTED),
        (_S.OFFERED, _M.TERMINATION, _C, _S.TERMINATED),
        (_S.OFFERED, _M.TERMINATION, _P, _S.TERMINATED),
        (_S.ACCEPTED, _M.AGREEMENT, _P, _S.AGREED),
        (_S.ACCEPTED, _M.TERMINATION, _P, _S.TERMINATED),
        (_S.AGREED, _M.VERIFICATION, _C, _S.VERIFIED),
        (_S.AGREED, _M.TERMINATION, _C, _S.TERMINATED),
        (_S.VERIFIED, _M.FINALIZATION, _P, _S.FINALIZED),
        (_S.VERIFIED, _M.TERMINATION, _P, _S.TERMINATED),
    ],
    # The text lets either side terminate in every state that is not final; decision 0005.
    tolerated=[
        (_S.ACCEPTED, _M.TERMINATION, _C, _S.TERMINATED),
        (_S.AGREED, _M.TERMINATION, _P, _S.TERMINATED),
        (_S.VERIFIED, _M.TERMINATION, _C, _S.TERMINATED),
    ],
)
