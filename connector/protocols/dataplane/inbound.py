"""Serves the value of one aspect of one twin to the holder of a grant for that aspect.

AAS Part 2, V3.1, submodel profile SSP-003: value only. The plain address and the one with
``$value`` answer the same, since readers in the field use either. This is what partners ask
for most, so it is a plain ASGI application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

from connector.errors import DataError, PartnerError, TransientError
from connector.identifiers import SemanticId
from connector.offer.model import DatasetKind
from connector.partner.rates import Rates
from connector.protocols.dataplane.representation import (
    NOTHING_ASKED,
    Asked,
    Representation,
    UnsatisfiableRangeError,
    represent,
)
from connector.protocols.result import NOT_FOUND, failure, refusal
from connector.texts import say
from connector.transfer.addresses import DATA_PATH, slug, uuid_of
from connector.transfer.gate import Gate, Visitor
from connector.transfer.ledger import Deed, Ledger
from connector.twin.reading import SubmodelValue, TwinReader

# Beyond it, finding the right form takes longer than others should wait for the loop.
INLINE_BYTES_MAX = 128 * 1024

_FORMS = frozenset({b"range", b"if-range", b"if-none-match", b"accept-encoding"})
_JSON = "application/json"
_METHODS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class DataPlane:
    """What submodel values are answered from; an ASGI application."""

    gate: Gate
    twins: TwinReader
    ledger: Ledger
    rates: Rates

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the data plane, below ``/data``."""
        return [Mount(DATA_PATH, app=self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            if scope["method"] not in _METHODS:
                answer = Response(status_code=405, headers={"allow": ", ".join(_METHODS)})
                await answer(scope, receive, send)
                return
            found = await self._value(scope)
        except UnsatisfiableRangeError as error:
            headers = {"content-range": f"bytes */{error.size}"}
            text = str(say("protocols:range_unsatisfiable", size=error.size))
            await failure(416, text, headers)(scope, receive, send)
        except (PartnerError, DataError, TransientError) as error:
            await refusal(scope["path"], error)(scope, receive, send)
        else:
            await _answer(found, scope["method"], send)

    async def _value(self, scope: Scope) -> Representation:
        headers = Headers(raw=scope["headers"])
        visitor = await self.gate.admit(headers, DatasetKind.SUBMODELS)
        self.rates.take(visitor.access.partner_bpnl)
        value = self._visible(scope["path"], visitor)
        found = await represented(value.payload, asked_in(scope["headers"], scope["method"]))
        await self.ledger.record(deed_of(visitor, value, found))
        return found

    def _visible(self, path: str, visitor: Visitor) -> SubmodelValue:
        """Return the value if the token's dataset and the partner's rules open it."""
        shell, aspect = _named(path)
        semantic_id = opened(visitor, aspect)
        shell_id = uuid_of(shell)
        return seen(visitor, self.twins.submodel(shell_id, semantic_id) if shell_id else None)


def opened(visitor: Visitor, aspect: str) -> SemanticId:
    """Return the aspect of a path; raises `PartnerError` if the token is for another."""
    semantic_id = visitor.dataset.semantic_id
    if semantic_id is None or aspect != slug(semantic_id):
        raise PartnerError("transfer:wrong_dataset", partner=visitor.access.partner_bpnl)
    return semantic_id


def seen(visitor: Visitor, value: SubmodelValue | None) -> SubmodelValue:
    """Return a value that the partner's rules open; raises `PartnerError` for any other."""
    dataset = visitor.dataset
    if (
        value is None
        or dataset.semantic_id is None
        or not visitor.sight.reads(value.audience, dataset.semantic_id, dataset.policy_name)
    ):
        raise PartnerError(NOT_FOUND)
    return value


def deed_of(visitor: Visitor, value: SubmodelValue, found: Representation) -> Deed:
    """Return what the ledger says of an answer."""
    detail = f"{visitor.dataset.semantic_id} {found.part}".rstrip()
    return Deed(visitor.access, "submodel.read", value.global_asset_id, detail)


def _named(path: str) -> tuple[str, str]:
    """Return shell and aspect of ``/data/SHELL/ASPECT/submodel``, with or without ``$value``."""
    parts = path.removeprefix(DATA_PATH).split("/")
    match parts:
        case ["", shell, aspect, "submodel"] | ["", shell, aspect, "submodel", "$value"]:
            return shell, aspect
    raise PartnerError(NOT_FOUND)


def asked_in(headers: Iterable[tuple[bytes, bytes]], method: str) -> Asked:
    """Return what a GET asks about the form; of several headers of one name, the last."""
    given: Mapping[bytes, bytes] = {name: value for name, value in headers if name in _FORMS}
    if not given or method == "HEAD":
        return NOTHING_ASKED
    words = {
        name.decode().replace("-", "_"): text.decode("latin-1") for name, text in given.items()
    }
    return Asked(**words)


def is_quick(payload: bytes, asked: Asked) -> bool:
    """Return whether the loop can find the form that is asked for by itself."""
    return len(payload) <= INLINE_BYTES_MAX or asked is NOTHING_ASKED


async def represented(payload: bytes, asked: Asked) -> Representation:
    """Return the form of a value that is asked for, found beside the loop where it is large."""
    if is_quick(payload, asked):
        return represent(payload, asked)
    return await asyncio.to_thread(represent, payload, asked)


def headers_of(found: Representation) -> dict[str, str]:
    """Return the headers of an answer."""
    if found.status == 304:  # noqa: PLR2004 - has no content to describe
        return dict(found.headers)
    return {**found.headers, "content-length": str(len(found.body)), "content-type": _JSON}


async def _answer(found: Representation, method: str, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in headers_of(found).items()]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    body = b"" if method == "HEAD" else found.body
    await send({"type": "http.response.body", "body": body})
