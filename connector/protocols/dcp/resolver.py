"""Resolves DIDs to their documents: fetched once for many askers, kept for a while, bounded."""

from __future__ import annotations

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
from connector.protocols.dcp.lines import Lines
from connector.protocols.dcp.once import OnceEach
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
        client: GuardedClient | Lines,
        clock: Callable[[], datetime],
        *,
        allow_http: bool = False,
        freshness: Freshness = Freshness(),
    ) -> None:
        self._lines = client if isinstance(client, Lines) else Lines.one(client)
        self._clock = clock
        self._allow_http = allow_http
        self._freshness = freshness
        self._documents: OnceEach[Did, _Kept] = OnceEach(DOCUMENTS_MAX)

    async def document(self, did: Did) -> DidDocument:
        """Return the document of ``did``.

        Raises `PartnerError` when the document is wrong or refused, and `TransientError`
        when its host is not reached.
        """
        return (await self._believed(did)).document

    async def key(self, did: Did, kid: str, purpose: Purpose) -> VerificationKey | None:
        """Return the key ``kid`` of ``did`` if its document lists it for ``purpose``.

        A partner may have rotated its keys: a name that a kept document lacks is looked for
        in a fresh one, but not more often than `Freshness.refetched_after` says.
        """
        kept = await self._believed(did)
        found = kept.document.key_for(kid, purpose)
        if found is not None or self._age(kept) < self._freshness.refetched_after:
            return found
        return (await self._fetched(did)).document.key_for(kid, purpose)

    async def _believed(self, did: Did) -> _Kept:
        kept = self._documents.kept(did)
        if kept is not None and self._age(kept) < self._freshness.kept:
            return kept
        return await self._fetched(did)

    def _age(self, kept: _Kept) -> timedelta:
        return self._clock() - kept.fetched_at

    async def _fetched(self, did: Did) -> _Kept:
        return await self._documents.made(did, lambda: self._fetch(did))

    async def _fetch(self, did: Did) -> _Kept:
        url = document_url(did, allow_http=self._allow_http)
        answer = await self._lines.to(did).get(url, limit_bytes=DOCUMENT_BYTES_MAX)
        return _Kept(read_document(answer.body, did), self._clock())
