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
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.identifiers import Did
from connector.protocols.dcp.identity import DcpIdentity, DcpSettings
from connector.settings.loading import load_settings
from connector.settings.values import Settings
from deploy.demo.company import Company
from deploy.demo.mailbox import Mailbox
from deploy.demo.processes import DidNotHappenError

DSP = "/dsp/2025-1"
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
        return self.endpoint.rstrip("/").endswith("/api/v3")


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


def loot_of(partner: Company, serial: str) -> Loot:
    """Return what a partner rightly knows of one part, having read it with its own token.

    Raises `DidNotHappenError` where its token does not open it: then that others get nothing
    would prove nothing.
    """
    grants = grants_of(partner)
    registry = next(grant for grant in grants if grant.is_registry)
    shells = _rightly(lookup(registry.endpoint, registry.token, serial))["result"]
    if not isinstance(shells, list) or not shells:
        raise DidNotHappenError(f"{partner.name} does not find {serial}")
    shell = _rightly(read(f"{registry.endpoint}{_shell_path(shells[0])}", registry.token))
    hrefs = [_href(submodel) for submodel in _list(shell, "submodelDescriptors")]
    return Loot(serial, str(shell["globalAssetId"]), str(shells[0]), tuple(hrefs), grants)


class Intruder:
    """A company with valid credentials that tries what is meant for another one."""

    def __init__(self, company: Company, victim: Company) -> None:
        """Take the company, with its own keys and its own grants, and whom it tries."""
        self._company = company
        self._victim = victim
        self._base = victim.url + DSP

    def catalog(self) -> list[object]:
        """Return the datasets that the victim's catalog shows this company."""
        message = {"@context": [CONTEXT], "@type": "CatalogRequestMessage"}
        reply = self._say("/catalog/request", message)
        return _list(reply.body, "dataset") if reply.granted else []

    def attempts(self, loot: Loot, offer: Mapping[str, object] | None) -> list[Attempt]:
        """Try everything; ``offer`` is the partner's own, to be asked for outright."""
        own = self._own_token()
        agreement = loot.registry.agreement
        return [
            *([self._negotiation(loot, offer)] if offer else []),
            _attempt("try_transfer", self._transfer(agreement)),
            *self._twin(loot, own),
            *self._data(loot),
        ]

    def stolen(self, loot: Loot) -> list[Attempt]:
        """Try the partner's own tokens, as if they had been stolen from it."""
        token = loot.registry.token
        lookup_reply = lookup(loot.registry.endpoint, token, loot.serial)
        replies = [read(href, grant.token) for href in loot.hrefs for grant in loot.grants]
        best = next((reply for reply in replies if reply.granted), replies[0])
        return [_attempt("try_stolen_lookup", lookup_reply), _attempt("try_stolen_data", best)]

    def _own_token(self) -> str:
        grants = [grant for grant in grants_of(self._company) if grant.is_registry]
        return grants[0].token if grants else "made-up"

    def _twin(self, loot: Loot, token: str) -> list[Attempt]:
        endpoint = self._victim.url + "/api/v3"
        by_id = f"{endpoint}{_shell_path(loot.shell)}"
        return [
            _attempt("try_lookup", lookup(endpoint, token, loot.serial)),
            _attempt("try_shell", read(by_id, token)),
            _attempt("try_submodels", read(f"{by_id}/submodel-descriptors", token)),
        ]

    def _data(self, loot: Loot) -> list[Attempt]:
        """Ask for every address of the partner's with every token of our own."""
        tokens = [grant.token for grant in grants_of(self._company)] or ["made-up"]
        replies = [read(href, token) for href in loot.hrefs for token in tokens]
        worst = next((reply for reply in replies if reply.granted), replies[0])
        return [_attempt("try_href", worst)]

    def _negotiation(self, loot: Loot, offer: Mapping[str, object]) -> Attempt:
        """Ask for the partner's offer outright, and wait for what comes back."""
        with Mailbox() as mailbox:
            message = {
                "@context": [CONTEXT],
                "@type": "ContractRequestMessage",
                "consumerPid": uuid.uuid4().urn,
                "callbackAddress": mailbox.url,
                "offer": {**offer, "target": loot.registry.dataset},
            }
            reply = self._say("/negotiations/request", message)
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
            "callbackAddress": self._company.url + DSP,
        }
        return self._say("/transfers/request", message)

    def _say(self, path: str, message: Mapping[str, object]) -> Reply:
        """Send a message of the protocol, signed with this company's own key."""
        proof = asyncio.run(_proof(self._settings(), self._victim.did))
        return _request(self._base + path, proof, message)

    def _settings(self) -> Settings:
        settings, findings = load_settings(self._company.config, os.environ)
        if settings is None:
            raise DidNotHappenError(str(findings))
        return settings


def catalog_of(company: Company, provider: Company) -> list[object]:
    """Return the datasets that a provider's catalog shows a company."""
    return Intruder(company, provider).catalog()


def lookup(endpoint: str, token: str, serial: str) -> Reply:
    """Ask a registry for the twin of a serial number."""
    links = [{"name": "partInstanceId", "value": serial}]
    return _request(f"{endpoint}/lookup/shellsByAssetLink", token, links)


def read(url: str, token: str) -> Reply:
    """Ask for an address with a token."""
    return _request(url, token, None)


async def _proof(settings: Settings, audience: Did) -> str:
    identity = DcpIdentity(
        DcpSettings(
            did=settings.did,
            key_file=settings.identity.key_file,
            credentials_folder=settings.identity.credentials,
            trusted_issuers=settings.identity.trusted_issuers,
            public_url=settings.public.url,
            allow_http=True,
            allow_private_networks=True,
        ),
        settings.address_book(),
        lambda: datetime.now(UTC),
    )
    try:
        return await identity.authorization_for(audience)
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


def _shell_path(shell: object) -> str:
    coded = urlsafe_b64encode(str(shell).encode()).decode().rstrip("=")
    return f"/shell-descriptors/{coded}"


def _list(holder: object, key: str) -> list[object]:
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _request(url: str, token: str, body: object) -> Reply:
    headers = {"Authorization": token, "Content-Type": "application/json"}
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
