"""The identity port by Decentralized Claims Protocol: both directions, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from connector.errors import EslabonError, Finding, PartnerError, SetupError, about
from connector.identifiers import Did
from connector.partner.book import AddressBook
from connector.partner.model import Caller, VerifiedCredential
from connector.protocols.dcp.asking import Asking, AskingMeans, AskingTerms
from connector.protocols.dcp.credentials import CATENA_X_TYPES
from connector.protocols.dcp.did import (
    CREDENTIAL_SERVICE,
    DATA_SERVICE,
    POSSESSION_SERVICE,
    Endpoint,
    write_document,
)
from connector.protocols.dcp.holder import HolderBinding
from connector.protocols.dcp.key_file import load_key_file, read_key
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.lines import Lines
from connector.protocols.dcp.messages import (
    TYPE_ALIASES,
    ids_of,
    read_query,
    response_message,
    scope_of,
    types_of,
)
from connector.protocols.dcp.notary import DcpNotary
from connector.protocols.dcp.refusals import Refusal, Refusals
from connector.protocols.dcp.renewals import RenewalProofs
from connector.protocols.dcp.replay import SeenTokens
from connector.protocols.dcp.request_book import RequestBook
from connector.protocols.dcp.resolver import DidResolver, Freshness
from connector.protocols.dcp.revocation import StatusLists
from connector.protocols.dcp.schemas import CredentialSchemas
from connector.protocols.dcp.self_issuer import Lifetimes, SelfIssuer
from connector.protocols.dcp.senders import Senders
from connector.protocols.dcp.standing import LastingProof
from connector.protocols.dcp.stock import TokenStock
from connector.protocols.dcp.storage import Deliveries, Holding, Storage
from connector.protocols.dcp.token_desk import TokenClient, TokenDesk
from connector.protocols.dcp.tokens import read_access_token
from connector.protocols.dcp.verifier import Demands, Reach, Verifier
from connector.protocols.dcp.wallet import HeldCredential, Wallet
from connector.protocols.http import ClientLimits

CREDENTIAL_SERVICE_PATH = "/dcp"
VERSION_PATH = "/.well-known/dspace-version"


@dataclass(frozen=True, slots=True, kw_only=True)
class DcpSettings:
    """Who we are and whom we trust; the two ``allow`` switches are for development only.

    ``public_url`` is where partners reach us, without trailing slash. ``scope_alias`` is the
    alias under which we ask for credentials where a partner does not show which it
    understands; all known ones are answered. The signing key is
    in ``key_file``, or else ``key_pem`` is its text; further keys are only published, so that
    partners know the next one early and the former one for a while. Credentials are taken in
    under ``holder_pids`` alone, and tokens given to ``token_client`` alone. ``services`` are
    URLs by type that our document names besides our own services, or in their place. Which
    tokens of partners were used is kept in ``used_tokens_folder``, without one in memory.
    """

    did: Did
    key_file: Path | None = None
    key_pem: str = field(default="", repr=False)
    further_key_files: tuple[Path, ...] = ()
    credentials_folder: Path
    trusted_issuers: tuple[Did, ...]
    public_url: str
    allow_http: bool = False
    allow_private_networks: bool = False
    presentation_reuse_seconds: int = 60
    did_document_seconds: int = 300
    status_list_seconds: float = 10
    scope_alias: str = TYPE_ALIASES[0]
    requested_credentials: tuple[str, ...] = CATENA_X_TYPES
    required_credentials: tuple[str, ...] = ()
    presented_credentials: tuple[str, ...] = CATENA_X_TYPES
    holder_pids: frozenset[str] = frozenset()
    token_client: TokenClient | None = None
    services: Mapping[str, str] = field(default_factory=dict)
    used_tokens_folder: Path | None = None
    lifetimes: Lifetimes = field(default_factory=Lifetimes)


@dataclass(frozen=True, slots=True)
class JudgedCredential:
    """A credential of ours, and what a verifier has against it; None if nothing."""

    held: HeldCredential
    trouble: EslabonError | None


def utc_now() -> datetime:
    """Return the time of this machine, aware UTC."""
    return datetime.now(UTC)


class DcpIdentity:
    """Implements `connector.partner.model.Identity`; for one event loop; close it there.

    Documents go out by other lines than presentations: a presentation query waits until the
    partner has fetched our document, so neither may wait for the other's connections.
    """

    def __init__(
        self,
        settings: DcpSettings,
        book: AddressBook,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Read the keys; raise `SetupError` when one is missing or not private."""
        self._settings = settings
        self._clock = clock
        self._keys = _keys(settings)
        self._wallet = Wallet(settings.credentials_folder, settings.did)
        limits = ClientLimits(settings.allow_http, settings.allow_private_networks)
        is_partner = partial(_is_in_book, book)
        is_known = partial(_is_known, book, frozenset(settings.trusted_issuers))
        self._documents = Lines.laid(limits, is_known)
        self._presentations = Lines.laid(limits, is_known)
        self._resolver = DidResolver(
            self._documents,
            clock,
            allow_http=settings.allow_http,
            freshness=Freshness(kept=timedelta(seconds=settings.did_document_seconds)),
        )
        self._seen = SeenTokens(settings.used_tokens_folder, is_partner)
        self._senders = Senders(settings.did, self._resolver, clock, self._seen)
        self._refusals = Refusals(clock)
        self._issuer = SelfIssuer(
            self._keys[0],
            settings.did,
            clock,
            scopes=" ".join(_scope(kind) for kind in settings.presented_credentials),
            lifetimes=settings.lifetimes,
        )
        self._stock = TokenStock(self._issuer, clock)
        kept = timedelta(seconds=settings.status_list_seconds)
        self._asking = self._requests()
        statuses = StatusLists(self._resolver, self._documents.known, clock, kept)
        schemas = CredentialSchemas(self._resolver, self._documents.known, clock)
        reach = Reach(self._resolver, statuses, schemas, self._presentations)
        demands = _demands(settings)
        self._verifier = Verifier(demands, reach, self._issuer, book)
        self._standing = LastingProof(demands.trusted, book, statuses, clock)

    def holder_binding(self) -> HolderBinding:
        """Return what proves us, and our partners, as the holders of access tokens."""
        return HolderBinding(self._settings.did, self._resolver, self._issuer, self._clock)

    def renewals(self) -> RenewalProofs:
        """Return what proves who wants an access token renewed, and us where we do."""
        us, clock = self._settings.did, self._clock
        return RenewalProofs(us, self._senders, self._verifier, self._issuer, clock)

    def standing(self) -> LastingProof:
        """Return what asks again whether what partners' credentials attested still counts."""
        return self._standing

    def notary(self) -> DcpNotary:
        """Return what signs in our name what must be provable later."""
        return DcpNotary(self._keys)

    def storage(self) -> Storage:
        """Return what takes in the credentials that issuers deliver."""
        settings = self._settings
        trusted = frozenset(settings.trusted_issuers)
        terms = Deliveries(settings.did, trusted, settings.holder_pids)
        holding = Holding(self._wallet, self._asking)
        return Storage(terms, self._senders, self._resolver, holding, self._clock)

    @property
    def asking(self) -> Asking:
        """What asks issuers for credentials; its `Asking.run` has to be run."""
        return self._asking

    @property
    def wallet(self) -> Wallet:
        """Our own credentials."""
        return self._wallet

    def token_desk(self) -> TokenDesk | None:
        """Return what gives tokens to another program of ours; none unless one is named."""
        client = self._settings.token_client
        return TokenDesk(client, self._issuer, self._clock) if client else None

    async def authenticate(self, authorization: str | None) -> Caller:
        """Return who sent a request with this ``Authorization`` header (DCP 1.0, 4.3).

        Raises `PartnerError` naming who and why when the proof fails, and `TransientError`
        when the caller's own endpoints are not reached to check it.
        """
        with self._refusals.noted():
            did, access_token = await self._senders.prove(authorization, with_access=True)
            with about(did):
                return await self._verifier.caller(did, access_token, self._clock)

    async def presented(self, authorization: str | None) -> tuple[VerifiedCredential, ...]:
        """Return what a sender's credentials prove now, whether or not they attest a BPNL.

        It is what the protocol alone demands (DCP 1.0, 5.4.3). Raises as `authenticate`.
        """
        with self._refusals.noted():
            did, access_token = await self._senders.prove(authorization, with_access=True)
            with about(did):
                return await self._verifier.credentials(did, access_token, self._clock)

    async def authorization_for(self, audience: Did) -> str:
        """Return the ``Authorization`` header of one message; never use one twice."""
        return f"Bearer {self._stock.take(audience)}"

    def _requests(self) -> Asking:
        settings = self._settings
        terms = AskingTerms(settings.trusted_issuers, settings.presented_credentials)
        means = AskingMeans(self._issuer, self._resolver, self._presentations.known, self._clock)
        return Asking(terms, means, RequestBook(settings.credentials_folder))

    async def answer_query(self, authorization: str | None, body: bytes) -> bytes:
        """Return the answer to a presentation query (DCP 1.0, 5.4).

        What we do not hold is left out. Raises `PartnerError` when the token, the access
        inside it, or the query is wrong, or when it asks for a type that we hold and gave no
        access to.
        """
        verifier, access_token = await self._senders.prove(authorization, with_access=True)
        now = self._clock()
        access = read_access_token(
            access_token,
            {key.kid: key.verification_key() for key in self._keys},
            us=self._settings.did,
            now=now.timestamp(),
        )
        if access.sub != verifier:
            raise _refusal("access_token_of_other", verifier)
        given, asked = access.scope.split(), read_query(body, who=verifier)
        granted, types = frozenset(types_of(given)), types_of(asked)
        beyond = [kind for kind in types if kind not in granted]
        if beyond and self._wallet.presentable(beyond, now):
            raise _refusal("query_beyond_access", verifier, types=", ".join(beyond))
        ids = ids_of(asked)
        # Access to a type is access to each credential of it.
        by_id = self._wallet.of_ids(ids, ids_of(given), granted, now) if ids else ()
        credentials = tuple(dict.fromkeys([*self._wallet.presentable(types, now), *by_id]))
        if not credentials:
            return response_message(())
        return response_message((self._issuer.presentation(verifier, credentials),))

    async def judged_credentials(self) -> tuple[JudgedCredential, ...]:
        """Return our credentials of the types that partners ask for, judged as theirs are.

        Raises `SetupError` when their folder cannot be read.
        """
        now = self._clock()
        kinds = frozenset(self._settings.presented_credentials)
        held = [one for one in self._wallet.held(now) if kinds & set(one.credential.types)]
        return tuple([await self._judged(one, now) for one in held])

    async def _judged(self, one: HeldCredential, now: datetime) -> JudgedCredential:
        try:
            await self._verifier.judge(one.text, self._settings.did, now)
        except EslabonError as trouble:
            return JudgedCredential(one, trouble)
        return JudgedCredential(one, None)

    def known_caller(self, did: Did) -> Caller | None:
        """Return what a partner has proven of itself lately, as long as that counts."""
        return self._verifier.known(did, self._clock())

    def last_refusal(self, did: Did) -> Refusal | None:
        """Return why the last message that claimed to be of ``did`` was refused, if one was."""
        return self._refusals.last(did)

    async def endpoints(self, did: Did, kind: str) -> tuple[str, ...]:
        """Return the URLs of a kind of service in a DID document, such as ``DataService``."""
        document = await self._resolver.document(did)
        return tuple(one.url.rstrip("/") for one in document.endpoints if one.type == kind)

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        """Return the hosts that a partner's DID document vouches for (design rule 13)."""
        return (await self._resolver.document(did)).hosts()

    def presentation(self, kinds: Sequence[str], audience: Did) -> str:
        """Return our credentials of these types as one signed presentation.

        Raises `SetupError` naming the types of which we hold none that is in force.
        """
        credentials = self._wallet.presentable(kinds, self._clock())
        if not credentials:
            raise SetupError(
                "connector.protocols.dcp:credential_missing",
                type=", ".join(kinds),
                folder=self._settings.credentials_folder,
            )
        return self._issuer.presentation(audience, credentials)

    def document(self) -> Mapping[str, object]:
        """Return our own DID document."""
        return write_document(self._settings.did, self._keys, _endpoints(self._settings))

    @property
    def did(self) -> Did:
        """Our own identifier."""
        return self._settings.did

    def findings(self) -> tuple[Finding, ...]:
        """Return what is missing or ends soon among our own credentials.

        Raises `SetupError` when their folder cannot be read.
        """
        return self._wallet.findings(self._settings.presented_credentials, self._clock())

    def expiries(self) -> Mapping[str, datetime]:
        """Return until when we can prove each type that partners ask for, aware UTC.

        Raises `SetupError` when the folder of credentials cannot be read.
        """
        return self._wallet.expiries(self._settings.presented_credentials, self._clock())

    async def close(self) -> None:
        """Close the connections to partners, and our files."""
        self._seen.close()
        await self._documents.close()
        await self._presentations.close()


def notary_of(settings: DcpSettings) -> DcpNotary:
    """Return what opens our own seals, without the rest of an identity.

    Raises `SetupError` when a key is missing or not private.
    """
    return DcpNotary(_keys(settings))


def _keys(settings: DcpSettings) -> tuple[SigningKey, ...]:
    """Return our keys, the one that signs first."""
    if settings.key_file is not None:
        signing = load_key_file(settings.key_file, settings.did)
    else:
        pem = settings.key_pem.encode()
        signing = read_key(pem, settings.did, source="identity.key_env")
    return signing, *(load_key_file(one, settings.did) for one in settings.further_key_files)


def _endpoints(settings: DcpSettings) -> list[Endpoint]:
    ours = {
        CREDENTIAL_SERVICE: settings.public_url + CREDENTIAL_SERVICE_PATH,
        DATA_SERVICE: settings.public_url + VERSION_PATH,
        POSSESSION_SERVICE: settings.public_url,
    }
    if DATA_SERVICE in settings.services:
        # Another connector reads for us, and nobody else makes such proofs.
        del ours[POSSESSION_SERVICE]
    return [Endpoint(kind, url) for kind, url in {**ours, **settings.services}.items()]


def _is_in_book(book: AddressBook, did: Did) -> bool:
    return book.by_did(did) is not None


def _is_known(book: AddressBook, issuers: frozenset[Did], did: Did) -> bool:
    return did in issuers or _is_in_book(book, did)


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


def _refusal(key: str, who: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who, **params)
