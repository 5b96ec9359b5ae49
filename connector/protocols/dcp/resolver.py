"""Resolves DIDs to their documents: fetched once for many askers, kept for a while, bounded."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.identifiers import Did
from connector.protocols.dcp.did import (
    DOCUMENT_BYTES_MAX,
    DidDocument,
    Purpose,
    document_url,
    read_document,
)
from connector.protocols.dcp.keys import VerificationKey
from connector.protocols.http import GuardedClient

DOCUMENTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long a document is believed, and how soon a key missing in it is asked for anew."""

    kept: timedelta = timedelta(minutes=5)
    refetched_after: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Kept:
    document: DidDocument
    fetched_at: datetime


class DidResolver:
    """Documents of ``did:web``, for one event loop."""

    def __init__(
        self,
        client: GuardedClient,
        clock: Callable[[], datetime],
        *,
        allow_http: bool = False,
        freshness: Freshness = Freshness(),
    ) -> None:
        self._client = client
        self._clock = clock
        self._allow_http = allow_http
        self._freshness = freshness
        self._kept: OrderedDict[Did, _Kept] = OrderedDict()
        self._under_way: dict[Did, asyncio.Task[DidDocument]] = {}

    async def document(self, did: Did) -> DidDocument:
        """Return the document of ``did``.

        Raises `PartnerError` when the document is wrong or refused, and `TransientError`
        when its host is not reached.
        """
        kept = self._kept.get(did)
        if kept is not None and self._clock() - kept.fetched_at < self._freshness.kept:
            return kept.document
        return await self._fetched_once(did)

    async def key(self, did: Did, kid: str, purpose: Purpose) -> VerificationKey | None:
        """Return the key ``kid`` of ``did`` if its document lists it for ``purpose``.

        A partner may have rotated its keys: a name that a kept document lacks is looked for
        in a fresh one, but not more often than `Freshness.refetched_after` says.
        """
        found = (await self.document(did)).key_for(kid, purpose)
        kept = self._kept.get(did)
        if found is not None or kept is None:
            return found
        if self._clock() - kept.fetched_at < self._freshness.refetched_after:
            return None
        return (await self._fetched_once(did)).key_for(kid, purpose)

    async def _fetched_once(self, did: Did) -> DidDocument:
        task = self._under_way.get(did)
        if task is None:
            task = asyncio.create_task(self._fetch(did))
            self._under_way[did] = task
            task.add_done_callback(lambda done: self._finished(did, done))
        # One asker who gives up must not take the document from the others.
        return await asyncio.shield(task)

    def _finished(self, did: Did, task: asyncio.Task[DidDocument]) -> None:
        del self._under_way[did]
        if not task.cancelled():
            task.exception()  # seen, even when every asker has left

    async def _fetch(self, did: Did) -> DidDocument:
        url = document_url(did, allow_http=self._allow_http)
        answer = await self._client.get(url, limit_bytes=DOCUMENT_BYTES_MAX)
        document = read_document(answer.body, did)
        self._kept[did] = _Kept(document, self._clock())
        self._kept.move_to_end(did)
        while len(self._kept) > DOCUMENTS_MAX:
            self._kept.popitem(last=False)
        return document
