"""Who a partner is, who is calling, and the port through which both are proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did

PROOF_HEADER = "Data-Pull-Proof"


@dataclass(frozen=True, slots=True)
class Partner:
    """One company of the address book, under the name that the operator gave it.

    ``address`` is where one connector of several under the same DID begins; empty where
    there is only one, or whichever answers will do.
    """

    name: str
    bpnl: Bpnl
    did: Did
    address: str = ""


@dataclass(frozen=True, slots=True)
class UnlistedPartner:
    """One company of the address book whose DID a directory of the data space has to tell."""

    name: str
    bpnl: Bpnl


@dataclass(frozen=True, slots=True)
class VerifiedCredential:
    """One verifiable credential whose signature, issuer, subject and dates were checked.

    ``type`` is the credential's own type, such as ``MembershipCredential``; ``subject`` is
    its ``credentialSubject`` as it came; ``expires_at`` is aware UTC. ``statuses`` are its
    ``credentialStatus`` entries as they came: where its issuer would withdraw it.
    """

    type: str
    subject: Mapping[str, object]
    issuer: str
    expires_at: datetime
    statuses: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """The partner that a verified token and its verified credentials prove.

    ``bpnl`` is the one that the credentials attest, never one that a header claims.
    ``expires_at`` (aware UTC) is when this proof ends: earlier of the reuse limit and the
    earliest expiry among ``credentials``. ``proves_possession`` says that the partner's own
    documents promise a proof (`HolderProofs`) with every use of a token that we give it.
    """

    did: Did
    bpnl: Bpnl
    credentials: tuple[VerifiedCredential, ...]
    expires_at: datetime
    proves_possession: bool = False


class UnprovenHolderError(PartnerError):
    """An access token came without proof that the partner who uses it is the one it is for."""


class Identity(Protocol):
    """Proves who calls us, and proves us to those whom we call."""

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return who sent a request with this ``Authorization`` header.

        Raises `PartnerError` naming who and why when the proof fails, and `TransientError`
        when the caller's own endpoints cannot be reached to check it.
        """
        ...

    async def authorization_for(self, audience: Did) -> str:
        """Return the ``Authorization`` header value of one message to ``audience``."""
        ...


@dataclass(frozen=True, slots=True)
class Renewal:
    """Who wants an access token renewed: the sender that is proven, and the token.

    ``caller`` is what its credentials prove now; None where it lets nobody ask for them with
    such a request, as the connectors of Tractus-X do.
    """

    did: Did
    token: str = field(repr=False)
    caller: Caller | None = None


class Renewals(Protocol):
    """Proves who wants an access token renewed, and proves us to those whom we ask."""

    async def renewal(self, authorization: str | None) -> Renewal:
        """Return who sent a request with this ``Authorization``, and the token that it is about.

        Raises `PartnerError` naming who and why when the proof fails, and `TransientError`
        when the sender's own endpoints cannot be reached to check it.
        """
        ...

    async def renewal_authorization(self, provider: Did, audience: str, token: str) -> str:
        """Return the ``Authorization`` of one request that a token of ``provider`` be renewed.

        ``audience`` is whom the provider wants named as its receiver.
        """
        ...


class Standing(Protocol):
    """Asks anew whether what was attested of a partner still counts."""

    async def check(self, caller: Caller) -> None:
        """Return when all credentials of ``caller`` count now.

        Raises `PartnerError` saying why when one does not, and `TransientError` when nobody
        can tell at this moment.
        """
        ...


class HolderProofs(Protocol):
    """Binds an access token to the partner that it was given to: a proof goes with each use."""

    async def check(self, proof: str, token_digest: bytes, holder: Did) -> None:
        """Return when ``proof`` shows that ``holder`` uses the token, for us, now.

        ``token_digest`` is the token's SHA-256. Raises `UnprovenHolderError` when it does
        not, and `TransientError` when the holder's own endpoints cannot be reached.
        """
        ...

    async def proof_for(self, audience: Did, token: str) -> str:
        """Return the header value that proves us as the holder of a token of ``audience``."""
        ...
