"""Asks a BPN-DID resolution service for its listing, proven by our membership."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from connector.errors import PartnerError
from connector.identifiers import Bpnl, Did
from connector.protocols.bdrs.messages import LISTING_BYTES_MAX, PATH, read_listing
from connector.protocols.http import GuardedClient

_REFUSED = frozenset({401, 403})


class DirectoryClient:
    """Reads the whole listing: the service has no way to ask for one entry.

    ``presentation`` makes a fresh presentation of our membership credential. It is sent to
    the configured host alone.
    """

    def __init__(
        self, client: GuardedClient, base_url: str, presentation: Callable[[], str]
    ) -> None:
        self.url = base_url.rstrip("/") + PATH
        host = urlsplit(self.url).hostname or ""
        self._client = client.reaching(frozenset({host.lower()}))
        self._presentation = presentation

    async def fetch(self) -> Mapping[Bpnl, Did]:
        """Return who has which DID.

        Raises `SetupError` where we hold no membership, `PartnerError` where the service
        refuses it or answers nonsense, and `TransientError` where it is not reached.
        """
        headers = {
            "Authorization": f"Bearer {self._presentation()}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
        answer = await self._client.request(
            "GET", self.url, headers=headers, limit_bytes=LISTING_BYTES_MAX
        )
        if answer.status in _REFUSED:
            raise PartnerError(
                "connector.protocols.bdrs:membership_refused", url=self.url, status=answer.status
            )
        return read_listing(answer.expect_success().body, self.url)
