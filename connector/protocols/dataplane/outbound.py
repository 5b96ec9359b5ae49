"""Asks providers to renew our access tokens (Tractus-X refresh token grant profile, 3).

The form goes in the body, as OAuth 2.0 has it; connectors of Tractus-X before 0.12 read it in
the address alone and answer 400 to ours, so it is then sent there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

import msgspec

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.partner.model import Renewals
from connector.protocols.http import Answer, GuardedClient
from connector.transfer.model import AccessGrant, RefreshTerms, TokenAnswer

ANSWER_BYTES_MAX = 64 * 1024
TOKEN_CHARACTERS_MAX = 16 * 1024
EXPIRES_SECONDS_MAX = 30 * 24 * 3600

_BAD_REQUEST = 400
_FORM = "application/x-www-form-urlencoded"
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TOKEN_CHARACTERS_MAX)]
_Seconds = Annotated[int, msgspec.Meta(ge=0)]

Hosts = Callable[[Did], Awaitable[frozenset[str]]]


class _Tokens(msgspec.Struct):
    access_token: _Text
    refresh_token: _Text | None = None
    expires_in: _Seconds | None = None
    # Older connectors of Tractus-X call it so.
    expires: _Seconds | None = None


# Lenient: the profile's own example has the seconds as a text.
_ANSWER = msgspec.json.Decoder(_Tokens, strict=False)


@dataclass(frozen=True, slots=True)
class RefreshClient:
    """Implements `connector.transfer.refresher.TokenSource`; ``hosts`` bounds where it asks."""

    client: GuardedClient
    renewals: Renewals
    hosts: Hosts

    async def renewed(self, grant: AccessGrant) -> TokenAnswer:
        """Return what follows the tokens of a grant.

        Raises `PartnerError` when the provider refuses, answers nonsense, or names an
        address on a foreign host, and `TransientError` when it is not reached.
        """
        terms = grant.refresh or RefreshTerms("")
        url = _address(terms.endpoint or grant.endpoint)
        form = urlencode({"grant_type": "refresh_token", "refresh_token": terms.token})
        answer = await self._ask(grant, url, form.encode())
        if answer.status == _BAD_REQUEST:
            mark = "&" if "?" in url else "?"
            answer = await self._ask(grant, f"{url}{mark}{form}", b"")
        return tokens_from_wire(answer, terms)

    async def _ask(self, grant: AccessGrant, url: str, body: bytes) -> Answer:
        audience = grant.refresh.audience if grant.refresh else ""
        sent = await self.renewals.renewal_authorization(grant.partner, audience, grant.token)
        headers = {"Authorization": sent, "Content-Type": _FORM, "Accept": "application/json"}
        client = self.client.reaching(await self.hosts(grant.partner))
        return await client.request(
            "POST", url, headers=headers, body=body, limit_bytes=ANSWER_BYTES_MAX
        )


def tokens_from_wire(answer: Answer, terms: RefreshTerms) -> TokenAnswer:
    """Return the tokens of an answer; without a new refresh token the old one stays.

    Raises `PartnerError` for a refusal and for an answer that cannot be understood, and
    `TransientError` where the provider asks to come again.
    """
    # What was asked may stand in the address: it must not reach a message.
    plain = Answer(answer.status, answer.headers, answer.body, answer.url.partition("?")[0])
    try:
        tokens = _ANSWER.decode(plain.expect_success().body)
    except (msgspec.MsgspecError, RecursionError) as trouble:
        raise PartnerError(
            "protocols:tokens_malformed", url=plain.url, reason=trouble
        ) from trouble
    seconds = tokens.expires if tokens.expires_in is None else tokens.expires_in
    lasting = None if seconds is None else min(seconds, EXPIRES_SECONDS_MAX)
    return TokenAnswer(tokens.access_token, tokens.refresh_token or terms.token, lasting)


def _address(endpoint: str) -> str:
    path = endpoint.rstrip("/")
    return path if path.endswith("/token") else f"{path}/token"
