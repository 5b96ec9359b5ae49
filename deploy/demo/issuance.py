"""The demo authority's issuer service: takes requests, delivers credentials, tells how it stands.

Source: Decentralized Claims Protocol 1.0, 6.4 to 6.8. It calls holders on this machine over
plain http, as the demo does.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import EslabonError, PartnerError, TransientError
from connector.identifiers import Did
from connector.protocols.dcp.did import CREDENTIAL_SERVICE
from connector.protocols.dcp.inbound import status_of
from connector.protocols.dcp.issuance import (
    ISSUANCE_BYTES_MAX,
    CredentialRequest,
    delivery_message,
    metadata_message,
    read_request,
    status_message,
)
from connector.protocols.dcp.keys import SigningKey
from connector.protocols.dcp.resolver import DidResolver
from connector.protocols.dcp.self_issuer import SelfIssuer
from connector.protocols.dcp.senders import Senders
from connector.protocols.http import ClientLimits, GuardedClient, bounded_body

PATH = "/issuer"
REQUESTS_MAX = 1_000
# When a delivery is tried, and tried again.
PAUSES_SECONDS = (0.0, 1.0, 5.0, 30.0)

Clock = Callable[[], datetime]


class StrangerError(PartnerError):
    """Somebody who is no member asks for credentials."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues, and what: ``issue`` makes credentials by type for a holder.

    It raises `StrangerError` for one who is no member.
    """

    did: Did
    key: SigningKey
    kinds: Sequence[str]
    issue: Callable[[Did, Sequence[str]], Mapping[str, str]]
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Asked:
    holder: Did
    holder_pid: str
    status: str = "RECEIVED"


class IssuingDesk:
    """Answers holders; for one event loop, in which it has to be closed."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        limits = ClientLimits(allow_http=True, allow_private_networks=True)
        self._client = GuardedClient(limits)
        self._resolver = DidResolver(self._client, issuer.clock, allow_http=True)
        self._senders = Senders(issuer.did, self._resolver, issuer.clock)
        self._tokens = SelfIssuer(issuer.key, issuer.did, issuer.clock, scopes="")
        self._asked: OrderedDict[str, _Asked] = OrderedDict()
        self._under_way: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """Return the routes of metadata, requests and their status."""
        return [
            Route(f"{PATH}/metadata", self._metadata, methods=["GET"]),
            Route(f"{PATH}/credentials", _refusing(self._request), methods=["POST"]),
            Route(f"{PATH}/requests/{{number}}", _refusing(self._status), methods=["GET"]),
        ]

    async def close(self) -> None:
        """Give up what is under way, and let go of connections."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.close()

    async def _metadata(self, _: Request) -> Response:
        body = metadata_message(self._issuer.did, self._issuer.kinds)
        return Response(body, media_type="application/json")

    async def _request(self, request: Request) -> Response:
        holder = await self._holder(request)
        asked = read_request(await bounded_body(request, ISSUANCE_BYTES_MAX), who=holder)
        credentials = self._issuer.issue(holder, self._kinds(asked, holder))
        number = str(uuid.uuid4())
        self._asked[number] = _Asked(holder, asked.holder_pid)
        if len(self._asked) > REQUESTS_MAX:
            self._asked.popitem(last=False)
        task = asyncio.create_task(self._deliver(number, holder, credentials))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return Response(status_code=201, headers={"Location": f"{PATH}/requests/{number}"})

    async def _status(self, request: Request) -> Response:
        holder = await self._holder(request)
        number = str(request.path_params["number"])
        asked = self._asked.get(number)
        if asked is None or asked.holder != holder:
            return Response(status_code=404)
        body = status_message(number, asked.holder_pid, asked.status)
        return Response(body, media_type="application/json")

    async def _holder(self, request: Request) -> Did:
        header = request.headers.get("authorization")
        return (await self._senders.prove(header, with_access=False))[0]

    def _kinds(self, asked: CredentialRequest, holder: Did) -> Sequence[str]:
        kinds = [one.id for one in asked.credentials]
        unknown = [kind for kind in kinds if kind not in self._issuer.kinds]
        if unknown:
            raise PartnerError(
                "connector.protocols.dcp:issuance_malformed",
                message="CredentialRequestMessage",
                who=holder,
                reason=f"credentials: {unknown[0]}",
            )
        return kinds

    async def _deliver(self, number: str, holder: Did, credentials: Mapping[str, str]) -> None:
        asked = self._asked[number]
        body = delivery_message(number, asked.holder_pid, credentials)
        status = "REJECTED"
        for pause in PAUSES_SECONDS:
            await asyncio.sleep(pause)
            try:
                await self._send(holder, body)
            except TransientError as trouble:
                _log_failure(holder, trouble)
                continue
            except PartnerError as trouble:
                _log_failure(holder, trouble)
            else:
                status = "ISSUED"
            break
        if number in self._asked:
            self._asked[number] = replace(asked, status=status)

    async def _send(self, holder: Did, body: bytes) -> None:
        endpoint = (await self._resolver.document(holder)).endpoint(CREDENTIAL_SERVICE)
        if endpoint is None:
            raise PartnerError("connector.protocols.dcp:no_credential_service", who=holder)
        token = self._tokens.token_with(holder, "")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        await self._client.post(f"{endpoint}/credentials", body, headers=headers)


def _refusing(
    answer: Callable[[Request], Coroutine[None, None, Response]],
) -> Callable[[Request], Coroutine[None, None, Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except StrangerError as stranger:
            return Response(stranger.text().what, 403)
        except (PartnerError, TransientError) as trouble:
            return Response(trouble.text().what, status_of(trouble))

    return endpoint


def _log_failure(holder: Did, trouble: EslabonError) -> None:
    structlog.get_logger().warning("delivery.failed", holder=holder, code=trouble.code)
