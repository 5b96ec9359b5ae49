"""Transfer processes, access grants and what is said in a transfer, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
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
class RefreshTerms:
    """How an access token is renewed (Tractus-X refresh token grant profile).

    ``endpoint`` is asked, with ``token``, in a message to ``audience``; either is empty
    where the provider names none.
    """

    token: str = field(repr=False)
    endpoint: str = ""
    audience: str = ""


@dataclass(frozen=True, slots=True)
class DataAddress:
    """Where the data lies and what opens it; ``expires_seconds`` None: the provider is silent."""

    endpoint: str
    token: str = field(repr=False)
    expires_seconds: int | None = None
    refresh: RefreshTerms | None = None


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What a refresh brings: new tokens for the old ones; without a lifetime the usual one."""

    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_seconds: int | None


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """What a consumer holds while a transfer is started: an endpoint and its token.

    From ``renew_at`` on a newer token should be had; None: only when this one expires.
    """

    partner: Did
    dataset_id: str
    endpoint: str
    token: str
    expires_at: datetime
    transfer_pid: str
    agreement_id: str
    renew_at: datetime | None = None
    refresh: RefreshTerms | None = None

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
