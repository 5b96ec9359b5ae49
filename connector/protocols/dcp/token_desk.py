"""The secure token service: another program of ours gets tokens in our name, by a secret.

Source: DCP 1.0's OpenAPI description of it, which is not normative; RFC 6749, 4.4. Guessing
the secret is slow: wrong ones are counted by the address that they come from, and only that
address waits. A program that knows the secret is not locked out by those who do not.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import orjson

from connector.errors import DataError, PartnerError
from connector.identifiers import Did
from connector.protocols.dcp.attempts import Allowance, Allowances, place_of
from connector.protocols.dcp.self_issuer import SelfIssuer

FORM_BYTES_MAX = 64 * 1024
FORM_FIELDS_MAX = 20
GRANT = "client_credentials"
# From one address: ten wrong secrets, then one in ten seconds.
WRONG_SECRETS = Allowance(at_once=10, per_second=0.1)
# Signing takes processor time that exchange needs: far more than a connector asks for.
TOKENS = Allowance(at_once=1_000, per_second=500)


@dataclass(frozen=True, slots=True)
class TokenClient:
    """The one program that may ask for tokens in our name."""

    client_id: str
    secret: str = field(repr=False)


class TokenDesk:
    """Answers token requests of one client; any other is refused."""

    def __init__(
        self, client: TokenClient, issuer: SelfIssuer, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._issuer = issuer
        self._clock = clock
        self._wrong = Allowances(WRONG_SECRETS)
        self._granted = Allowances(TOKENS)

    def grant(self, form: Mapping[str, str], address: str) -> bytes:
        """Return the answer that brings a token for ``audience`` to who asks from ``address``.

        With ``bearer_access_scope`` the token opens our credential service for these scopes;
        with ``token`` it hands back the access that a partner gave us; with neither it opens
        nothing. Raises `PartnerError` when the client or its request is wrong, or comes too
        often; the parameter ``seconds`` says when to come again.
        """
        self._check_client(form, place_of(address))
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

    def _check_client(self, form: Mapping[str, str], place: str) -> None:
        now = self._clock().timestamp()
        # Before the secret is looked at: a right guess among too many must not be noticed.
        if seconds := self._wrong.wait_seconds(place, now):
            raise _refusal("token_secrets_wrong", place=place, seconds=seconds)
        if not self._knows(form.get("client_id", ""), form.get("client_secret", "")):
            self._wrong.use(place, now)
            raise _refusal("token_client_refused", place=place)
        if seconds := self._granted.wait_seconds(GRANT, now):
            raise _refusal("token_requests_many", seconds=seconds)
        self._granted.use(GRANT, now)

    def _knows(self, client_id: str, secret: str) -> bool:
        # Digests are of one length, and both are compared, so that time tells nothing.
        by_name = hmac.compare_digest(_digest(client_id), _digest(self._client.client_id))
        by_secret = hmac.compare_digest(_digest(secret), _digest(self._client.secret))
        return by_name and by_secret


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _audience(form: Mapping[str, str]) -> Did:
    try:
        return Did.parse(form.get("audience", ""))
    except DataError:
        raise _refusal("token_request_wrong", field="audience") from None


def _refusal(key: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", **params)
