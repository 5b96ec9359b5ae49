"""The storage side of our credential service: takes in what trusted issuers deliver and offer.

Source: Decentralized Claims Protocol 1.0, 6.5 and 6.6. Nothing is taken in unasked: the
sender must be a trusted issuer, the delivery must bear a number under which we asked that very
issuer, or one that the operator agreed on with it, and every credential in it must be ours, in
force, and signed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.asking import Asking
from connector.protocols.dcp.credentials import check_credential, read_credential
from connector.protocols.dcp.did import Purpose
from connector.protocols.dcp.issuance import (
    JWT_FORMATS,
    DeliveredCredential,
    Delivery,
    read_delivery,
    read_offer,
)
from connector.protocols.dcp.resolver import DidResolver
from connector.protocols.dcp.senders import Senders
from connector.protocols.dcp.tokens import check_kid, check_signature
from connector.protocols.dcp.wallet import Wallet


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Whose credentials are taken in for ``us``, and under which numbers (``holderPid``)."""

    us: Did
    issuers: frozenset[Did]
    holder_pids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Holding:
    """What we hold, and what we asked for."""

    wallet: Wallet
    asking: Asking


class Storage:
    """Puts delivered credentials into the wallet; all of one message, or none."""

    def __init__(
        self,
        terms: Deliveries,
        senders: Senders,
        resolver: DidResolver,
        holding: Holding,
        clock: Callable[[], datetime],
    ) -> None:
        self._terms = terms
        self._senders = senders
        self._resolver = resolver
        self._wallet = holding.wallet
        self._asking = holding.asking
        self._clock = clock

    async def deliver(self, authorization: str | None, body: bytes) -> None:
        """Keep what a message delivers.

        Raises `PartnerError` when its sender, its number or a credential in it is not right,
        and `SetupError` when the folder of credentials cannot be written.
        """
        sender = await self._issuer(authorization)
        delivery = read_delivery(body, who=sender)
        log = structlog.get_logger()
        self._check_expected(delivery, sender)
        if delivery.status == "REJECTED":
            reason = (delivery.rejection_reason or "")[:300]
            log.warning("credential.denied", issuer=sender, reason=reason)
            self._asking.rejected(delivery.holder_pid, sender, reason)
            return
        for one in delivery.credentials:
            await self._check(one, sender)
        for one in delivery.credentials:
            file = self._wallet.keep(one.credential_type, sender, one.payload)
            log.info("credential.stored", issuer=sender, type=one.credential_type, file=str(file))
        self._asking.delivered(delivery.holder_pid)

    async def offer(self, authorization: str | None, body: bytes) -> None:
        """Note what an issuer offers; to ask for it is the operator's decision.

        Raises `PartnerError` when its sender is no trusted issuer, or speaks for another.
        """
        sender = await self._issuer(authorization)
        offer = read_offer(body, who=sender)
        if offer.issuer != sender:
            raise _refusal("offer_of_other", sender, issuer=offer.issuer)
        offered = [(one.credential_type or one.id)[:100] for one in offer.credentials]
        structlog.get_logger().info("credential.offered", issuer=sender, offered=offered)

    async def _issuer(self, authorization: str | None) -> Did:
        sender, _ = await self._senders.prove(authorization, with_access=False)
        if sender not in self._terms.issuers:
            raise _refusal("sender_no_issuer", sender)
        return sender

    def _check_expected(self, delivery: Delivery, sender: Did) -> None:
        number = delivery.holder_pid
        if number in self._terms.holder_pids:
            return
        expected = self._asking.expects(number, sender)
        if not expected:
            raise _refusal("delivery_unexpected", sender, number=number)
        for one in delivery.credentials:
            if one.credential_type not in expected:
                raise _refusal("delivery_not_asked_for", sender, type=one.credential_type)

    async def _check(self, one: DeliveredCredential, sender: Did) -> None:
        if one.format not in JWT_FORMATS:
            raise _refusal("delivery_format_unknown", sender, format=one.format)
        credential = read_credential(one.payload, who=sender)
        if one.credential_type not in credential.types:
            types = ", ".join(credential.types)
            raise _refusal("delivery_of_other_type", sender, type=one.credential_type, types=types)
        terms = self._terms
        check_credential(credential, holder=terms.us, trusted=terms.issuers, now=self._clock())
        kid = check_kid(credential.jwt.header.kid, credential.issuer)
        key = await self._resolver.key(credential.issuer, kid, Purpose.ASSERTION)
        check_signature(credential.jwt, key, who=sender)


def _refusal(key: str, who: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who, **params)
