"""Answers of the AAS interfaces: JSON bodies, and errors as their ``Result`` with messages.

Specification of the Asset Administration Shell, Part 2 (IDTA 01002-3-1), 12.2.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response

from connector.errors import DataError, EslabonError, PartnerError, TransientError
from connector.partner.model import UnprovenHolderError
from connector.partner.rates import TooManyRequestsError
from connector.protocols.http import TOO_SLOW
from connector.texts import say
from connector.transfer.access import TOKEN_MISSING

Endpoint = Callable[[Request], Awaitable[Response]]

NOT_FOUND = "protocols:not_found"
UNSUPPORTED = "protocols:unsupported"

_ADMISSION = "transfer:"
_STATUS = {TOKEN_MISSING: 401, NOT_FOUND: 404, TOO_SLOW: 408, UNSUPPORTED: 501}


def json_answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a body as JSON."""
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


async def answered(endpoint: Endpoint, request: Request) -> Response:
    """Return what an endpoint answers, or the refusal that it raises on purpose, logged."""
    try:
        return await endpoint(request)
    except (PartnerError, DataError, TransientError) as error:
        return refusal(request.url.path, error)


def refusal(path: str, error: EslabonError) -> Response:
    """Return what is answered to a request that an error ended, and log it."""
    if isinstance(error, TooManyRequestsError):
        # Who floods us is told of where it is counted, once in a while.
        return failure(429, str(error.text()), {"Retry-After": str(error.retry_seconds)})
    status = _status(error)
    structlog.get_logger().info(
        "read.refused",
        path=path,
        status=status,
        code=error.code,
        partner=error.params.get("partner") or error.params.get("who"),
    )
    return failure(status, str(error.text()))


def failure(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as a Result with one message."""
    message = {
        "code": str(status),
        "messageType": "Error",
        "text": text,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    return json_answer({"messages": [message]}, status, headers)


async def unsupported(_request: Request) -> Response:
    """Answer whatever the specification knows and this connector does not offer."""
    return failure(501, str(say(UNSUPPORTED)))


def _status(error: EslabonError) -> int:
    if isinstance(error, TransientError):
        return 503
    if isinstance(error, UnprovenHolderError):
        return 401
    if error.code.startswith(_ADMISSION):
        return _STATUS.get(error.code, 403)
    return _STATUS.get(error.code, 400)
