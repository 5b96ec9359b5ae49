"""The routes that partners call: our DID document and our credential service."""

from __future__ import annotations

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.errors import EslabonError, PartnerError, SetupError, TransientError
from connector.protocols.dcp.did import document_path
from connector.protocols.dcp.identity import CREDENTIAL_SERVICE_PATH, DcpIdentity
from connector.protocols.dcp.messages import QUERY_BYTES_MAX, UnsupportedQueryError
from connector.protocols.http import bounded_body

_JSON = "application/json"
_OWN = "connector.protocols.dcp:"
_WRONG_QUERY = frozenset(_OWN + key for key in ("query_malformed", "query_without_scope"))


def routes(identity: DcpIdentity) -> list[BaseRoute]:
    """Return the DID document's and the credential service's routes, for the public listener."""
    raw = orjson.dumps(identity.document())

    async def did_document(_: Request) -> Response:
        return Response(raw, media_type=_JSON)

    async def presentation_query(request: Request) -> Response:
        try:
            body = await bounded_body(request, QUERY_BYTES_MAX)
            answer = await identity.answer_query(request.headers.get("authorization"), body)
        except (PartnerError, TransientError, SetupError) as trouble:
            return _refused(trouble)
        return Response(answer, media_type=_JSON)

    # The second path serves a public address whose own path a proxy takes away.
    places = dict.fromkeys((document_path(identity.did), "/.well-known/did.json", "/did.json"))
    query = f"{CREDENTIAL_SERVICE_PATH}/presentations/query"
    return [
        *(Route(place, did_document, methods=["GET"]) for place in places),
        Route(query, presentation_query, methods=["POST"]),
    ]


def status_of(trouble: EslabonError) -> int:
    """Return the HTTP status that answers a request which failed with this error."""
    if isinstance(trouble, UnsupportedQueryError):
        return 501
    if not isinstance(trouble, PartnerError):
        return 503
    if trouble.code == "protocols:body_too_large":
        return 413
    return 400 if trouble.code in _WRONG_QUERY else 401


def _refused(trouble: EslabonError) -> Response:
    status = status_of(trouble)
    log = structlog.get_logger()
    log.warning("presentation.refused", code=trouble.code, who=str(trouble.params.get("who", "?")))
    # What is wrong with our own set-up is not the partner's to read.
    words = "" if isinstance(trouble, SetupError) else trouble.text().what
    return Response(orjson.dumps({"error": words}), status, media_type=_JSON)
