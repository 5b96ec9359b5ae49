"""Renews access tokens: ``POST /refresh/token`` (Tractus-X refresh token grant profile, 3).

The form of OAuth 2.0 (RFC 6749, 6) in the body, or as the connectors of Tractus-X send it in
the address. What is refused is answered with an error of RFC 6749, 5.2, and one line in the
log names whom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.errors import EslabonError, PartnerError, TransientError
from connector.partner.model import Renewals
from connector.partner.rates import Rates, TooManyRequestsError
from connector.protocols.http import bounded_body
from connector.transfer.addresses import REFRESH_PATH
from connector.transfer.refresh_desk import RefreshDesk, Refreshed
from connector.transfer.tally import Tally

FORM_BYTES_MAX = 16 * 1024
FIELDS_MAX = 10
TOKEN_CHARACTERS_MAX = 4096

_MALFORMED = "protocols:refresh_malformed"
_GRANT_UNKNOWN = "protocols:grant_unknown"
_TOO_LARGE = "protocols:body_too_large"
_CODES = {
    _MALFORMED: (400, "invalid_request"),
    "protocols:body_cut_off": (400, "invalid_request"),
    _GRANT_UNKNOWN: (400, "unsupported_grant_type"),
    _TOO_LARGE: (413, "invalid_request"),
}
_ADMISSION = "transfer:"


@dataclass(frozen=True, slots=True)
class RefreshPlane:
    """The partners' side of the desk; ``renewals`` proves who asks."""

    desk: RefreshDesk
    renewals: Renewals
    rates: Rates
    tally: Tally

    def routes(self) -> list[BaseRoute]:
        """Return the route, with and without the last part that some leave out."""
        return [
            Route(path, self._answer, methods=["POST"])
            for path in (f"{REFRESH_PATH}/token", REFRESH_PATH)
        ]

    async def _answer(self, request: Request) -> Response:
        try:
            refreshed = await self._refreshed(request)
        except (PartnerError, TransientError) as error:
            return self._refused(request, error)
        self.tally.count("provider", "repeated" if refreshed.is_repeated else "renewed")
        return _json(_body(refreshed), 200)

    async def _refreshed(self, request: Request) -> Refreshed:
        form = _form(request, await bounded_body(request, FORM_BYTES_MAX))
        token = form.get("refresh_token", "")
        if not 0 < len(token) <= TOKEN_CHARACTERS_MAX:
            raise PartnerError(_MALFORMED, field="refresh_token")
        if form.get("grant_type") != "refresh_token":
            raise PartnerError(_GRANT_UNKNOWN, given=form.get("grant_type", "")[:100])
        renewal = await self.renewals.renewal(request.headers.get("authorization"))
        self.rates.take(renewal.caller.bpnl if renewal.caller else renewal.did)
        refreshed = await self.desk.refresh(renewal, token)
        structlog.get_logger().info(
            "access.refreshed",
            partner=renewal.did,
            transfer=refreshed.transfer_pid,
            repeated=refreshed.is_repeated,
        )
        return refreshed

    def _refused(self, request: Request, error: EslabonError) -> Response:
        status, code = _status(error)
        self.tally.count("provider", "refused" if isinstance(error, PartnerError) else "delayed")
        structlog.get_logger().warning(
            "refresh.refused",
            partner=str(error.params.get("partner") or error.params.get("who") or "unproven")[
                :300
            ],
            status=status,
            code=error.code,
            reason=error.text().what[:1000],
            address=request.client.host if request.client else "?",
        )
        answer = _json({"error": code, "error_description": error.text().what}, status)
        if isinstance(error, TooManyRequestsError):
            answer.headers["Retry-After"] = str(error.retry_seconds)
        return answer


def _form(request: Request, body: bytes) -> Mapping[str, str]:
    try:
        fields = parse_qsl(body.decode("ascii"), max_num_fields=FIELDS_MAX)
    except ValueError:
        raise PartnerError(_MALFORMED, field="form") from None
    return {**request.query_params, **dict(fields)}


def _body(refreshed: Refreshed) -> Mapping[str, object]:
    return {
        "access_token": refreshed.pair.access,
        "refresh_token": refreshed.pair.refresh,
        "expires_in": refreshed.expires_seconds,
        "token_type": "bearer",
    }


def _status(error: EslabonError) -> tuple[int, str]:
    if isinstance(error, TooManyRequestsError):
        return 429, "slow_down"
    if isinstance(error, TransientError):
        return 503, "temporarily_unavailable"
    if error.code.startswith(_ADMISSION):
        return 403, "invalid_grant"
    return _CODES.get(error.code, (401, "invalid_client"))


def _json(body: Mapping[str, object], status: int) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
