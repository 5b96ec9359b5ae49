"""The secure token service: another program of ours gets tokens in our name, by a secret.

Source: DCP 1.0's OpenAPI description of it, which is not normative; RFC 6749, 4.4.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from connector.errors import DataError, PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.self_issuer import SelfIssuer

FORM_BYTES_MAX = 64 * 1024
FORM_FIELDS_MAX = 20
GRANT = "client_credentials"


@dataclass(frozen=True, slots=True)
class TokenClient:
    """The one program that may ask for tokens in our name."""

    client_id: str
    secret: str = field(repr=False)


class TokenDesk:
    """Answers token requests of one client; any other is refused."""

    def __init__(self, client: TokenClient, issuer: SelfIssuer) -> None:
        self._client = client
        self._issuer = issuer

    def grant(self, form: Mapping[str, str]) -> bytes:
        """Return the answer that brings a token for ``audience``.

        With ``bearer_access_scope`` the token opens our credential service for these scopes;
        with ``token`` it hands back the access that a partner gave us; with neither it opens
        nothing. Raises `PartnerError` when the client or its request is wrong.
        """
        self._check_client(form)
        audience = _audience(form)
        if form.get("grant_type") != GRANT:
            raise _refusal("token_request_wrong", field="grant_type")
        scope, token = form.get("bearer_access_scope", ""), form.get("token", "")
        if scope and token:
            raise _refusal("token_request_wrong", field="bearer_access_scope + token")
        if scope:
            made = self._issuer.token_for(audience, scope)
        else:
            made = self._issuer.token_with(audience, token)
        seconds = self._issuer.lifetimes.token_seconds
        return orjson.dumps({"access_token": made, "token_type": "Bearer", "expires_in": seconds})

    def _check_client(self, form: Mapping[str, str]) -> None:
        given = (form.get("client_id", ""), form.get("client_secret", ""))
        known = (self._client.client_id, self._client.secret)
        # Both are compared, and in constant time, so that an answer's time tells nothing.
        same = [
            hmac.compare_digest(one.encode(), other.encode())
            for one, other in zip(given, known, strict=True)
        ]
        if not all(same):
            raise _refusal("token_client_refused")


def _audience(form: Mapping[str, str]) -> Did:
    try:
        return Did.parse(form.get("audience", ""))
    except DataError:
        raise _refusal("token_request_wrong", field="audience") from None


def _refusal(key: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", **params)
