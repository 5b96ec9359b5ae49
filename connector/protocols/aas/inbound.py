"""Serves the embedded registry: what a partner with a grant for it may look up.

AAS Part 2, V3.1: registry profile SSP-005 with the submodel descriptors of SSP-002,
discovery profile SSP-002, and the older ``GET /lookup/shells``. All else answers 501.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

from connector.errors import PartnerError
from connector.identifiers import SemanticId
from connector.offer.datasets import Shelf
from connector.offer.model import Dataset, DatasetKind
from connector.partner.rates import Rates
from connector.protocols.aas import messages
from connector.protocols.aas.messages import Links
from connector.protocols.http import bounded_body
from connector.protocols.result import (
    NOT_FOUND,
    UNSUPPORTED,
    Endpoint,
    answered,
    json_answer,
    unsupported,
)
from connector.transfer.addresses import REGISTRY_PATH, uuid_of
from connector.transfer.gate import Gate, Visitor
from connector.transfer.ledger import Deed, Ledger
from connector.twin.reading import Shell, TwinReader
from connector.twin.search import Position, position_of

PAGE_SHELLS = 100
PAGE_SHELLS_MAX = 1000
# A partner's client bounds what it reads, too: ours at 1 MiB.
PAGE_BYTES_MAX = 900_000
BODY_BYTES_MAX = 64 * 1024

_PAGING = frozenset({"limit", "cursor"})


@dataclass(frozen=True, slots=True)
class Registry:
    """What the registry answers from; ``public_url`` has no trailing slash."""

    gate: Gate
    twins: TwinReader
    shelf: Shelf
    ledger: Ledger
    rates: Rates
    public_url: str

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the registry, below ``/api/v3``."""
        return [Mount(REGISTRY_PATH, app=self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request: this is asked as often as values are, so the way is short."""
        endpoint, path_params = self._endpoint(scope)
        request = Request({**scope, "path_params": path_params}, receive)
        answer = await answered(endpoint, request)
        await answer(scope, receive, send)

    def _endpoint(self, scope: Scope) -> tuple[Endpoint, dict[str, str]]:
        """Return who answers, and what the path names; whatever is not offered says so."""
        path = scope["path"].removeprefix(REGISTRY_PATH).split("/")
        if scope["method"] == "POST":
            is_search = path == ["", "lookup", "shellsByAssetLink"]
            return (self._lookup_by_link if is_search else unsupported), {}
        if scope["method"] not in ("GET", "HEAD"):
            return unsupported, {}
        return self._reading(path)

    def _reading(self, path: list[str]) -> tuple[Endpoint, dict[str, str]]:
        match path:
            case ["", "shell-descriptors", *below] if below:
                return self._reading_shell(below)
            case ["", "lookup", "shells", shell]:
                return self._links, {"shell": shell}
        whole = {
            "/shell-descriptors": self._shells,
            "/lookup/shells": self._lookup,
            "/description": self._description,
        }
        return whole.get("/".join(path), unsupported), {}

    def _reading_shell(self, path: list[str]) -> tuple[Endpoint, dict[str, str]]:
        match path:
            case [shell]:
                return self._shell, {"shell": shell}
            case [shell, "submodel-descriptors"]:
                return self._submodels, {"shell": shell}
            case [shell, "submodel-descriptors", submodel]:
                return self._submodel, {"shell": shell, "submodel": submodel}
        return unsupported, {}

    async def _shells(self, request: Request) -> Response:
        visitor = await self._admit(request, _PAGING)
        limit, after = _limit(request), position_of(request.query_params.get("cursor")).twin
        found = self.twins.shells(visitor.sight.audiences, after, limit + 1)
        fitting = list(_fitting(self._described(shell, visitor) for shell in found[:limit]))
        page = found[: len(fitting)]
        ids = [shell.global_asset_id for shell in page]
        await self.ledger.record(Deed(visitor.access, "shells.listed", *_listed(ids)))
        cursor = Position(page[-1].id).cursor if len(found) > len(page) else None
        return _page(fitting, cursor)

    async def _shell(self, request: Request) -> Response:
        visitor = await self._admit(request)
        shell = await self._read(request, visitor)
        return json_answer(self._described(shell, visitor))

    async def _submodels(self, request: Request) -> Response:
        visitor = await self._admit(request, _PAGING)
        shell = await self._read(request, visitor)
        offered = self._offered(shell, visitor)
        return _page(messages.submodel_descriptors(shell, offered, self.public_url), None)

    async def _submodel(self, request: Request) -> Response:
        visitor = await self._admit(request)
        shell = await self._read(request, visitor)
        wanted = uuid_of(messages.decoded(request.path_params["submodel"]))
        offered = {
            semantic_id: dataset
            for semantic_id, dataset in self._offered(shell, visitor).items()
            if messages.submodel_id(shell, semantic_id) == wanted
        }
        for descriptor in messages.submodel_descriptors(shell, offered, self.public_url):
            return json_answer(descriptor)
        raise PartnerError(NOT_FOUND)

    async def _lookup_by_link(self, request: Request) -> Response:
        visitor = await self._admit(request, _PAGING)
        body = await bounded_body(request, BODY_BYTES_MAX)
        try:
            links = messages.links_of(orjson.loads(body))
        except orjson.JSONDecodeError:
            raise PartnerError(
                "connector.protocols.aas:links_malformed", limit=messages.LINKS_MAX
            ) from None
        return await self._found(request, visitor, links)

    async def _lookup(self, request: Request) -> Response:
        visitor = await self._admit(request, _PAGING | {"assetIds"})
        # Several may also come in one parameter, with commas between.
        given = request.query_params.getlist("assetIds")
        encoded = [part for text in given for part in text.split(",") if part]
        if not encoded:
            return _page([], None)
        return await self._found(request, visitor, messages.links_of_query(encoded))

    async def _found(self, request: Request, visitor: Visitor, links: Links) -> Response:
        cursor, limit = request.query_params.get("cursor"), _limit(request)
        found = self.twins.search(visitor.sight.audiences, links, cursor, limit)
        asked = " ".join(f"{name}={value}" for name, value in links)
        count = f"{len(found.shell_ids)} found"
        await self.ledger.record(Deed(visitor.access, "shells.searched", asked, count))
        return _page([shell_id.urn for shell_id in found.shell_ids], found.cursor)

    async def _links(self, request: Request) -> Response:
        visitor = await self._admit(request)
        shell = await self._read(request, visitor)
        links = (("globalAssetId", shell.global_asset_id), *shell.asset_ids)
        bpnl = visitor.access.partner_bpnl
        return json_answer([messages.asset_id(name, value, bpnl) for name, value in links])

    async def _description(self, request: Request) -> Response:
        await self._admit(request)
        return json_answer({"profiles": list(messages.PROFILES)})

    async def _admit(self, request: Request, known: frozenset[str] = frozenset()) -> Visitor:
        """Let the caller in; a parameter that we would have to ignore is refused (CX-0002)."""
        visitor = await self.gate.admit(request.headers, DatasetKind.REGISTRY)
        self.rates.take(visitor.access.partner_bpnl)
        if not known.issuperset(request.query_params):
            raise PartnerError(UNSUPPORTED)
        return visitor

    async def _read(self, request: Request, visitor: Visitor) -> Shell:
        """Return the shell of the path and log that it was read."""
        shell_id = uuid_of(messages.decoded(request.path_params["shell"]))
        shell = self.twins.shell(visitor.sight.audiences, shell_id) if shell_id else None
        if shell is None:
            raise PartnerError(NOT_FOUND)
        await self.ledger.record(Deed(visitor.access, "shell.read", shell.global_asset_id))
        return shell

    def _described(self, shell: Shell, visitor: Visitor) -> dict[str, object]:
        offered = self._offered(shell, visitor)
        bpnl = visitor.access.partner_bpnl
        return messages.shell_descriptor(shell, offered, bpnl, self.public_url)

    def _offered(self, shell: Shell, visitor: Visitor) -> dict[SemanticId, Dataset]:
        rules = {one: visitor.sight.rule_for(shell.audience, one) for one in shell.semantic_ids}
        return {
            semantic_id: self.shelf.submodels(semantic_id, rule.policy)
            for semantic_id, rule in rules.items()
            if rule
        }


def _fitting(descriptors: Iterable[object]) -> Iterator[object]:
    """Yield as many descriptors, written out, as fit on one page; one always does."""
    size = 0
    for descriptor in descriptors:
        written = orjson.dumps(descriptor)
        if size and size + len(written) > PAGE_BYTES_MAX:
            return
        size += len(written)
        yield orjson.Fragment(written)


def _listed(ids: Sequence[str]) -> tuple[str, str]:
    """Return what the ledger says of a page: its ends, and how many there are from the first."""
    ends = f"{ids[0]} to {ids[-1]}" if ids else ""
    return ends, f"{len(ids)} shells"


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(PAGE_SHELLS))
    if not (text.isascii() and text.isdigit() and 0 < len(text) < len("1000000") and int(text)):
        raise PartnerError("connector.protocols.aas:limit_malformed", value=text[:100])
    return min(int(text), PAGE_SHELLS_MAX)


def _page(
    result: list[object] | list[dict[str, object]] | list[str], cursor: str | None
) -> Response:
    paging = {"cursor": cursor} if cursor else {}
    return json_answer({"paging_metadata": paging, "result": result})
