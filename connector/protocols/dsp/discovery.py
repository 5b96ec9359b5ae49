"""Finds where a partner's protocol endpoints of our version begin, and which hosts are its own.

A DID document may name several ``DataService`` entries: a partner with several connectors.
Each leads to a version document (DSP 2025-1, Exposure of Dataspace Protocol Versions), and of
the versions listed there the newest that both speak counts.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from connector.errors import EslabonError, PartnerError, TransientError
from connector.identifiers import Did
from connector.partner.reach import Vouching
from connector.protocols.dsp.messages import VERSION, WELL_KNOWN
from connector.protocols.http import GuardedClient
from connector.protocols.jsonld import parsed

DATA_SERVICE = "DataService"
VERSIONS_BYTES_MAX = 64 * 1024
VERSIONS_MAX = 20
SERVICES_MAX = 8
KEPT_SECONDS = 300.0
# One of several connectors that is away must not delay the others at every look.
AWAY_SECONDS = 10.0
KEPT_MAX = 1000
# What we speak, the newest first.
SPOKEN = (VERSION,)
# What was spoken before; connectors write the version number with and without a "v".
OLDER = frozenset({"0.8", "v0.8", "2024/1", "2024-1"})
_NOT_FOUND = 404


class Whereabouts(Vouching, Protocol):
    """What partners say about themselves in their DID documents."""

    async def endpoints(self, did: Did, kind: str) -> tuple[str, ...]:
        """Return the URLs of all services of that type, without trailing slash."""
        ...


@dataclass(frozen=True, slots=True)
class SpokenVersion:
    """One entry of a version document: the version's name, and its path below the root."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Connectors:
    """A partner's connectors: where those begin that answer, and why others do not."""

    base_urls: tuple[str, ...]
    troubles: tuple[EslabonError, ...] = ()


class VersionDirectory:
    """Base addresses of partners for the version that we speak, kept for a while.

    Raises `PartnerError` where a partner names no service or does not speak our version,
    and `TransientError` where it is not reached.
    """

    def __init__(self, client: GuardedClient, whereabouts: Whereabouts) -> None:
        self._client = client
        self._whereabouts = whereabouts
        self._kept: OrderedDict[tuple[Did, str], tuple[float, str]] = OrderedDict()
        self._away: OrderedDict[tuple[Did, str], tuple[float, EslabonError]] = OrderedDict()

    async def base_url(self, did: Did) -> str:
        """Return where the partner's first connector begins that answers in our version."""
        first = (await self.roots(did))[0]
        # Known already, as nearly always: whoever asks goes on in the same turn of the loop.
        return self._known(did, first) or (await self.connectors(did)).base_urls[0]

    async def connectors(self, did: Did) -> Connectors:
        """Return all connectors of a partner, asked at once; raises where none is usable."""
        roots = await self.roots(did)
        if len(roots) == 1:
            return Connectors((await self._address(did, roots[0]),))
        asked = [self._address_unless_away(did, root) for root in roots[:SERVICES_MAX]]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        found = [one for one in outcomes if isinstance(one, str)]
        troubles = [one for one in outcomes if isinstance(one, EslabonError)]
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, EslabonError):
                raise outcome
        if not found:
            raise _weightiest(troubles)
        return Connectors(tuple(dict.fromkeys(found)), tuple(troubles))

    async def roots(self, did: Did) -> tuple[str, ...]:
        """Return below which addresses the partner's version documents lie, each once."""
        services = await self._whereabouts.endpoints(did, DATA_SERVICE)
        if not services:
            raise PartnerError("connector.protocols.dsp:service_missing", partner=did)
        return tuple(dict.fromkeys(one.rstrip("/").removesuffix(WELL_KNOWN) for one in services))

    async def versions(self, did: Did, root: str) -> tuple[SpokenVersion, ...]:
        """Return what is spoken below a root, asked anew.

        Raises `PartnerError` where there is no version document: by the rule of Catena-X
        (CX-0018) such a connector speaks 0.8.
        """
        client = self._client.reaching(await self._whereabouts.vouched_hosts(did))
        url = root + WELL_KNOWN
        answer = await client.request("GET", url, limit_bytes=VERSIONS_BYTES_MAX)
        if answer.status == _NOT_FOUND:
            raise PartnerError(
                "connector.protocols.dsp:version_unsaid", partner=did, url=url, wanted=VERSION
            )
        return read_versions(answer.expect_success().body)

    async def _address_unless_away(self, did: Did, root: str) -> str:
        away = self._away.get((did, root))
        if away is not None and time.monotonic() < away[0]:
            raise away[1]
        try:
            return await self._address(did, root)
        except EslabonError as trouble:
            self._away[did, root] = (time.monotonic() + AWAY_SECONDS, trouble)
            while len(self._away) > KEPT_MAX:
                self._away.popitem(last=False)
            raise

    def _known(self, did: Did, root: str) -> str:
        kept = self._kept.get((did, root))
        return kept[1] if kept is not None and time.monotonic() < kept[0] else ""

    async def _address(self, did: Did, root: str) -> str:
        if known := self._known(did, root):
            return known
        base = root + newest_spoken(await self.versions(did, root), did).path
        self._kept[did, root] = (time.monotonic() + KEPT_SECONDS, base)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return base


def version_document(path: str) -> dict[str, object]:
    """Return the document that tells which version is spoken where below its root."""
    entry = {
        "version": VERSION,
        "path": path,
        "binding": "HTTPS",
        "identifierType": "did:web",
        "auth": {"protocol": "DCP", "version": "1.0", "profile": ["vc11-sl2021/jwt"]},
    }
    return {"protocolVersions": [entry]}


def read_versions(raw: bytes) -> tuple[SpokenVersion, ...]:
    """Return the entries of a version document; what is no entry is passed over.

    Raises `PartnerError` where it is not a JSON object.
    """
    entries = parsed(raw).get("protocolVersions")
    listed = entries if isinstance(entries, list) else [entries]
    known = [one for one in listed[:VERSIONS_MAX] if isinstance(one, dict)]
    return tuple(
        SpokenVersion(str(one.get("version"))[:40], _path(one["path"]))
        for one in known
        if isinstance(one.get("path"), str)
    )


def newest_spoken(offered: Sequence[SpokenVersion], partner: Did) -> SpokenVersion:
    """Return the newest version that both speak.

    Raises `PartnerError` listing what is offered instead, and whether that is only older.
    """
    for name in SPOKEN:
        for one in offered:
            if one.name == name:
                return one
    names = [one.name for one in offered]
    is_older = bool(names) and set(names) <= OLDER
    raise PartnerError(
        f"connector.protocols.dsp:{'version_older' if is_older else 'version_missing'}",
        partner=partner,
        wanted=VERSION,
        offered=", ".join(names) or "nothing",
    )


def _weightiest(troubles: Sequence[EslabonError]) -> EslabonError:
    """Return the trouble to report: one that may pass leaves hope, so it comes first."""
    passing = [one for one in troubles if isinstance(one, TransientError)]
    return (*passing, *troubles)[0]


def _path(value: str) -> str:
    path = value.strip("/")
    return f"/{path}" if path else ""
