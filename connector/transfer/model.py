"""Transfer processes, access grants and what is said in a transfer, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.agreement.model import Content, Process
from connector.identifiers import Did
from connector.transfer.states import TransferMessage, TransferState

GRANT_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferProcess(Process[TransferState]):
    """Access to one dataset under one agreement; ``endpoint`` is what the provider opens.

    ``holder_bound``: whoever reads under it has to prove that it is the partner.
    """

    agreement_id: str
    format: str
    endpoint: str = ""
    holder_bound: bool = False


@dataclass(frozen=True, slots=True)
class DataAddress:
    """Where the data lies and what opens it; ``expires_seconds`` None: the provider is silent."""

    endpoint: str
    token: str
    expires_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """What a consumer holds while a transfer is started: an endpoint and its token."""

    partner: Did
    dataset_id: str
    endpoint: str
    token: str
    expires_at: datetime
    transfer_pid: str
    agreement_id: str

    def __repr__(self) -> str:
        """Render without the token, which must not reach a log."""
        return f"AccessGrant({self.partner}, {self.dataset_id}, {self.transfer_pid})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest(Content):
    """The consumer asks for access under an agreement."""

    message = TransferMessage.REQUEST
    agreement_id: str
    format: str
    callback_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferStart(Content):
    """Access begins, or begins again; the provider's carries the data address."""

    message = TransferMessage.START
    address: DataAddress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSuspension(Content):
    """Access pauses."""

    message = TransferMessage.SUSPENSION
    code: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCompletion(Content):
    """The transfer is done."""

    message = TransferMessage.COMPLETION


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTermination(Content):
    """Either side ends the transfer."""

    message = TransferMessage.TERMINATION
    code: str = ""
    reasons: tuple[str, ...] = ()


TransferContent = (
    TransferRequest | TransferStart | TransferSuspension | TransferCompletion | TransferTermination
)
