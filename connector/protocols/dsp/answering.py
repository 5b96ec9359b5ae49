"""What every answer to a partner has in common: who asks, and what an error looks like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.agreement.process import UnknownProcessError
from connector.errors import DataError, EslabonError, PartnerError, TransientError
from connector.partner.model import Caller, Identity
from connector.partner.rates import TooManyRequestsError
from connector.protocols.dsp.writing import failure
from connector.protocols.http import TOO_SLOW
from connector.texts import Text

Act = Callable[[Request, Caller], Awaitable[Response]]

CATALOG_ERROR = "CatalogError"
NEGOTIATION_ERROR = "ContractNegotiationError"
TRANSFER_ERROR = "TransferError"
REASON_CHARACTERS_MAX = 1000

_KINDS = {"/negotiations": NEGOTIATION_ERROR, "/transfers": TRANSFER_ERROR}


class UnprovenError(PartnerError):
    """The sender of a request did not prove who it is."""


class UnknownDatasetError(PartnerError):
    """No such dataset, or none for this caller: both are told the same."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Answers requests without the layers that a framework puts around a plain function."""

    answer: Callable[[Request], Awaitable[Response]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self.answer(Request(scope, receive, send))
        await response(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How one group of addresses refuses: the type of its error bodies.

    Nothing is answered, nor refused, before all that is known is ``durable``.
    """

    kind: str
    identity: Identity
    durable: Callable[[], Awaitable[None]]

    def endpoint(self, act: Act) -> ASGIApp:
        """Return an endpoint that proves the caller first, and words every error."""

        async def answer(request: Request) -> Response:
            caller: Caller | None = None
            try:
                caller = await self._proven(request)
                return await self._answered(act(request, caller))
            except TooManyRequestsError as error:
                # Who floods us is told of where it is counted, once in a while.
                body, headers = self._body(request, error), retry_after(error.retry_seconds)
                return json_answer(body, 429, headers)
            except (PartnerError, DataError, TransientError) as error:
                status = status_of(error)
                # Who is only said to have sent it, where the proof failed.
                who = caller.did if caller else _claimed(error)
                structlog.get_logger().warning(
                    "message.rejected",
                    path=request.url.path,
                    partner=who,
                    status=status,
                    proven=caller is not None,
                    reason=str(error)[:REASON_CHARACTERS_MAX],
                )
                return json_answer(self._body(request, error), status)

        return Endpoint(answer)

    async def _answered(self, acting: Awaitable[Response]) -> Response:
        try:
            return await acting
        finally:
            await self.durable()

    async def _proven(self, request: Request) -> Caller:
        try:
            return await self.identity.authenticate(request.headers.get("authorization"))
        except PartnerError as error:
            raise UnprovenError(error.code, **error.params) from error

    def _body(self, request: Request, error: EslabonError) -> Mapping[str, object]:
        pids = {}
        if self.kind != CATALOG_ERROR:
            # The schema wants both ids; the one in the address is all that is sure.
            pid = request.path_params.get("pid", "unknown")
            pids = {"providerPid": pid, "consumerPid": pid}
        return failure(self.kind, pids, error.code.rpartition(":")[2], _reasons(error.text()))


def _claimed(error: EslabonError) -> str:
    return str(error.params.get("sender", error.params.get("who", "?")))[:300]


class Addresses:
    """Routes below one path; an address means the same with and without a slash at its end.

    What is posted to ``/kind/action`` or ``/kind/{pid}/action`` is found in one look, where a
    router would try one expression after the other; all else is left to the router.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._router = Router(routes, redirect_slashes=False)
        posts = {one.path: one.app for one in routes if "POST" in (one.methods or ())}
        self._beginnings = {path: app for path, app in posts.items() if "{" not in path}
        self._actions = {path: app for path, app in posts.items() if "/{pid}/" in path}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on without the slash."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path.endswith("/") and path != "/":
            path = path.rstrip("/")
            scope = {**scope, "path": path}
        app: ASGIApp = self._router
        if scope.get("method") == "POST":
            app = self._posted(path.removeprefix(scope.get("root_path", "")), scope) or app
        await app(scope, receive, send)

    def _posted(self, path: str, scope: Scope) -> ASGIApp | None:
        """Return what answers a POST, if it is found in one look."""
        found = self._beginnings.get(path)
        segments = path.split("/", 3)
        if found is None and len(segments) > 3 and segments[2]:  # noqa: PLR2004 - kind, pid, action
            _, kind, pid, action = segments
            found = self._actions.get(f"/{kind}/{{pid}}/{action}")
            if found is not None:
                scope["path_params"] = {"pid": pid}
        return found


def busy(path: str, text: Text, retry_seconds: int) -> Response:
    """Return the answer to a request that comes at a bad time, whoever sent it (503)."""
    kind = next((kind for part, kind in _KINDS.items() if part in path), CATALOG_ERROR)
    pids = {} if kind == CATALOG_ERROR else {"providerPid": "unknown", "consumerPid": "unknown"}
    body = failure(kind, pids, "busy", _reasons(text))
    return json_answer(body, 503, retry_after(retry_seconds))


def retry_after(seconds: int) -> Mapping[str, str]:
    """Return the header that says when to come again (RFC 9110, 10.2.3)."""
    return {"Retry-After": str(seconds)}


def _reasons(text: Text) -> list[str]:
    return [part for part in (text.what, text.why, text.fix) if part]


def status_of(error: EslabonError) -> int:
    """Return the HTTP status that says whose move is next."""
    match error:
        case TransientError():
            return 503
        case UnknownProcessError() | UnknownDatasetError():
            return 404
        case UnprovenError():
            return 401
    return 408 if error.code == TOO_SLOW else 400


def json_answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a body as JSON."""
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
