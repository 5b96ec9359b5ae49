"""The transfer process as a table of moves (DSP 2025-1, Transfer Process Protocol)."""

from __future__ import annotations

from enum import StrEnum

from connector.agreement.states import Role
from connector.transitions import MoveTable


class TransferState(StrEnum):
    """The states of a transfer process, as they stand on the wire."""

    REQUESTED = "REQUESTED"
    STARTED = "STARTED"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    TERMINATED = "TERMINATED"


class TransferMessage(StrEnum):
    """The messages of a transfer process."""

    REQUEST = "TransferRequestMessage"
    START = "TransferStartMessage"
    SUSPENSION = "TransferSuspensionMessage"
    COMPLETION = "TransferCompletionMessage"
    TERMINATION = "TransferTerminationMessage"


_C, _P = Role.CONSUMER, Role.PROVIDER
_S, _M = TransferState, TransferMessage

TRANSFER = MoveTable(
    "transfer process",
    [
        # in state     message         by  leads to
        (None, _M.REQUEST, _C, _S.REQUESTED),
        (_S.REQUESTED, _M.START, _P, _S.STARTED),
        (_S.REQUESTED, _M.TERMINATION, _C, _S.TERMINATED),
        (_S.REQUESTED, _M.TERMINATION, _P, _S.TERMINATED),
        (_S.STARTED, _M.COMPLETION, _C, _S.COMPLETED),
        (_S.STARTED, _M.COMPLETION, _P, _S.COMPLETED),
        (_S.STARTED, _M.SUSPENSION, _C, _S.SUSPENDED),
        (_S.STARTED, _M.SUSPENSION, _P, _S.SUSPENDED),
        (_S.STARTED, _M.TERMINATION, _C, _S.TERMINATED),
        (_S.STARTED, _M.TERMINATION, _P, _S.TERMINATED),
        (_S.SUSPENDED, _M.START, _C, _S.STARTED),
        (_S.SUSPENDED, _M.START, _P, _S.STARTED),
        (_S.SUSPENDED, _M.TERMINATION, _C, _S.TERMINATED),
        (_S.SUSPENDED, _M.TERMINATION, _P, _S.TERMINATED),
    ],
)
