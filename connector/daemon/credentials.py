"""Our own credentials, as an operator asks about them and asks for more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, datetime
from typing import NoReturn

import structlog

from connector.errors import SetupError
from connector.identifiers import Did
from connector.protocols.dcp.asking import Asking
from connector.protocols.dcp.credentials import CATENA_X_TYPES, IssuedCredential
from connector.protocols.dcp.identity import DcpIdentity
from connector.protocols.dcp.request_book import Request, RequestBook
from connector.protocols.dcp.wallet import EXPIRY_WARNED_BEFORE, Wallet
from connector.protocols.dcp.wallet import HeldCredential as Held
from connector.settings.values import Settings
from connector.web.operations import (
    CredentialOrder,
    CredentialRequestReport,
    CredentialsReport,
    HeldCredential,
    WalletOperations,
)

TROUBLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What we hold and asked for; ``asking`` only where a connector runs."""

    wallet: Wallet
    book: RequestBook
    clock: Callable[[], datetime]
    asking: Asking | None = None

    def operations(self) -> WalletOperations:
        """Return what an operator may ask."""
        return WalletOperations(self.report, self.request, self.requested)

    def report(self) -> CredentialsReport:
        """Return all credentials with their dates; raises `SetupError` for a folder unread."""
        now = self.clock()
        return CredentialsReport(
            credentials=tuple(self._held(now)),
            requests=tuple(_told(one) for one in self.book.all()),
            findings=self.wallet.findings(CATENA_X_TYPES, now),
        )

    def request(self, order: CredentialOrder) -> str:
        """Begin to ask an issuer, and return the number of the request."""
        if self.asking is None:
            raise SetupError("daemon:request_offline")
        issuer = Did.parse(order.issuer) if order.issuer else None
        return self.asking.ask(issuer, order.types)

    def requested(self, number: str) -> CredentialRequestReport:
        """Return how a request stands; raises `DataError` for an unknown number."""
        return _told(self.book.of(number))

    def _held(self, now: datetime) -> Iterator[HeldCredential]:
        held = self.wallet.held(now)
        for one in held:
            yield _line(one, now)
        types = {kind for one in held for kind in one.credential.types}
        for kind in CATENA_X_TYPES:
            if kind not in types:
                yield HeldCredential(kind, "missing")


def credentials_of(proof: object, clock: Callable[[], datetime]) -> WalletOperations:
    """Return the operations of a running connector, whose proof may be one of a test."""
    if isinstance(proof, DcpIdentity):
        return Credentials(proof.wallet, proof.asking.book, clock, proof.asking).operations()
    return WalletOperations(_no_wallet, _no_wallet, _no_wallet)


def credentials_offline(settings: Settings, clock: Callable[[], datetime]) -> WalletOperations:
    """Return the operations that read the folder of credentials, and ask nobody."""
    folder = settings.identity.credentials
    return Credentials(Wallet(folder, settings.did), RequestBook(folder), clock).operations()


async def keep_asking(proof: object) -> None:
    """Carry on with our requests for credentials, as long as the connector runs."""
    while isinstance(proof, DcpIdentity):
        try:
            await proof.asking.run()
        except SetupError as trouble:
            structlog.get_logger().warning(
                "credential.requests_stuck", code=trouble.code, reason=trouble.text().what
            )
            await asyncio.sleep(TROUBLE_SECONDS)


def _no_wallet(*_: object) -> NoReturn:
    raise SetupError("daemon:no_wallet")


def _line(one: Held, now: datetime) -> HeldCredential:
    credential = one.credential
    expires = credential.expires_at()
    bounded = expires.year < MAXYEAR
    return HeldCredential(
        type=", ".join(credential.types),
        state=_state(credential, now),
        issuer=credential.issuer,
        file=str(one.file),
        expires_at=expires if bounded else None,
        days=(expires - now).days if bounded else None,
    )


def _state(credential: IssuedCredential, now: datetime) -> str:
    left = credential.expires_at() - now
    if left.total_seconds() <= 0:
        return "expired"
    if credential.starts_at() > now:
        return "not_yet"
    return "expires_soon" if left < EXPIRY_WARNED_BEFORE else "valid"


def _told(one: Request) -> CredentialRequestReport:
    return CredentialRequestReport(
        one.number, one.issuer, one.types, one.state.value, one.asked_at, one.finding()
    )
