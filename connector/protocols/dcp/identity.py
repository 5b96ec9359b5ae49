"""The identity port by Decentralized Claims Protocol: both directions, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from connector.errors import EslabonError, Finding, PartnerError
from connector.identifiers import Did
from connector.partner.book import AddressBook
from connector.partner.model import Caller
from connector.protocols.dcp.credentials import CATENA_X_TYPES
from connector.protocols.dcp.did import (
    CREDENTIAL_SERVICE,
    DATA_SERVICE,
    POSSESSION_SERVICE,
    Endpoint,
    Purpose,
    write_document,
)
from connector.protocols.dcp.holder import HolderBinding
from connector.protocols.dcp.jwt import LEEWAY_SECONDS
from connector.protocols.dcp.key_file import load_key_file
from connector.protocols.dcp.messages import (
    TYPE_ALIASES,
    read_query,
    response_message,
    scope_of,
    types_of,
)
from connector.protocols.dcp.replay import SeenTokens
from connector.protocols.dcp.resolver import DidResolver, Freshness
from connector.protocols.dcp.revocation import StatusLists
from connector.protocols.dcp.self_issuer import Lifetimes, SelfIssuer
from connector.protocols.dcp.tokens import (
    bearer_token,
    check_kid,
    check_signature,
    read_access_token,
    read_token,
)
from connector.protocols.dcp.verifier import Demands, Reach, Verifier
from connector.protocols.dcp.wallet import Wallet
from connector.protocols.http import ClientLimits, GuardedClient

CREDENTIAL_SERVICE_PATH = "/dcp"
VERSION_PATH = "/.well-known/dspace-version"


@dataclass(frozen=True, slots=True, kw_only=True)
class DcpSettings:
    """Who we are and whom we trust; the two ``allow`` switches are for development only.

    ``public_url`` is where partners reach us, without trailing slash. ``scope_alias`` is the
    alias under which we ask for credentials; both known ones are answered.
    """

    did: Did
    key_file: Path
    credentials_folder: Path
    trusted_issuers: tuple[Did, ...]
    public_url: str
    allow_http: bool = False
    allow_private_networks: bool = False
    presentation_reuse_seconds: int = 60
    did_document_seconds: int = 300
    status_list_seconds: int = 10
    scope_alias: str = TYPE_ALIASES[0]
    requested_credentials: tuple[str, ...] = CATENA_X_TYPES
    required_credentials: tuple[str, ...] = ()
    presented_credentials: tuple[str, ...] = CATENA_X_TYPES
    lifetimes: Lifetimes = field(default_factory=Lifetimes)


def utc_now() -> datetime:
    """Return the time of this machine, aware UTC."""
    return datetime.now(UTC)


class DcpIdentity:
    """Implements `connector.partner.model.Identity`; for one event loop; close it there.

    Documents and presentations go out by two clients: a presentation query waits until the
    partner has fetched our document, so neither may wait for the other's connections.
    """

    def __init__(
        self,
        settings: DcpSettings,
        book: AddressBook,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Read the key file; raise `SetupError` when it is missing or not private."""
        self._settings = settings
        self._clock = clock
        self._key = load_key_file(settings.key_file, settings.did)
        self._wallet = Wallet(settings.credentials_folder, settings.did)
        self._seen = SeenTokens()
        limits = ClientLimits(settings.allow_http, settings.allow_private_networks)
        self._clients = (GuardedClient(limits), GuardedClient(limits))
        self._resolver = DidResolver(
            self._clients[0],
            clock,
            allow_http=settings.allow_http,
            freshness=Freshness(kept=timedelta(seconds=settings.did_document_seconds)),
        )
        self._issuer = SelfIssuer(
            self._key,
            settings.did,
            clock,
            scopes=" ".join(_scope(kind) for kind in settings.presented_credentials),
            lifetimes=settings.lifetimes,
        )
        statuses = StatusLists(
            self._resolver,
            self._clients[0],
            clock,
            timedelta(seconds=settings.status_list_seconds),
        )
        reach = Reach(self._resolver, statuses, self._clients[1])
        self._verifier = Verifier(_demands(settings), reach, self._issuer, book)

    def holder_binding(self) -> HolderBinding:
        """Return what proves us, and our partners, as the holders of access tokens."""
        return HolderBinding(self._settings.did, self._resolver, self._issuer, self._clock)

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return who sent a request with this ``Authorization`` header (DCP 1.0, 4.3).

        Raises `PartnerError` naming who and why when the proof fails, and `TransientError`
        when the caller's own endpoints are not reached to check it.
        """
        try:
            did, access_token = await self._sender(authorization)
            return await self._verifier.caller(did, access_token, self._clock)
        except EslabonError as refused:
            log = structlog.get_logger()
            log.warning("caller.refused", code=refused.code, **_loggable(refused.params))
            raise

    async def authorization_for(self, audience: Did) -> str:
        """Return the ``Authorization`` header of one message; never use one twice."""
        return f"Bearer {self._issuer.token_for(audience)}"

    async def answer_query(self, authorization: str | None, body: bytes) -> bytes:
        """Return the answer to a presentation query (DCP 1.0, 5.4).

        What the verifier asks for beyond the access that we gave it is left out. Raises
        `PartnerError` when the token, the access inside it, or the query is wrong.
        """
        verifier, access_token = await self._sender(authorization)
        now = self._clock()
        access = read_access_token(
            access_token,
            self._key.verification_key(),
            us=self._settings.did,
            now=now.timestamp(),
        )
        if access.sub != verifier:
            raise _refusal("access_token_of_other", verifier)
        granted = frozenset(types_of(access.scope.split()))
        asked = types_of(read_query(body, who=verifier))
        types = [kind for kind in asked if kind in granted]
        credentials = self._wallet.presentable(types, now)
        if not credentials:
            return response_message(())
        return response_message((self._issuer.presentation(verifier, credentials),))

    async def endpoint(self, did: Did, kind: str) -> str | None:
        """Return the URL of a service in a partner's DID document, such as ``DataService``."""
        return (await self._resolver.document(did)).endpoint(kind)

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        """Return the hosts that a partner's DID document vouches for (design rule 13)."""
        return (await self._resolver.document(did)).hosts()

    def document(self) -> Mapping[str, object]:
        """Return our own DID document."""
        settings = self._settings
        endpoints = (
            Endpoint(CREDENTIAL_SERVICE, settings.public_url + CREDENTIAL_SERVICE_PATH),
            Endpoint(DATA_SERVICE, settings.public_url + VERSION_PATH),
            Endpoint(POSSESSION_SERVICE, settings.public_url),
        )
        return write_document(settings.did, [self._key], endpoints)

    @property
    def did(self) -> Did:
        """Our own identifier."""
        return self._settings.did

    def findings(self) -> tuple[Finding, ...]:
        """Return what is missing or ends soon among our own credentials.

        Raises `SetupError` when their folder cannot be read.
        """
        return self._wallet.findings(self._settings.presented_credentials, self._clock())

    async def close(self) -> None:
        """Close the connections to partners."""
        for client in self._clients:
            await client.close()

    async def _sender(self, authorization: str | None) -> tuple[Did, str]:
        now = self._clock().timestamp()
        text = bearer_token(authorization)
        who, jwt = read_token(text, audience=self._settings.did, now=now)
        kid = check_kid(jwt.header.kid, who)
        key = await self._resolver.key(who, kid, Purpose.INVOCATION)
        check_signature(jwt, key, who=who)
        # Remembered only now: a forged token must not use up the identifier of a true one.
        expires = (jwt.claims.exp or now) + LEEWAY_SECONDS
        self._seen.use(who, jwt.claims.jti, expires=expires, now=now)
        return who, jwt.claims.token


def _demands(settings: DcpSettings) -> Demands:
    return Demands(
        us=settings.did,
        trusted=frozenset(settings.trusted_issuers),
        requested=settings.requested_credentials,
        required=frozenset(settings.required_credentials),
        alias=settings.scope_alias,
        reuse=timedelta(seconds=settings.presentation_reuse_seconds),
    )


def _scope(kind: str) -> str:
    return scope_of(kind, TYPE_ALIASES[0])


def _loggable(params: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value)[:300] for name, value in params.items()}


def _refusal(key: str, who: str) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who)
