"""The asking side of the exchange benchmark: a connector with a main of its own.

Each round begins with nothing at hand: catalog, negotiation, transfer, first byte, with a
fresh signed token on every message and its verification on the other side.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from connector.agreement.states import Role
from connector.collection.model import RemoteSubmodel
from connector.daemon.house import House, Parts
from connector.daemon.lifetime import run
from connector.identifiers import SemanticId
from connector.settings.loading import load_settings
from connector.transfer.selection import Selector

SEMANTIC_ID = SemanticId.parse("urn:samm:io.catenax.serial_part:3.0.0#SerialPart")
PARTNER = "supplier"


class Rounds:
    """Exchanges with one partner, timed step by step in milliseconds."""

    def __init__(self, house: House, asset_ids: tuple[tuple[str, str], ...]) -> None:
        partner = house.settings.address_book().by_name(PARTNER)
        assert partner is not None
        self._house = house
        self._partner = partner
        self._asset_ids = asset_ids

    async def submodel(self) -> RemoteSubmodel:
        """Look the submodel up once: which twin it hangs on is not what is measured."""
        (shell,) = await self._house.abroad.shells(self._partner, self._asset_ids)
        return next(s for s in shell.submodels if s.semantic_id == SEMANTIC_ID)

    async def one(self, submodel: RemoteSubmodel) -> list[float]:
        """Return the times of catalog to grant, and of the first byte."""
        began = time.perf_counter()
        await self._house.grants.obtain_grant(self._partner, Selector(semantic_id=SEMANTIC_ID))
        granted = time.perf_counter()
        await self._house.abroad.value(self._partner, submodel)
        read = time.perf_counter()
        return [1000 * (granted - began), 1000 * (read - granted)]

    def forget(self) -> None:
        """Drop what was settled, so that the next round begins anew."""
        with self._house.db.transaction() as tx:
            tx.execute("DELETE FROM access_grant")
            tx.execute("DELETE FROM sought")
            tx.execute(
                "UPDATE agreement SET retired_at = 1 WHERE role = ?", (Role.CONSUMER.value,)
            )


def parts_for(
    rounds: int, asset_ids: tuple[tuple[str, str], ...], answer: Callable[[str], object]
) -> Parts:
    """Return the parts that make a connector measure and then stop."""

    async def measure(house: House) -> None:
        await asyncio.sleep(0.2)
        asking = Rounds(house, asset_ids)
        submodel = await asking.submodel()
        times: list[Sequence[float]] = []
        for _ in range(rounds):
            asking.forget()
            times.append(await asking.one(submodel))
        answer(json.dumps(times))

    return Parts(beside=measure)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    config, count, ids, out = (
        Path(sys.argv[1]),
        int(sys.argv[2]),
        json.loads(sys.argv[3]),
        sys.argv[4],
    )
    settings, _ = load_settings(config, os.environ)
    assert settings is not None
    links = tuple((str(name), str(value)) for name, value in ids)
    run(settings, parts_for(count, links, Path(out).write_text))
