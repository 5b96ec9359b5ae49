"""Keeps the listing of the data space's directory fresh, and tells where it contradicts us."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from connector.errors import EslabonError
from connector.identifiers import Bpnl, Did
from connector.partner.book import AddressBook
from connector.partner.directory import Contradiction, Directory
from connector.telemetry import Metrics

RETRY_SECONDS_FIRST = 1.0
RETRY_SECONDS_MAX = 60.0


class Fetch(Protocol):
    """The port through which a directory is read."""

    async def fetch(self) -> Mapping[Bpnl, Did]:
        """Return who has which DID; raises an `EslabonError` where that cannot be had."""
        ...


@dataclass(eq=False)
class Listings:
    """One directory, read anew when its listing is older than ``kept_seconds``.

    While it cannot be read the last good listing counts, however old; each failure is
    logged with its age.
    """

    directory: Directory
    asking: Fetch
    book: AddressBook
    kept_seconds: float
    _failures: int = 0
    _reported: tuple[Contradiction, ...] = field(default=())

    async def keep_fresh(self) -> None:
        """Read the directory whenever it is due, until cancelled."""
        self._report()
        while True:
            await asyncio.sleep(self._wait_seconds())
            try:
                await self.read()
            except EslabonError as trouble:
                self._failures += 1
                self._complain(trouble)

    async def read(self) -> None:
        """Read the directory now; raises what `Fetch` raises, and the last listing stays."""
        self.directory.keep(await self.asking.fetch())
        self._failures = 0
        self._report()

    def expose(self, metrics: Metrics) -> None:
        """Set how old the listing is, and how often it contradicts the address book."""
        age = self.directory.age()
        metrics.directory_age_seconds.set(age.total_seconds() if age else math.nan)
        metrics.directory_contradictions.set(len(self._reported))

    def _wait_seconds(self) -> float:
        if self._failures:
            wait = RETRY_SECONDS_FIRST * 2.0 ** min(self._failures - 1, 10)
            return float(min(wait, RETRY_SECONDS_MAX))
        age = self.directory.age()
        return max(0.0, self.kept_seconds - age.total_seconds()) if age else 0.0

    def _complain(self, trouble: EslabonError) -> None:
        age = self.directory.age()
        structlog.get_logger().warning(
            "directory.unread",
            source=self.directory.source,
            code=trouble.code,
            what=trouble.text().what,
            entries=len(self.directory),
            age_seconds=round(age.total_seconds()) if age else None,
        )

    def _report(self) -> None:
        found = self.directory.contradictions(self.book)
        for one in found:
            if one not in self._reported:
                structlog.get_logger().warning(
                    "directory.contradicted",
                    partner=one.name,
                    bpnl=one.bpnl,
                    address_book=one.ours,
                    directory=one.listed,
                    source=self.directory.source,
                )
        self._reported = found
