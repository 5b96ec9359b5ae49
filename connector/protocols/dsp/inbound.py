"""The addresses of the Dataspace Protocol: catalog, negotiation and transfer, both roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp
from structlog.typing import FilteringBoundLogger

from connector.agreement.model import (
    ContractOffer,
    ContractRequest,
    Letter,
    Negotiation,
    Process,
)
from connector.agreement.negotiation import NegotiationDoor
from connector.agreement.states import NegotiationMessage
from connector.errors import PartnerError
from connector.offer.datasets import Shelf
from connector.partner.model import Caller, Identity
from connector.protocols.dsp import catalog, writing
from connector.protocols.dsp.answering import (
    CATALOG_ERROR,
    NEGOTIATION_ERROR,
    TRANSFER_ERROR,
    Act,
    Addresses,
    Endpoint,
    Refusal,
    UnknownDatasetError,
    json_answer,
)
from connector.protocols.dsp.discovery import Whereabouts, version_document
from connector.protocols.dsp.messages import (
    BASE_PATH,
    CONTEXT,
    VERSION,
    WELL_KNOWN,
    ProcessContent,
)
from connector.protocols.dsp.query import cursor_of, page_of, query_from_cursor, query_from_wire
from connector.protocols.dsp.reading import (
    negotiation_from_wire,
    offer_from_wire,
    request_from_wire,
    transfer_from_wire,
    transfer_request_from_wire,
)
from connector.protocols.http import bounded_body, host_of
from connector.store.signals import durable
from connector.transfer.delivery import DeliveryDoor
from connector.transfer.model import TransferRequest
from connector.transfer.states import TransferMessage

BODY_BYTES_MAX = 1024 * 1024

FirstT = TypeVar("FirstT", ContractRequest, ContractOffer, TransferRequest)

_NEGOTIATION_PATHS = {
    "request": NegotiationMessage.REQUEST,
    "offers": NegotiationMessage.OFFER,
    "events": NegotiationMessage.ACCEPTANCE,
    "agreement": NegotiationMessage.AGREEMENT,
    "agreement/verification": NegotiationMessage.VERIFICATION,
    "termination": NegotiationMessage.TERMINATION,
}
_TRANSFER_PATHS = {
    "start": TransferMessage.START,
    "suspension": TransferMessage.SUSPENSION,
    "completion": TransferMessage.COMPLETION,
    "termination": TransferMessage.TERMINATION,
}


@dataclass(frozen=True, slots=True)
class Desk:
    """All that answering takes; ``public_url`` is our address as partners see it."""

    identity: Identity
    whereabouts: Whereabouts
    negotiation: NegotiationDoor
    delivery: DeliveryDoor
    shelf: Shelf
    public_url: str
    # Every message is a line: it is not worked out anew each time where lines go.
    log: FilteringBoundLogger = field(default_factory=lambda: structlog.get_logger().bind())

    @property
    def base_url(self) -> str:
        """Where our protocol endpoint begins: also the callback address of our messages."""
        return self.public_url.rstrip("/") + BASE_PATH

    def refusing(self, kind: str) -> Refusal:
        """Return how addresses refuse whose error bodies are of that type."""
        return Refusal(kind, self.identity, partial(durable, self.negotiation.ports.db))


def routes(desk: Desk) -> list[BaseRoute]:
    """Return the partners' side of the protocol: version documents and all of 2025-1."""
    inner = Addresses([*_catalog(desk), *_negotiation(desk), *_transfer(desk)])
    parent = BASE_PATH.removesuffix(f"/{VERSION}")
    return [
        Route(WELL_KNOWN, _versions(BASE_PATH), methods=["GET"]),
        Route(parent + WELL_KNOWN, _versions(f"/{VERSION}"), methods=["GET"]),
        Mount(BASE_PATH, app=inner),
    ]


def _versions(path: str) -> ASGIApp:
    document = version_document(path)

    async def versions(_: Request) -> Response:
        return json_answer(document)

    return Endpoint(versions)


def _catalog(desk: Desk) -> list[Route]:
    endpoint = desk.refusing(CATALOG_ERROR).endpoint
    return [
        # The next page is the address in the Link header, whichever way it is asked for.
        Route("/catalog/request", endpoint(_catalog_page(desk)), methods=["POST", "GET"]),
        Route("/catalog/datasets/{dataset_id:path}", endpoint(_dataset(desk)), methods=["GET"]),
    ]


def _catalog_page(desk: Desk) -> Act:
    async def act(request: Request, caller: Caller) -> Response:
        raw = await bounded_body(request, BODY_BYTES_MAX)
        cursor = request.query_params.get("cursor")
        query = query_from_cursor(cursor) if cursor else query_from_wire(raw)
        visible = desk.shelf.visible_to(caller, desk.negotiation.ports.clock())
        page, following = page_of(visible, query)
        headers = {}
        if following is not None:
            url = f"{desk.base_url}/catalog/request?cursor={cursor_of(following)}"
            headers["Link"] = f'<{url}>; rel="next"'
        us = desk.negotiation.ports.us
        return json_answer(catalog.catalog_to_wire(page, us, desk.base_url), headers=headers)

    return act


def _dataset(desk: Desk) -> Act:
    async def act(request: Request, caller: Caller) -> Response:
        dataset_id = request.path_params["dataset_id"]
        found = desk.shelf.find(dataset_id, caller, desk.negotiation.ports.clock())
        if found is None:
            raise UnknownDatasetError(
                "connector.protocols.dsp:dataset_unknown", dataset=dataset_id
            )
        body = {"@context": [CONTEXT], **catalog.dataset_to_wire(found, desk.base_url)}
        return json_answer(body)

    return act


def _beginning(
    desk: Desk, read: Callable[[bytes], FirstT], receive: Callable[[Letter, FirstT], Process[Any]]
) -> Act:
    """Return what takes in the first message of a process, its callback address checked."""

    async def act(asked: Request, caller: Caller) -> Response:
        raw = await bounded_body(asked, BODY_BYTES_MAX)
        content = read(raw)
        await _check_callback(desk, caller, content.callback_address)
        process = receive(Letter(caller, raw), content)
        _log(desk, process, content)
        return _state_of(process, 201)

    return act


def _negotiation(desk: Desk) -> list[Route]:
    door = desk.negotiation

    async def shown(asked: Request, caller: Caller) -> Response:
        return _state_of(door.of(caller.did, asked.path_params["pid"]))

    def taking(message: NegotiationMessage) -> Act:
        async def act(asked: Request, caller: Caller) -> Response:
            raw = await bounded_body(asked, BODY_BYTES_MAX)
            content = negotiation_from_wire(raw, message)
            process = door.receive(Letter(caller, raw), asked.path_params["pid"], content)
            return _taken(desk, process, content)

        return act

    acts = {f"/{{pid}}/{path}": taking(message) for path, message in _NEGOTIATION_PATHS.items()}
    acts |= {
        "/request": _beginning(desk, request_from_wire, door.receive_request),
        "/offers": _beginning(desk, offer_from_wire, door.receive_offer),
    }
    return _process_routes("/negotiations", desk.refusing(NEGOTIATION_ERROR), acts, shown)


def _transfer(desk: Desk) -> list[Route]:
    door = desk.delivery

    async def shown(asked: Request, caller: Caller) -> Response:
        return _state_of(door.of(caller.did, asked.path_params["pid"]))

    def taking(message: TransferMessage) -> Act:
        async def act(asked: Request, caller: Caller) -> Response:
            raw = await bounded_body(asked, BODY_BYTES_MAX)
            content = transfer_from_wire(raw, message)
            process = door.receive(Letter(caller, raw), asked.path_params["pid"], content)
            return _taken(desk, process, content)

        return act

    acts = {f"/{{pid}}/{path}": taking(message) for path, message in _TRANSFER_PATHS.items()}
    acts |= {"/request": _beginning(desk, transfer_request_from_wire, door.receive_request)}
    return _process_routes("/transfers", desk.refusing(TRANSFER_ERROR), acts, shown)


def _process_routes(
    root: str, refusal: Refusal, acts: Mapping[str, Act], shown: Act
) -> list[Route]:
    routes = [
        Route(root + path, refusal.endpoint(act), methods=["POST"]) for path, act in acts.items()
    ]
    return [*routes, Route(f"{root}/{{pid}}", refusal.endpoint(shown), methods=["GET"])]


async def _check_callback(desk: Desk, caller: Caller, address: str) -> None:
    """Refuse a callback address for which the caller's own document does not vouch."""
    host = host_of(address)
    if host not in await desk.whereabouts.vouched_hosts(caller.did):
        raise PartnerError("protocols:host_not_vouched", url=address, host=host)


def _taken(desk: Desk, process: Process[Any], content: ProcessContent) -> Response:
    _log(desk, process, content)
    return Response(status_code=200)


def _state_of(process: Process[Any], status: int = 200) -> Response:
    kind = "ContractNegotiation" if isinstance(process, Negotiation) else "TransferProcess"
    return json_answer(writing.acknowledgement(kind, process), status)


def _log(desk: Desk, process: Process[Any], content: ProcessContent) -> None:
    desk.log.info(
        "message.received",
        message=content.message,
        process=process.pid,
        partner=process.bpnl,
        state=process.phase,
    )
