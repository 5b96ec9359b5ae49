"""Proves who wants an access token renewed (Tractus-X refresh token grant profile, 3.1).

The profile puts the access token where other messages bring access to the sender's
credentials. Our own requests bring that too, in a claim that others pass over, so that the
provider can ask for our credentials as they are now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connector.errors import DataError
from connector.identifiers import Did
from connector.partner.model import Renewal
from connector.protocols.dcp.self_issuer import SelfIssuer
from connector.protocols.dcp.senders import Senders
from connector.protocols.dcp.verifier import Verifier


@dataclass(frozen=True, slots=True)
class RenewalProofs:
    """Implements `connector.partner.model.Renewals`; for one event loop."""

    us: Did
    senders: Senders
    verifier: Verifier
    issuer: SelfIssuer
    clock: Callable[[], datetime]

    async def renewal(self, authorization: str | None) -> Renewal:
        """Return who sent a request with this ``Authorization``, and the token that it is about.

        Raises `PartnerError` naming who and why when the proof fails, and `TransientError`
        when the sender's own endpoints cannot be reached to check it.
        """
        did, token, access = await self.senders.prove_renewal(authorization)
        if not access:
            return Renewal(did, token)
        return Renewal(did, token, await self.verifier.caller(did, access, self.clock))

    async def renewal_authorization(self, provider: Did, audience: str, token: str) -> str:
        """Return the ``Authorization`` of one request that a token of ``provider`` be renewed.

        ``audience`` is whom the provider wants named as the receiver: itself, or, as in
        Tractus-X, us. Nobody else is named, or the request could be used at a third party.
        """
        wanted = _did(audience)
        named = wanted if wanted == self.us else provider
        text = self.issuer.renewal(named, token, shows_credentials=named == provider)
        return f"Bearer {text}"


def _did(text: str) -> Did | None:
    try:
        return Did.parse(text)
    except DataError:
        return None
