"""A directory of the data space (BDRS): tells members which legal entity has which DID.

    python -m deploy.demo.bdrs --entries entries.json --issuer did:web:... --port 8690

It answers ``GET /api/directory/bpn-directory`` as the Tractus-X service does: a presentation
of the caller's MembershipCredential as bearer token, one gzip'ed JSON object as answer. The
proof is checked for real: signatures, issuer, dates, revocation. ``entries`` is read anew at
every request, so that a test can change it.
"""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import EslabonError, PartnerError
from connector.identifiers import Did
from connector.protocols.bdrs.messages import PATH
from connector.protocols.dcp.credentials import MEMBERSHIP, check_credential, read_credential
from connector.protocols.dcp.did import Purpose
from connector.protocols.dcp.jwt import parse_jwt
from connector.protocols.dcp.messages import (
    PRESENTATION_BYTES_MAX,
    PresentationClaims,
    read_presentation,
)
from connector.protocols.dcp.resolver import DidResolver
from connector.protocols.dcp.revocation import StatusLists
from connector.protocols.dcp.tokens import check_kid, check_signature
from connector.protocols.http import ClientLimits, GuardedClient

BASE_PATH = "/api/directory"


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """Checks that a caller is a member of the data space; for one event loop."""

    issuer: Did
    resolver: DidResolver
    statuses: StatusLists
    clock: Callable[[], datetime]

    async def member(self, authorization: str) -> Did:
        """Return whose membership a presentation proves; raise `EslabonError` if none."""
        text, now = authorization.removeprefix("Bearer "), self.clock()
        claims = parse_jwt(
            text, PresentationClaims, limit_bytes=PRESENTATION_BYTES_MAX, who="?"
        ).claims
        holder = Did.parse(claims.iss)
        # The service of the field does not know whom it is addressed to, and takes any one.
        audience = Did.parse(claims.aud)
        jwt, credentials = read_presentation(
            text, holder=holder, audience=audience, now=now.timestamp()
        )
        kid = check_kid(jwt.header.kid, holder)
        key = await self.resolver.key(holder, kid, Purpose.AUTHENTICATION)
        check_signature(jwt, key, who=holder)
        for one in credentials:
            if await self._is_membership(one, holder, now):
                return holder
        code = "connector.protocols.dcp:credential_not_presented"
        raise PartnerError(code, who=holder, types=MEMBERSHIP)

    async def _is_membership(self, text: str, holder: Did, now: datetime) -> bool:
        credential = read_credential(text, who=holder)
        check_credential(credential, holder=holder, trusted=frozenset({self.issuer}), now=now)
        kid = check_kid(credential.jwt.header.kid, self.issuer)
        key = await self.resolver.key(self.issuer, kid, Purpose.ASSERTION)
        check_signature(credential.jwt, key, who=self.issuer)
        await self.statuses.check(credential, who=holder)
        return MEMBERSHIP in credential.types


def directory_app(entries: Path, issuer: Did) -> Starlette:
    """Return the service; ``entries`` is a JSON object of BPNL to DID."""
    client = GuardedClient(ClientLimits(allow_http=True, allow_private_networks=True))
    resolver = DidResolver(client, _now, allow_http=True)
    statuses = StatusLists(resolver, client, _now, timedelta(0))
    door = Doorkeeper(issuer, resolver, statuses, _now)

    def packed() -> bytes:
        return gzip.compress(entries.read_bytes())

    async def listing(request: Request) -> Response:
        try:
            member = await door.member(request.headers.get("authorization", ""))
        except EslabonError as refused:
            structlog.get_logger().warning("caller.refused", code=refused.code)
            return Response(status_code=401)
        structlog.get_logger().info("directory.read", member=member)
        return Response(
            packed(),
            media_type="application/json",
            headers={"Content-Encoding": "gzip"},
        )

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        yield
        await client.close()

    return Starlette(routes=[Route(BASE_PATH + PATH, listing)], lifespan=living)


def _now() -> datetime:
    return datetime.now(UTC)


@click.command()
@click.option("--entries", type=click.Path(path_type=Path), required=True)
@click.option("--issuer", required=True)
@click.option("--host", default="127.0.0.1")
@click.option("--port", type=int, required=True)
def main(entries: Path, issuer: str, host: str, port: int) -> None:
    """Serve until ended."""
    app = directory_app(entries, Did.parse(issuer))
    uvicorn.run(app, host=host, port=port, log_level="warning")


if __name__ == "__main__":
    main()
