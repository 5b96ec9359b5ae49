"""What we do next of ourselves in a transfer."""

from __future__ import annotations

from typing import Protocol

from connector.agreement.process import Reply
from connector.agreement.states import Role
from connector.transfer.model import TransferProcess
from connector.transfer.states import TransferMessage


class TransferReactions(Protocol):
    """Decides what follows a message that has been taken in; tests put their own in place."""

    def reply(
        self, transfer: TransferProcess, received: TransferMessage, objections: tuple[str, ...]
    ) -> Reply | None:
        """Return the message to send next, or None to wait.

        ``objections`` is what we have against going on.
        """
        ...


class PromptTransfer:
    """Starts at once what may be started, and otherwise leaves the next move to the partner."""

    def reply(
        self, transfer: TransferProcess, received: TransferMessage, objections: tuple[str, ...]
    ) -> Reply | None:
        """Return a start for a request, or a termination with the objections."""
        if objections:
            return Reply(TransferMessage.TERMINATION, objections)
        is_asked = transfer.role is Role.PROVIDER and received is TransferMessage.REQUEST
        return Reply(TransferMessage.START) if is_asked else None
