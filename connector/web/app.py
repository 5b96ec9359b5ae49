"""The operator's side as an ASGI application: health, metrics and the management API.

Everything but ``/health/live`` asks for the token of the installation. It is served on
127.0.0.1 only; pages of other sites are kept out by the token and by the host's name.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.errors import DataError, EslabonError, SetupError
from connector.telemetry import EXPOSITION_TYPE
from connector.texts import LANGUAGES
from connector.web.operations import (
    ENTRIES_MAX,
    CollectRequest,
    CredentialOrder,
    ExaminationRequest,
    Operations,
    QuarantineQuery,
    ReplayRequest,
)
from connector.web.processes import ProcessQuery
from connector.web.wire import STATUS_CODES, error_to_json, from_json, to_json

BODY_BYTES_MAX = 64 * 1024
LIVE_PATH = "/health/live"
_HOSTS = ["127.0.0.1", "localhost"]

Endpoint = Callable[[Request], Awaitable[Response]]


def operator_app(operations: Operations, token: str, exposition: Callable[[], bytes]) -> Starlette:
    """Return the application; ``token`` opens it, ``exposition`` gives the metrics' text.

    Raises `SetupError` where the token is empty: that would let everybody in.
    """
    if not token.strip():
        raise SetupError("web:token_empty")
    side = _Side(operations, exposition)
    routes = [
        _get(LIVE_PATH, side.live),
        _get("/health/ready", side.ready),
        _get("/metrics", side.metrics),
        _get("/api/status", side.status),
        _get("/api/quarantine", side.quarantine),
        _get("/api/quarantine/{id:int}", side.show),
        _post("/api/quarantine/replay", side.replay),
        _get("/api/trace/{id:path}", side.trace),
        _post("/api/ingest", side.ingest),
        _post("/api/collections", side.collect),
        _get("/api/collections/{id}", side.collection),
        _get("/api/credentials", side.credentials),
        _post("/api/credentials/requests", side.request_credentials),
        _get("/api/credentials/requests/{id}", side.credential_request),
        _get("/api/processes", side.processes),
        _get("/api/processes/{pid:path}", side.process),
        _post("/api/examinations", side.examine),
    ]
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS),
        Middleware(TokenGate, token=token),
    ]
    return Starlette(
        routes=routes, middleware=middleware, exception_handlers={EslabonError: _refuse}
    )


class TokenGate:
    """Lets a request in only with the token, compared in constant time."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        """Stand before ``app``."""
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] == "http" and scope["path"] != LIVE_PATH:
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, self._expected):
                language = _language(Request(scope))
                refusal = _json(error_to_json(DataError("web:token_wrong"), language), 401)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _Side:
    """One method per address; what they answer is the operations' business."""

    operations: Operations
    exposition: Callable[[], bytes]

    async def live(self, _request: Request) -> Response:
        return _json(b'{"live":true}')

    async def ready(self, _request: Request) -> Response:
        readiness = self.operations.readiness()
        body = to_json({"ready": readiness.ready, "missing": readiness.missing})
        return _json(body, 200 if readiness.ready else 503)

    async def metrics(self, _request: Request) -> Response:
        return Response(self.exposition(), media_type=EXPOSITION_TYPE)

    async def status(self, _request: Request) -> Response:
        return _json(to_json(self.operations.status()))

    async def quarantine(self, request: Request) -> Response:
        asked = request.query_params
        query = QuarantineQuery(
            asked.get("feed", ""),
            asked.get("closed") == "true",
            _number(asked.get("entries_max", "100")),
        )
        return _json(to_json(self.operations.quarantine(query)))

    async def show(self, request: Request) -> Response:
        return _json(to_json(self.operations.show(request.path_params["id"])))

    async def replay(self, request: Request) -> Response:
        wanted = from_json(await _body(request), ReplayRequest)
        return _json(to_json(await run_in_threadpool(self.operations.replay, wanted)))

    async def trace(self, request: Request) -> Response:
        about = request.path_params["id"]
        return _json(to_json(await run_in_threadpool(self.operations.trace, about)))

    async def ingest(self, _request: Request) -> Response:
        return _json(to_json(await run_in_threadpool(self.operations.ingest)))

    async def collect(self, request: Request) -> Response:
        wanted = from_json(await _body(request), CollectRequest)
        return _json(to_json({"id": self.operations.collect(wanted)}), 202)

    async def examine(self, request: Request) -> Response:
        wanted = from_json(await _body(request), ExaminationRequest)
        return _json(to_json(await run_in_threadpool(self.operations.examine, wanted)))

    async def collection(self, request: Request) -> Response:
        return _json(to_json(self.operations.collection(request.path_params["id"])))

    async def credentials(self, _request: Request) -> Response:
        return _json(to_json(self.operations.wallet.report()))

    async def request_credentials(self, request: Request) -> Response:
        wanted = from_json(await _body(request), CredentialOrder)
        return _json(to_json({"id": self.operations.wallet.request(wanted)}), 202)

    async def credential_request(self, request: Request) -> Response:
        return _json(to_json(self.operations.wallet.requested(request.path_params["id"])))

    async def processes(self, request: Request) -> Response:
        asked = request.query_params
        query = ProcessQuery(
            asked.get("partner", ""),
            asked.get("stuck") == "true",
            asked.get("all") == "true",
            _number(asked.get("processes_max", "200")),
        )
        return _json(to_json(self.operations.processes(query)))

    async def process(self, request: Request) -> Response:
        pid = request.path_params["pid"]
        return _json(to_json(await run_in_threadpool(self.operations.process, pid)))


async def _body(request: Request) -> bytes:
    """Return the whole body; raises `DataError` as soon as it is too long."""
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > BODY_BYTES_MAX:
            raise DataError("web:body_too_long", bytes_max=BODY_BYTES_MAX)
        parts.append(part)
    return b"".join(parts)


async def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, EslabonError):  # the signature is the framework's
        raise error
    status = STATUS_CODES.get(type(error), 422)
    return _json(error_to_json(error, _language(request)), status)


def _language(request: Request) -> str:
    asked = request.headers.get("accept-language", "")[:2].lower()
    return asked if asked in LANGUAGES else "en"


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= ENTRIES_MAX:
        raise DataError("web:number_wrong", value=text, most=ENTRIES_MAX)
    return int(text)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


def _get(path: str, endpoint: Endpoint) -> Route:
    return _route(path, endpoint, ["GET"])


def _post(path: str, endpoint: Endpoint) -> Route:
    return _route(path, endpoint, ["POST"])


def _route(path: str, endpoint: Endpoint, methods: Sequence[str]) -> Route:
    return Route(path, endpoint, methods=list(methods))
