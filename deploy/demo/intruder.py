"""What a company tries that was not given something: each attempt, and what it brought."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import urllib.error
import urllib.request
import uuid
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.daemon.proving import dcp_settings
from connector.partner.model import PROOF_HEADER
from connector.protocols.dcp.identity import DcpIdentity
from connector.settings.loading import load_settings
from deploy.demo.company import Company
from deploy.demo.mailbox import Mailbox
from deploy.demo.processes import DidNotHappenError

DSP = "/dsp/2025-1"
REGISTRY = "/api/v3"
CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
OK = range(200, 300)
SECONDS = 30


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request brought: the status, and the body read as JSON (None if it is not)."""

    status: int
    body: object

    @property
    def granted(self) -> bool:
        """Whether the request was answered with success."""
        return self.status in OK


@dataclass(frozen=True, slots=True)
class Grant:
    """An access grant as its holder keeps it."""

    endpoint: str
    token: str
    dataset: str
    agreement: str

    @property
    def is_registry(self) -> bool:
        """Whether it opens the registry of twins."""
        return self.endpoint.rstrip("/").endswith(REGISTRY)


@dataclass(frozen=True, slots=True)
class Loot:
    """What a partner may see, and others want: a twin's ids, addresses, and the tokens."""

    serial: str
    global_asset_id: str
    shell: str
    hrefs: tuple[str, ...]
    grants: tuple[Grant, ...]

    @property
    def registry(self) -> Grant:
        """The grant that opens the registry."""
        return next(grant for grant in self.grants if grant.is_registry)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, by the key of its text; ``denied`` is how it ought to end."""

    key: str
    denied: bool
    said: str


def grants_of(company: Company) -> tuple[Grant, ...]:
    """Return the access grants that a company holds, from its own store."""
    store = company.folder / "data" / "eslabon.db"
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        rows = db.execute("SELECT endpoint, token, dataset, agreement FROM access_grant")
        return tuple(Grant(*row) for row in rows)
    finally:
        db.close()


class Reader:
    """Reads what a provider serves, signing with one company's own keys."""

    def __init__(self, company: Company, provider: Company) -> None:
        """Take whose keys to use, and whom to ask."""
        self.company = company
        self.provider = provider

    def read(self, url: str, token: str, body: object = None) -> Reply:
        """Ask for an address with a token, and prove that this company uses it."""
        proof = asyncio.run(self._holder_proof(token))
        return _request(url, {"Authorization": token, PROOF_HEADER: proof}, body)

    def lookup(self, token: str, serial: str) -> Reply:
        """Ask the registry for the twin of a serial number."""
        links = [{"name": "partInstanceId", "value": serial}]
        return self.read(f"{self.provider.url}{REGISTRY}/lookup/shellsByAssetLink", token, links)

    def say(self, path: str, message: Mapping[str, object]) -> Reply:
        """Send a message of the protocol."""
        proof = asyncio.run(self._message_proof())
        return _request(self.provider.url + DSP + path, {"Authorization": proof}, message)

    async def _message_proof(self) -> str:
        async with _identity_of(self.company) as identity:
            return await identity.authorization_for(self.provider.did)

    async def _holder_proof(self, token: str) -> str:
        async with _identity_of(self.company) as identity:
            return await identity.holder_binding().proof_for(self.provider.did, token)


def loot_of(reader: Reader, serial: str) -> Loot:
    """Return what a partner rightly knows of one part, having read it with its own token.

    Raises `DidNotHappenError` where its token does not open it: then that others get nothing
    would prove nothing.
    """
    grants = grants_of(reader.company)
    token = next(grant for grant in grants if grant.is_registry).token
    shells = _list(_rightly(reader.lookup(token, serial)), "result")
    if not shells:
        raise DidNotHappenError(f"{reader.company.name} does not find {serial}")
    shell = _rightly(reader.read(_shell_url(reader.provider, shells[0]), token))
    hrefs = [_href(submodel) for submodel in _list(shell, "submodelDescriptors")]
    return Loot(serial, str(shell["globalAssetId"]), str(shells[0]), tuple(hrefs), grants)


class Intruder:
    """A company with valid credentials that tries what is meant for another one."""

    def __init__(self, reader: Reader) -> None:
        """Take the company with its own keys, and whom it tries."""
        self._reader = reader
        self._grants = grants_of(reader.company)

    def catalog(self) -> list[object]:
        """Return the datasets that the catalog shows this company."""
        message = {"@context": [CONTEXT], "@type": "CatalogRequestMessage"}
        reply = self._reader.say("/catalog/request", message)
        return _list(reply.body, "dataset") if reply.granted else []

    def attempts(self, loot: Loot) -> list[Attempt]:
        """Try everything with what is this company's own, then with the partner's tokens."""
        own = [grant.token for grant in self._grants] or ["made-up"]
        registry = next((grant.token for grant in self._grants if grant.is_registry), own[0])
        theirs = [grant.token for grant in loot.grants]
        shell = _shell_url(self._reader.provider, loot.shell)
        return [
            _attempt("try_transfer", self._transfer(loot.registry.agreement)),
            _attempt("try_lookup", self._reader.lookup(registry, loot.serial)),
            _attempt("try_shell", self._reader.read(shell, registry)),
            _attempt(
                "try_submodels", self._reader.read(f"{shell}/submodel-descriptors", registry)
            ),
            _attempt("try_href", self._best(loot.hrefs, own)),
            _attempt("try_stolen_lookup", self._reader.lookup(loot.registry.token, loot.serial)),
            _attempt("try_stolen_href", self._best(loot.hrefs, theirs)),
            _attempt("try_stolen_bare", _request(loot.hrefs[0], {"Authorization": theirs[0]})),
        ]

    def negotiation(self, loot: Loot, offer: Mapping[str, object]) -> Attempt:
        """Ask for the partner's offer outright, and wait for what comes back."""
        with Mailbox() as mailbox:
            message = {
                "@context": [CONTEXT],
                "@type": "ContractRequestMessage",
                "consumerPid": uuid.uuid4().urn,
                "callbackAddress": mailbox.url,
                "offer": {**offer, "target": loot.registry.dataset},
            }
            reply = self._reader.say("/negotiations/request", message)
            came = mailbox.message() if reply.granted else {"@type": str(reply.status)}
        kind = str(came.get("@type"))
        return Attempt("try_negotiation", denied=kind != "ContractAgreementMessage", said=kind)

    def _transfer(self, agreement: str) -> Reply:
        message = {
            "@context": [CONTEXT],
            "@type": "TransferRequestMessage",
            "consumerPid": uuid.uuid4().urn,
            "agreementId": agreement,
            "format": "HttpData-PULL",
            "callbackAddress": self._reader.company.url + DSP,
        }
        return self._reader.say("/transfers/request", message)

    def _best(self, hrefs: Sequence[str], tokens: Sequence[str]) -> Reply:
        """Ask for every address with every token, and return what brought most."""
        replies = [self._reader.read(href, token) for href in hrefs for token in tokens]
        return next((reply for reply in replies if reply.granted), replies[0])


@asynccontextmanager
async def _identity_of(company: Company) -> AsyncIterator[DcpIdentity]:
    settings, findings = load_settings(company.config, os.environ)
    if settings is None:
        raise DidNotHappenError(str(findings))
    identity = DcpIdentity(
        dcp_settings(settings),
        settings.address_book(),
        lambda: datetime.now(UTC),
    )
    try:
        yield identity
    finally:
        await identity.close()


def _attempt(key: str, reply: Reply) -> Attempt:
    """Return an attempt; an empty list of twins is as good a refusal as any."""
    found = _list(reply.body, "result")
    empty = isinstance(reply.body, dict) and "result" in reply.body and not found
    return Attempt(key, denied=not reply.granted or empty, said=_said(reply, empty=empty))


def _said(reply: Reply, *, empty: bool) -> str:
    return f"{reply.status} []" if empty else str(reply.status)


def _href(submodel: object) -> str:
    endpoint = _list(submodel, "endpoints")[0]
    address = endpoint["protocolInformation"] if isinstance(endpoint, dict) else {}
    return str(address["href"])


def _rightly(reply: Reply) -> dict[str, object]:
    if not reply.granted or not isinstance(reply.body, dict):
        raise DidNotHappenError(f"the partner's own token was answered {reply.status}")
    return reply.body


def _shell_url(provider: Company, shell: object) -> str:
    coded = urlsafe_b64encode(str(shell).encode()).decode().rstrip("=")
    return f"{provider.url}{REGISTRY}/shell-descriptors/{coded}"


def _list(holder: object, key: str) -> list[object]:
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _request(url: str, headers: Mapping[str, str], body: object = None) -> Reply:
    headers = {**headers, "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=content, headers=headers)  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - our own
            return Reply(answer.status, _json(answer.read()))
    except urllib.error.HTTPError as error:
        return Reply(error.code, _json(error.read()))


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except ValueError:
        return None
