"""An OEM's connector that reads one value of a supplier again and again, by many readers at once.

    python -m tests.journeys.reader CONFIG PARTNER ASSET_IDS SECONDS OUT

What every read came to is written to OUT: seconds since the epoch, and nothing or the error.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from connector.collection.model import RemoteSubmodel
from connector.daemon.house import House, Parts
from connector.daemon.lifetime import run
from connector.errors import EslabonError
from connector.partner.model import Partner
from connector.settings.loading import load_settings
from connector.telemetry import configure_logging

READERS = 8
PAUSE_SECONDS = 0.01


class Readers:
    """Readers of one value; they stop when their time is over."""

    def __init__(self, house: House, partner: Partner, seconds: float) -> None:
        self._house = house
        self._partner = partner
        self._until = time.time() + seconds
        self.reads: list[tuple[float, str]] = []

    async def run(self, asset_ids: tuple[tuple[str, str], ...]) -> None:
        (shell,) = await self._house.abroad.shells(self._partner, asset_ids)
        await asyncio.gather(*(self._read(shell.submodels[0]) for _ in range(READERS)))

    async def _read(self, submodel: RemoteSubmodel) -> None:
        while time.time() < self._until:
            began, trouble = time.time(), ""
            try:
                await self._house.abroad.value(self._partner, submodel)
            except EslabonError as error:
                trouble = f"{error.code}: {error.text().what} {error.params.get('status', '')}"
            self.reads.append((began, trouble))
            await asyncio.sleep(PAUSE_SECONDS)


def main(config: str, name: str, ids: str, seconds: str, out: str) -> None:
    """Run the connector until its readers are done."""
    configure_logging(readable=False)
    settings, _ = load_settings(Path(config), os.environ)
    assert settings is not None

    async def beside(house: House) -> None:
        await asyncio.sleep(0.2)
        partner = house.settings.address_book().by_name(name)
        assert partner is not None
        readers = Readers(house, partner, float(seconds))
        await readers.run(tuple((str(key), str(value)) for key, value in json.loads(ids)))
        figures = [[*key, count] for key, count in house.refreshes.counts().items()]
        told = json.dumps({"reads": readers.reads, "refreshes": figures})
        await asyncio.to_thread(Path(out).write_text, told)

    run(settings, Parts(beside=beside))


if __name__ == "__main__":
    main(*sys.argv[1:])
