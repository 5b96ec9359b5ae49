"""Looks twins up in a partner's registry and pulls their submodels, under access grants.

Written for every registry in the field: either spelling of a key, absent lists, a lookup
by POST or the older GET, paging by cursor (AAS Part 2, SSP-002 and SSP-005; CX-0002).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import orjson

from connector.collection.model import AssetIds, RemoteSubmodel, Shell
from connector.errors import DataError, PartnerError
from connector.identifiers import SemanticId
from connector.partner.model import PROOF_HEADER, HolderProofs, Partner
from connector.partner.reach import Reach
from connector.protocols.http import Answer, GuardedClient, host_of
from connector.transfer.model import AccessGrant

SHELLS_MAX = 100
PAGES_MAX = 50
VALUE_BYTES_MAX = 8 * 1024 * 1024
GRANT_REFUSED = frozenset({401, 403})
LOOKUP_UNKNOWN = frozenset({404, 405, 501})
INTERFACES = ("SUBMODEL-VALUE-3.1", "SUBMODEL-3.1", "SUBMODEL-3.0")


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked of a registry; ``path`` is below the endpoint of the grant."""

    method: str
    path: str
    body: bytes | None


class Grants(Protocol):
    """The port through which grants are had: asked for when needed, kept while they last."""

    def registry(self, partner: Partner) -> Awaitable[AccessGrant]:
        """Return a grant for the partner's registry."""
        ...

    def dataset(self, partner: Partner, dataset_id: str) -> Awaitable[AccessGrant]:
        """Return a grant for one of the partner's datasets."""
        ...

    def forget(self, grant: AccessGrant) -> None:
        """Drop a grant that its provider no longer honours."""
        ...


class PartnerVisit:
    """Gets at a partner's twins; a grant that is refused is asked for once more."""

    def __init__(
        self,
        client: GuardedClient,
        grants: Grants,
        reach: Reach,
        proofs: HolderProofs | None = None,
    ) -> None:
        """Take the guarded way out and how far it leads, and the source and proof of grants."""
        self._client = client
        self._grants = grants
        self._reach = reach
        self._proofs = proofs

    async def shells(self, partner: Partner, asset_ids: AssetIds) -> tuple[Shell, ...]:
        """Return the twins that bear all these ids and that the partner shows us."""
        found = await self._look_up(partner, asset_ids)
        return tuple([await self._shell(partner, shell_id) for shell_id in found[:SHELLS_MAX]])

    async def value(self, partner: Partner, submodel: RemoteSubmodel) -> Mapping[str, object]:
        """Return a submodel's value; raises `PartnerError` where it is no JSON object."""
        grant = await self._grants.dataset(partner, submodel.dataset_id)
        answer = await self._get_value(partner, grant, submodel.href)
        if answer.status in GRANT_REFUSED:
            self._grants.forget(grant)
            grant = await self._grants.dataset(partner, submodel.dataset_id)
            answer = await self._get_value(partner, grant, submodel.href)
        payload = _json(answer.expect_success())
        if not isinstance(payload, dict):
            raise PartnerError("connector.protocols.aas:value_no_object", url=submodel.href)
        return payload

    async def _get_value(self, partner: Partner, grant: AccessGrant, href: str) -> Answer:
        answer = await self._get(partner, grant, _value_url(href))
        if answer.status in LOOKUP_UNKNOWN and answer.url != href:
            plain = await self._get(partner, grant, href)
            return plain if plain.ok else answer
        return answer

    async def _look_up(self, partner: Partner, asset_ids: AssetIds) -> list[str]:
        links = [{"name": name, "value": value} for name, value in asset_ids]
        found: list[str] = []
        cursor = ""
        for _ in range(PAGES_MAX):
            page = await self._lookup_page(partner, links, cursor)
            found += [str(shell_id) for shell_id in _list(page, "result")]
            metadata = page.get("paging_metadata")
            cursor = str(metadata.get("cursor") or "") if isinstance(metadata, dict) else ""
            if not cursor or len(found) >= SHELLS_MAX:
                break
        return found

    async def _lookup_page(
        self, partner: Partner, links: Sequence[Mapping[str, str]], cursor: str
    ) -> Mapping[str, object]:
        after = f"?cursor={quote(cursor)}" if cursor else ""
        body = orjson.dumps(links)
        path = f"/lookup/shellsByAssetLink{after}"
        answer = await self._ask(partner, "POST", path, body)
        if answer.status in LOOKUP_UNKNOWN:
            ids = "&".join(f"assetIds={_coded(orjson.dumps(link))}" for link in links)
            more = f"&cursor={quote(cursor)}" if cursor else ""
            answer = await self._ask(partner, "GET", f"/lookup/shells?{ids}{more}")
        page = _json(answer.expect_success())
        return page if isinstance(page, dict) else {}

    async def _shell(self, partner: Partner, shell_id: str) -> Shell:
        path = f"/shell-descriptors/{_coded(shell_id.encode())}"
        answer = await self._ask(partner, "GET", path)
        descriptor = _json(answer.expect_success())
        if not isinstance(descriptor, dict):
            raise PartnerError("connector.protocols.aas:shell_no_object", url=answer.url)
        return shell_from_wire(descriptor)

    async def _ask(
        self, partner: Partner, method: str, path: str, body: bytes | None = None
    ) -> Answer:
        grant = await self._grants.registry(partner)
        request = _Request(method, path, body)
        answer = await self._send(partner, grant, request)
        if answer.status in GRANT_REFUSED:
            self._grants.forget(grant)
            grant = await self._grants.registry(partner)
            answer = await self._send(partner, grant, request)
        return answer

    async def _send(self, partner: Partner, grant: AccessGrant, request: _Request) -> Answer:
        headers = await self._headers(grant)
        if request.body is not None:
            # Where there is none, an Eclipse data plane would pass one on and fail.
            headers["Content-Type"] = "application/json"
        client = await self._reaching(partner, grant)
        url = grant.endpoint.rstrip("/") + request.path
        return await client.request(request.method, url, headers=headers, body=request.body)

    async def _get(self, partner: Partner, grant: AccessGrant, href: str) -> Answer:
        client = await self._reaching(partner, grant)
        headers = await self._headers(grant)
        return await client.request("GET", href, headers=headers, limit_bytes=VALUE_BYTES_MAX)

    async def _reaching(self, partner: Partner, grant: AccessGrant) -> GuardedClient:
        """Reach only where the grant's own endpoint lies, and only where that may lie at all."""
        host = host_of(grant.endpoint)
        if host not in await self._reach.hosts_of(partner):
            raise PartnerError("protocols:host_not_vouched", url=grant.endpoint, host=host)
        return self._client.reaching(frozenset({host}))

    async def _headers(self, grant: AccessGrant) -> dict[str, str]:
        headers = {"Authorization": grant.token}
        if self._proofs is not None:
            # A provider that asks for no proof passes over a header that it does not know.
            headers[PROOF_HEADER] = await self._proofs.proof_for(grant.partner, grant.token)
        return headers


def shell_from_wire(descriptor: Mapping[str, object]) -> Shell:
    """Return a shell descriptor as a walk needs it; what is no aspect model is passed over."""
    asset_ids = {
        str(link.get("name")): str(link.get("value"))
        for link in _list(descriptor, "specificAssetIds")
        if isinstance(link, dict)
    }
    submodels = [
        submodel
        for one in _list(descriptor, "submodelDescriptors")
        if isinstance(one, dict) and (submodel := _submodel(one))
    ]
    return Shell(str(descriptor.get("globalAssetId") or ""), asset_ids, tuple(submodels))


def _submodel(descriptor: Mapping[str, object]) -> RemoteSubmodel | None:
    semantic = descriptor.get("semanticId")
    keys = _list(semantic, "keys") if isinstance(semantic, dict) else []
    try:
        semantic_id = SemanticId.parse(keys[0].get("value") if keys else None)
    except DataError:
        return None
    endpoints = [e for e in _list(descriptor, "endpoints") if isinstance(e, dict)]
    usable = [e for e in endpoints if e.get("interface") in INTERFACES] or endpoints
    information = usable[0].get("protocolInformation") if usable else None
    if not isinstance(information, dict):
        return None
    body = _pairs(str(information.get("subprotocolBody") or ""))
    href = str(information.get("href") or "")
    if usable[0].get("interface") == INTERFACES[0]:
        href = href.removesuffix("/$value")
    return RemoteSubmodel(semantic_id, href, body.get("id", ""), body.get("dspEndpoint", ""))


def _pairs(body: str) -> dict[str, str]:
    parts = (part.partition("=") for part in body.split(";"))
    return {name.strip(): value.strip() for name, _, value in parts if name.strip()}


def _value_url(href: str) -> str:
    return href if href.endswith("/$value") else f"{href.rstrip('/')}/$value"


def _coded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _list(holder: Mapping[str, object], key: str) -> list[Any]:
    found = holder.get(key)
    return found if isinstance(found, list) else []


def _json(answer: Answer) -> object:
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise PartnerError("connector.protocols.aas:no_json", url=answer.url) from error
