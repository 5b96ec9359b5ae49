"""Speaks to partners: sends what we owe, and reads their catalogs."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin

import msgspec
import orjson

from connector.agreement.model import CatalogEntry
from connector.agreement.states import NegotiationMessage
from connector.errors import PartnerError
from connector.identifiers import Did
from connector.partner.model import Identity, Partner
from connector.protocols.dsp.catalog import entries_from_wire, entry_from_wire
from connector.protocols.dsp.discovery import VersionDirectory, Whereabouts
from connector.protocols.dsp.messages import CONTEXT, KINDS, ProcessContent, in_path, path_to
from connector.protocols.dsp.reading import pid_from_answer, reasons_from_answer
from connector.protocols.dsp.writing import to_wire
from connector.protocols.http import Answer, GuardedClient
from connector.store.outbox import Owed
from connector.store.receipt import Outcome, Receipt

ANSWER_BYTES_MAX = 256 * 1024
CATALOG_BYTES_MAX = 16 * 1024 * 1024
CATALOG_PAGES_MAX = 100
# A receiver may take a moment to know a process that it has just begun itself, or to be in the
# state to which its own message leads (EDC answers 409 until it has taken note of our 200): it
# is asked again after 5, 10, 20 ... ms, for 5 s in all. One that has just started may not yet
# reach the documents that prove who we are, or not yet take what is posted to its addresses
# (EDC answers 405 while it boots).
EARLY_ATTEMPTS_MAX = 10
UNPROVEN_ATTEMPTS_MAX = 2
BOOTING_ATTEMPTS_MAX = 8

_TRY_LATER = frozenset({408, 425, 429})
_UNPROVEN, _NOT_FOUND, _BOOTING, _CONFLICT, _SERVER_ERROR = 401, 404, 405, 409, 500


class DspSender:
    """Sends messages of negotiations and transfers, each with a fresh proof of who we are."""

    def __init__(
        self, client: GuardedClient, identity: Identity, whereabouts: Whereabouts
    ) -> None:
        self._client = client
        self._identity = identity
        self._whereabouts = whereabouts
        self._decoders = {
            message: msgspec.json.Decoder(kind, dec_hook=_typed) for message, kind in KINDS.items()
        }

    async def send(self, owed: Owed) -> Receipt:
        """Send one message and say what became of it.

        Raises `TransientError` when the partner is not reached, and `PartnerError` when its
        address is not one that it vouches for.
        """
        outgoing = owed.outgoing
        content: ProcessContent = self._decoders[outgoing.message].decode(outgoing.body)
        pids = (content.consumer_pid, content.provider_pid)
        peer_pid = next((pid for pid in pids if pid != outgoing.process), "")
        partner = Did(outgoing.partner)
        client = self._client.reaching(await self._whereabouts.vouched_hosts(partner))
        answer = await client.request(
            "POST",
            outgoing.url.rstrip("/") + path_to(content, peer_pid),
            headers=await _headers(self._identity, partner),
            body=orjson.dumps(to_wire(content)),
            limit_bytes=ANSWER_BYTES_MAX,
        )
        return _receipt(answer, owed, is_first=not peer_pid)


class CatalogClient:
    """Reads what partners offer us."""

    def __init__(
        self,
        client: GuardedClient,
        identity: Identity,
        whereabouts: Whereabouts,
        directory: VersionDirectory,
    ) -> None:
        self._client = client
        self._identity = identity
        self._whereabouts = whereabouts
        self._directory = directory

    async def base_url(self, partner: Partner) -> str:
        """Return where the partner's endpoint begins; raises as `VersionDirectory`."""
        return partner.address or await self._directory.base_url(partner.did)

    async def datasets(self, partner: Partner, base_url: str) -> tuple[CatalogEntry, ...]:
        """Return all datasets of the partner's catalog, page by page.

        Raises `PartnerError` when the partner refuses or its catalog never ends, and
        `TransientError` when it is not reached.
        """
        body = orjson.dumps({"@context": [CONTEXT], "@type": "CatalogRequestMessage"})
        found: list[CatalogEntry] = []
        url = f"{base_url}/catalog/request"
        for _ in range(CATALOG_PAGES_MAX):
            answer = await self._ask(partner, "POST", url, body)
            found += entries_from_wire(answer.expect_success().body)
            following = next_page(answer, url)
            if following is None:
                return tuple(found)
            url = following
        raise PartnerError(
            "connector.protocols.dsp:pages_too_many", partner=partner.name, limit=CATALOG_PAGES_MAX
        )

    async def dataset(
        self, partner: Partner, base_url: str, dataset_id: str
    ) -> CatalogEntry | None:
        """Return one dataset, None where it is unknown; raises as `datasets` does."""
        url = f"{base_url}/catalog/datasets/{in_path(dataset_id)}"
        answer = await self._ask(partner, "GET", url, None)
        if answer.status == _NOT_FOUND:
            return None
        return entry_from_wire(answer.expect_success().body)

    async def _ask(self, partner: Partner, method: str, url: str, body: bytes | None) -> Answer:
        client = self._client.reaching(await self._whereabouts.vouched_hosts(partner.did))
        headers = await _headers(self._identity, partner.did)
        return await client.request(
            method, url, headers=headers, body=body, limit_bytes=CATALOG_BYTES_MAX
        )


def next_page(answer: Answer, url: str) -> str | None:
    """Return the address of the next page from the ``Link`` header (RFC 8288), if any."""
    for link in answer.headers.get("link", "").split(","):
        target, *parameters = link.split(";")
        relations = {one.strip().replace('"', "").replace(" ", "") for one in parameters}
        if "rel=next" in relations and target.strip().startswith("<"):
            return urljoin(url, target.strip().strip("<>"))
    return None


def _receipt(answer: Answer, owed: Owed, *, is_first: bool) -> Receipt:
    if answer.ok:
        is_offer = owed.outgoing.message == NegotiationMessage.OFFER
        name = "consumerPid" if is_offer else "providerPid"
        peer_pid = pid_from_answer(answer.body, name) if is_first else ""
        return Receipt(Outcome.ACCEPTED, peer_pid=peer_pid)
    told = reasons_from_answer(answer.body)
    reason = f"{answer.url} answered {answer.status}"
    outcome = _outcome(answer.status, owed.attempts)
    return Receipt(outcome, reason=f"{reason}: {told}" if told else reason)


def _outcome(status: int, attempts: int) -> Outcome:
    """Return whether a refusal may well be over when the message comes again, and when."""
    if status >= _SERVER_ERROR or status in _TRY_LATER:
        return Outcome.LATER
    if status in (_NOT_FOUND, _CONFLICT) and attempts < EARLY_ATTEMPTS_MAX:
        return Outcome.SOON
    patience = {_UNPROVEN: UNPROVEN_ATTEMPTS_MAX, _BOOTING: BOOTING_ATTEMPTS_MAX}
    return Outcome.LATER if attempts < patience.get(status, 0) else Outcome.REFUSED


async def _headers(identity: Identity, audience: Did) -> Mapping[str, str]:
    return {
        "Authorization": await identity.authorization_for(audience),
        "Content-Type": "application/json",
        "Accept": "application/json",
    }


def _typed(kind: type, value: object) -> object:
    """Let msgspec build our own kinds of text; what is of any kind stays as it is."""
    return Did.parse(value) if kind is Did else value
