"""Finds where a partner's protocol endpoint of our version begins, and which hosts are its own."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Protocol

from connector.errors import PartnerError
from connector.identifiers import Did
from connector.protocols.dsp.messages import VERSION, WELL_KNOWN
from connector.protocols.http import GuardedClient
from connector.protocols.jsonld import parsed

DATA_SERVICE = "DataService"
VERSIONS_BYTES_MAX = 64 * 1024
KEPT_SECONDS = 300.0
KEPT_MAX = 1000


class Whereabouts(Protocol):
    """What partners say about themselves in their DID documents."""

    async def endpoint(self, did: Did, kind: str) -> str | None:
        """Return the URL of a service of that type, without trailing slash."""
        ...

    async def vouched_hosts(self, did: Did) -> frozenset[str]:
        """Return the hosts that a partner vouches for, in lower case."""
        ...


class VersionDirectory:
    """Base addresses of partners for the version that we speak, kept for a while.

    Raises `PartnerError` where a partner names no service or does not speak our version,
    and `TransientError` where it is not reached.
    """

    def __init__(self, client: GuardedClient, whereabouts: Whereabouts) -> None:
        self._client = client
        self._whereabouts = whereabouts
        self._kept: OrderedDict[Did, tuple[float, str]] = OrderedDict()

    async def base_url(self, did: Did) -> str:
        """Return where a partner's endpoint of our version begins, without trailing slash."""
        kept = self._kept.get(did)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        service = await self._whereabouts.endpoint(did, DATA_SERVICE)
        if service is None:
            raise PartnerError("connector.protocols.dsp:service_missing", partner=did)
        root = service.rstrip("/").removesuffix(WELL_KNOWN)
        client = self._client.reaching(await self._whereabouts.vouched_hosts(did))
        answer = await client.get(root + WELL_KNOWN, limit_bytes=VERSIONS_BYTES_MAX)
        base = root + path_of_version(answer.body, did)
        self._kept[did] = (time.monotonic() + KEPT_SECONDS, base)
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


def path_of_version(raw: bytes, partner: Did) -> str:
    """Return the path of our version from a version document, without trailing slash.

    Raises `PartnerError` listing what is offered instead.
    """
    entries = parsed(raw).get("protocolVersions")
    listed = entries if isinstance(entries, list) else [entries]
    known = [one for one in listed if isinstance(one, dict)]
    for entry in known:
        path = entry.get("path")
        if entry.get("version") == VERSION and isinstance(path, str):
            return f"/{path.strip('/')}" if path.strip("/") else ""
    offered = ", ".join(str(one.get("version"))[:40] for one in known[:20]) or "nothing"
    raise PartnerError(
        "connector.protocols.dsp:version_missing", partner=partner, wanted=VERSION, offered=offered
    )
