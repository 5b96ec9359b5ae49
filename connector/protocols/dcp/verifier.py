"""Proves callers by their credentials: asks, checks every signature, keeps the proof briefly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did
from connector.partner.book import AddressBook
from connector.partner.model import Caller, VerifiedCredential
from connector.protocols.dcp.credentials import (
    attested_bpnl,
    check_credential,
    read_credential,
    verified,
)
from connector.protocols.dcp.did import CREDENTIAL_SERVICE, POSSESSION_SERVICE, Purpose
from connector.protocols.dcp.lines import Lines
from connector.protocols.dcp.messages import (
    CREDENTIALS_MAX,
    PRESENTATION_BYTES_MAX,
    Wording,
    query_message,
    read_presentation,
    read_response,
    wording_of,
)
from connector.protocols.dcp.once import OnceEach
from connector.protocols.dcp.resolver import DidResolver
from connector.protocols.dcp.revocation import StatusLists
from connector.protocols.dcp.schemas import CredentialSchemas
from connector.protocols.dcp.self_issuer import SelfIssuer
from connector.protocols.dcp.tokens import check_kid, check_signature

CALLERS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Demands:
    """What a caller has to present to us, and for how long a proof is reused.

    ``requested`` are the credential types that we ask for, of which ``required`` must be
    there; one that attests the BPNL is always needed. They are asked for under the scope
    alias in which the caller gave access, and where that cannot be read, under ``alias``.
    """

    us: Did
    trusted: frozenset[Did]
    requested: tuple[str, ...]
    required: frozenset[str]
    alias: str
    reuse: timedelta


@dataclass(frozen=True, slots=True)
class Reach:
    """What a verifier looks things up with: documents, lists, schemas, credential services."""

    resolver: DidResolver
    statuses: StatusLists
    schemas: CredentialSchemas
    lines: Lines


class Verifier:
    """Proofs of callers, for one event loop; many messages at once cause one query."""

    def __init__(
        self, demands: Demands, reach: Reach, issuer: SelfIssuer, book: AddressBook
    ) -> None:
        self._demands = demands
        self._resolver = reach.resolver
        self._statuses = reach.statuses
        self._schemas = reach.schemas
        self._lines = reach.lines
        self._issuer = issuer
        self._book = book
        self._proven: OnceEach[Did, Caller] = OnceEach(CALLERS_MAX)

    async def caller(self, did: Did, access_token: str, clock: Callable[[], datetime]) -> Caller:
        """Return what the credentials of ``did`` prove; its message is already proven.

        Raises `PartnerError` when they do not prove it, and `TransientError` when they
        cannot be had at this moment.
        """
        proven = self._proven.kept(did)
        if proven is not None and clock() < proven.expires_at:
            return proven
        return await self._proven.made(did, lambda: self._prove(did, access_token, clock))

    async def credentials(
        self, did: Did, access_token: str, clock: Callable[[], datetime]
    ) -> tuple[VerifiedCredential, ...]:
        """Return what ``did`` presents of what we ask for, every credential of it proven now.

        Raises as `caller`, which demands more: a BPNL that they attest.
        """
        presentations = await self._query(did, access_token)
        now = clock()
        texts = [text for one in presentations for text in await self._presented(one, did, now)]
        if len(texts) > CREDENTIALS_MAX:
            raise _refusal("credentials_too_many", did, limit=CREDENTIALS_MAX)
        checked = [await self._credential(text, did, now) for text in texts]
        credentials = tuple(one for one in checked if one is not None)
        missing = self._demands.required - {one.type for one in credentials}
        if missing:
            raise _refusal("credential_not_presented", did, types=", ".join(sorted(missing)))
        return credentials

    def known(self, did: Did, now: datetime) -> Caller | None:
        """Return what was proven of a caller, as long as that counts."""
        proven = self._proven.kept(did)
        return proven if proven is not None and now < proven.expires_at else None

    async def judge(self, text: str, holder: Did, now: datetime) -> None:
        """Raise what another verifier with our demands would refuse a credential for."""
        await self._credential(text, holder, now)

    async def _prove(self, did: Did, access_token: str, clock: Callable[[], datetime]) -> Caller:
        credentials = await self.credentials(did, access_token, clock)
        now = clock()
        bpnl = self._agreed_bpnl(did, credentials)
        until = min([now + self._demands.reuse, *(c.expires_at for c in credentials)])
        document = await self._resolver.document(did)
        proves_possession = document.endpoint(POSSESSION_SERVICE) is not None
        return Caller(did, bpnl, credentials, until, proves_possession)

    async def _query(self, did: Did, access_token: str) -> Sequence[str]:
        endpoint = (await self._resolver.document(did)).endpoint(CREDENTIAL_SERVICE)
        if endpoint is None:
            raise _refusal("no_credential_service", did)
        wording = wording_of(access_token, Wording(self._demands.alias))
        scopes = [wording.scope(kind) for kind in self._demands.requested]
        token = self._issuer.token_with(did, access_token)
        answer = await self._lines.to(did).post(
            f"{endpoint}/presentations/query",
            query_message(scopes),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            limit_bytes=PRESENTATION_BYTES_MAX,
        )
        return read_response(answer.body, who=did)

    async def _presented(self, text: str, holder: Did, now: datetime) -> Sequence[str]:
        jwt, credentials = read_presentation(
            text, holder=holder, audience=self._demands.us, now=now.timestamp()
        )
        kid = check_kid(jwt.header.kid, holder)
        key = await self._resolver.key(holder, kid, Purpose.AUTHENTICATION)
        check_signature(jwt, key, who=holder)
        return credentials

    async def _credential(
        self, text: str, holder: Did, now: datetime
    ) -> VerifiedCredential | None:
        """Return a credential that we asked for; one that we did not is left aside unread."""
        credential = read_credential(text, who=holder)
        kind = next((one for one in self._demands.requested if one in credential.types), None)
        if kind is None:
            return None
        check_credential(credential, holder=holder, trusted=self._demands.trusted, now=now)
        kid = check_kid(credential.jwt.header.kid, credential.issuer)
        key = await self._resolver.key(credential.issuer, kid, Purpose.ASSERTION)
        check_signature(credential.jwt, key, who=f"{holder}, {kind}")
        await self._statuses.check(credential, who=holder)
        await self._schemas.check(credential, who=holder)
        return verified(credential, kind)

    def _agreed_bpnl(self, did: Did, credentials: tuple[VerifiedCredential, ...]) -> Bpnl:
        attested = attested_bpnl(credentials, holder=did)
        known = self._book.by_did(did)
        if known is not None and known.bpnl != attested:
            raise _refusal("bpnl_not_as_in_book", did, attested=attested, known=known.bpnl)
        return attested


def _refusal(key: str, who: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who, **params)
