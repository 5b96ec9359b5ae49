"""The routes that partners call: our DID document, our credential service, our tokens."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from urllib.parse import parse_qsl

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.errors import EslabonError, PartnerError, SetupError, TransientError
from connector.protocols.dcp.did import document_path
from connector.protocols.dcp.identity import CREDENTIAL_SERVICE_PATH, DcpIdentity
from connector.protocols.dcp.issuance import ISSUANCE_BYTES_MAX
from connector.protocols.dcp.messages import QUERY_BYTES_MAX, UnsupportedQueryError
from connector.protocols.dcp.token_desk import FORM_BYTES_MAX, FORM_FIELDS_MAX, TokenDesk
from connector.protocols.http import TOO_SLOW, bounded_body

TOO_MANY = 429

_JSON = "application/json"
_OWN = "connector.protocols.dcp:"
_STATUSES = {
    "protocols:body_too_large": 413,
    TOO_SLOW: 408,
    _OWN + "query_malformed": 400,
    _OWN + "query_without_scope": 400,
    _OWN + "query_beyond_access": 403,
    _OWN + "issuance_malformed": 400,
    _OWN + "sender_no_issuer": 403,
    _OWN + "delivery_unexpected": 403,
    _OWN + "delivery_not_asked_for": 403,
    _OWN + "delivery_format_unknown": 400,
    _OWN + "delivery_of_other_type": 400,
    _OWN + "type_not_plain": 400,
    _OWN + "offer_of_other": 403,
    _OWN + "token_request_wrong": 400,
    _OWN + "token_secrets_wrong": TOO_MANY,
    _OWN + "token_requests_many": TOO_MANY,
}
_Endpoint = Callable[[Request], Coroutine[None, None, Response]]


def routes(identity: DcpIdentity) -> list[BaseRoute]:
    """Return the DID document's and the credential service's routes, for the public listener."""
    storage, tokens = identity.storage(), identity.token_desk()
    # The second path serves a public address whose own path a proxy takes away.
    places = dict.fromkeys((document_path(identity.did), "/.well-known/did.json", "/did.json"))
    document = _document(orjson.dumps(identity.document()))
    messages = {
        "/presentations/query": _answering(identity.answer_query, QUERY_BYTES_MAX),
        "/credentials": _answering(storage.deliver, ISSUANCE_BYTES_MAX),
        "/offers": _answering(storage.offer, ISSUANCE_BYTES_MAX),
    }
    if tokens is not None:
        messages["/token"] = _granting(tokens)
    return [
        *(Route(place, document, methods=["GET"]) for place in places),
        *(
            Route(CREDENTIAL_SERVICE_PATH + path, endpoint, methods=["POST"])
            for path, endpoint in messages.items()
        ),
    ]


def status_of(trouble: EslabonError) -> int:
    """Return the HTTP status that answers a request which failed with this error."""
    if isinstance(trouble, UnsupportedQueryError):
        return 501
    if not isinstance(trouble, PartnerError):
        return 503
    return _STATUSES.get(trouble.code, 401)


def _document(raw: bytes) -> _Endpoint:
    async def did_document(_: Request) -> Response:
        return Response(raw, media_type=_JSON)

    return did_document


def _answering(
    answer: Callable[[str | None, bytes], Coroutine[None, None, bytes | None]], limit_bytes: int
) -> _Endpoint:
    async def message(request: Request) -> Response:
        try:
            body = await bounded_body(request, limit_bytes)
            said = await answer(request.headers.get("authorization"), body)
        except (PartnerError, TransientError, SetupError) as trouble:
            return _refused(trouble, request)
        return Response(said or b"", media_type=_JSON)

    return message


def _granting(tokens: TokenDesk) -> _Endpoint:
    async def token(request: Request) -> Response:
        try:
            body = await bounded_body(request, FORM_BYTES_MAX)
            granted = tokens.grant(_form(body), _address(request))
        except PartnerError as trouble:
            return _refused(trouble, request)
        return Response(granted, media_type=_JSON, headers={"Cache-Control": "no-store"})

    return token


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("ascii"), max_num_fields=FORM_FIELDS_MAX))
    except ValueError:
        raise PartnerError(_OWN + "token_request_wrong", field="form") from None


def _refused(trouble: EslabonError, request: Request) -> Response:
    log = structlog.get_logger()
    log.warning(
        "request.refused",
        path=request.url.path,
        code=trouble.code,
        who=str(trouble.params.get("who", "?"))[:300],
        address=_address(request),
    )
    # What is wrong with our own set-up is not the partner's to read.
    words = "" if isinstance(trouble, SetupError) else trouble.text().what
    status = status_of(trouble)
    later = {"Retry-After": str(trouble.params["seconds"])} if status == TOO_MANY else None
    return Response(orjson.dumps({"error": words}), status, later, media_type=_JSON)


def _address(request: Request) -> str:
    return request.client.host if request.client else "?"
