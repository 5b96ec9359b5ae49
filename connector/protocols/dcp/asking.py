"""Asks issuers for credentials in our name, and follows what becomes of it.

Source: Decentralized Claims Protocol 1.0, 6.4, 6.7 and 6.8. What an issuer delivers comes in
by `connector.protocols.dcp.storage`, which asks here whether it was asked for.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urljoin

import structlog

from connector.errors import EslabonError, PartnerError, SetupError, TransientError
from connector.identifiers import Did
from connector.protocols.dcp.did import ISSUER_SERVICE
from connector.protocols.dcp.issuance import (
    METADATA_BYTES_MAX,
    REJECTED,
    STATUS_BYTES_MAX,
    read_metadata,
    read_status,
    request_message,
)
from connector.protocols.dcp.request_book import Request, RequestBook, RequestState
from connector.protocols.dcp.resolver import DidResolver
from connector.protocols.dcp.self_issuer import SelfIssuer
from connector.protocols.http import GuardedClient

# When a request is looked after again: soon at first, for most are answered at once.
PAUSES_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3600.0)
# Some authorities decide by hand; after this long a request was forgotten.
ANSWERED_WITHIN = timedelta(days=30)
# A request that never reached its issuer is given up much sooner.
ACCEPTED_WITHIN = timedelta(hours=1)
REASON_CHARACTERS_MAX = 300


@dataclass(frozen=True, slots=True)
class AskingTerms:
    """Whom may be asked, and for what when nothing is named."""

    issuers: Sequence[Did]
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskingMeans:
    """What requests are made with."""

    tokens: SelfIssuer
    resolver: DidResolver
    client: GuardedClient
    clock: Callable[[], datetime]


class Asking:
    """Our open requests; `run` carries them on, in one event loop."""

    def __init__(self, terms: AskingTerms, means: AskingMeans, book: RequestBook) -> None:
        self._terms = terms
        self._means = means
        self.book = book
        self._tries: dict[str, tuple[int, datetime]] = {}
        self._wake = asyncio.Event()

    def ask(self, issuer: Did | None, types: Sequence[str]) -> str:
        """Begin a request and return its number.

        Without an issuer the only trusted one is asked, without types for all that partners
        ask us for. Raises `SetupError` when it is not clear whom to ask, or nobody may be.
        """
        number = str(uuid.uuid4())
        wanted = tuple(dict.fromkeys(types)) or self._terms.types
        self.book.note(Request(number, self._whom(issuer), wanted, self._means.clock()))
        self._wake.set()
        return number

    def expects(self, number: str, sender: Did) -> Collection[str]:
        """Return the types that an issuer may deliver under a number; none if it may not."""
        found = self.book.find(number)
        return found.types if found and found.is_open and found.issuer == sender else ()

    def delivered(self, number: str) -> None:
        """Note that what was asked for has come."""
        self.book.change(number, RequestState.DELIVERED)

    def rejected(self, number: str, issuer: Did, reason: str) -> None:
        """Note that an issuer does not give what was asked for."""
        facts = {"who": str(issuer), "reason": reason[:REASON_CHARACTERS_MAX] or "?"}
        code = "connector.protocols.dcp:request_rejected"
        self.book.change(number, RequestState.REJECTED, code=code, params=facts)

    async def run(self) -> None:
        """Carry on with every open request, also those of before a restart, for ever."""
        while True:
            self._wake.clear()
            due = [one for one in self.book.open() if self._due_at(one) <= self._means.clock()]
            await asyncio.gather(*(self._advance(one) for one in due))
            try:
                await asyncio.wait_for(self._wake.wait(), self._pause_seconds())
            except TimeoutError:
                continue

    def _pause_seconds(self) -> float | None:
        waits = [self._due_at(one) - self._means.clock() for one in self.book.open()]
        return max(min(waits).total_seconds(), 0.0) if waits else None

    def _due_at(self, one: Request) -> datetime:
        return self._tries[one.number][1] if one.number in self._tries else one.asked_at

    async def _advance(self, one: Request) -> None:
        """Send a request, or ask how it stands; trouble that may pass is tried again."""
        self._note_try(one)
        try:
            await (self._send(one) if one.state is RequestState.ASKING else self._look(one))
        except EslabonError as trouble:
            _log(one, trouble)
            self._settle(one, trouble)

    def _settle(self, one: Request, trouble: EslabonError) -> None:
        """End a request for good when nothing that passes went wrong."""
        facts = {
            name: str(value)[:REASON_CHARACTERS_MAX] for name, value in trouble.params.items()
        }
        end = partial(self.book.change, one.number, RequestState.FAILED)
        waited = self._means.clock() - one.asked_at
        try:
            if not isinstance(trouble, TransientError):
                end(code=trouble.code, params=facts)
            elif one.state is RequestState.ASKING and waited > ACCEPTED_WITHIN:
                facts = {"who": str(one.issuer), "reason": trouble.text().what}
                end(code="connector.protocols.dcp:issuer_not_reached", params=facts)
        except SetupError as full:
            # It is open still, and settled when the disk takes it.
            _log(one, full)

    def _note_try(self, one: Request) -> None:
        tries = self._tries.get(one.number, (0, one.asked_at))[0]
        pause = timedelta(seconds=PAUSES_SECONDS[min(tries, len(PAUSES_SECONDS) - 1)])
        self._tries[one.number] = (tries + 1, self._means.clock() + pause)

    async def _send(self, one: Request) -> None:
        document = await self._means.resolver.document(one.issuer)
        service = document.endpoint(ISSUER_SERVICE)
        if service is None:
            raise _refusal("no_issuer_service", one.issuer)
        client = self._means.client.reaching(document.hosts())
        ids = await self._ids(one, client, service)
        url = f"{service}/credentials"
        headers = {"Content-Type": "application/json", **self._proof(one.issuer)}
        answer = await client.request(
            "POST",
            url,
            headers=headers,
            body=request_message(one.number, ids),
            limit_bytes=STATUS_BYTES_MAX,
        )
        if not answer.ok and answer.status < 500:  # noqa: PLR2004 - their trouble passes
            reason = answer.body.decode("utf-8", "replace")[:REASON_CHARACTERS_MAX]
            raise _refusal("request_refused", one.issuer, status=answer.status, reason=reason)
        place = answer.expect_success().headers.get("location", "")
        self._accepted(one, urljoin(url, place) if place else "")

    async def _ids(self, one: Request, client: GuardedClient, service: str) -> Sequence[str]:
        """Return what the issuer calls the types that are asked for."""
        metadata = await client.get(f"{service}/metadata", limit_bytes=METADATA_BYTES_MAX)
        ids = read_metadata(metadata.body, who=one.issuer)
        lacking = [kind for kind in one.types if kind not in ids]
        if lacking:
            offered, asked = ", ".join(sorted(ids)) or "-", ", ".join(lacking)
            raise _refusal("type_not_issued", one.issuer, types=asked, offered=offered[:300])
        return [ids[kind] for kind in one.types]

    def _accepted(self, one: Request, status_url: str) -> None:
        # It may be here already: some issuers deliver before they answer.
        if self.book.of(one.number).state is RequestState.ASKING:
            self.book.change(one.number, RequestState.WAITING, status_url=status_url)
        structlog.get_logger().info(
            "credential.requested", issuer=one.issuer, types=list(one.types), number=one.number
        )

    async def _look(self, one: Request) -> None:
        if self._means.clock() - one.asked_at > ANSWERED_WITHIN:
            raise _refusal("request_unanswered", one.issuer, days=ANSWERED_WITHIN.days)
        if not one.status_url:
            return
        hosts = (await self._means.resolver.document(one.issuer)).hosts()
        try:
            answer = await self._means.client.reaching(hosts).get(
                one.status_url, headers=self._proof(one.issuer), limit_bytes=STATUS_BYTES_MAX
            )
            status = read_status(answer.body, who=one.issuer)
        except PartnerError as trouble:
            # Whether it says how it stands or not, it may deliver.
            _log(one, trouble)
            return
        if status == REJECTED:
            self.rejected(one.number, one.issuer, "")

    def _proof(self, issuer: Did) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._means.tokens.token_with(issuer, '')}"}

    def _whom(self, issuer: Did | None) -> Did:
        trusted = self._terms.issuers
        if issuer is None and len(trusted) == 1:
            return trusted[0]
        if issuer is None:
            raise SetupError(
                "connector.protocols.dcp:issuer_which", issuers=", ".join(trusted) or "-"
            )
        if issuer not in trusted:
            raise SetupError("connector.protocols.dcp:issuer_unknown", who=issuer)
        return issuer


def _log(one: Request, trouble: EslabonError) -> None:
    structlog.get_logger().warning(
        "credential.request_troubled",
        issuer=one.issuer,
        number=one.number,
        code=trouble.code,
        reason=trouble.text().what,
    )


def _refusal(key: str, who: str, **params: object) -> PartnerError:
    return PartnerError(f"connector.protocols.dcp:{key}", who=who, **params)
