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
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and where the times go.

    At most ``rounds`` exchanges, with ``pause_seconds`` before each; none after the file
    ``stop`` has appeared. ``submodel`` is one that is known already: where there is none, it
    is looked up first, and that fills all caches.
    """

    config: str
    out: str
    rounds: int
    asset_ids: tuple[tuple[str, str], ...]
    submodel: tuple[str, str] | None = None
    pause_seconds: float = 0.0
    stop: str = ""

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Return the plan that `write` put there."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def is_over(self) -> bool:
        """Say whether there is to be no further exchange."""
        return bool(self.stop) and Path(self.stop).exists()

    def answer(self, found: object) -> None:
        """Store what came of it."""
        Path(self.out).write_text(json.dumps(found), encoding="utf-8")

    def write(self, path: Path) -> None:
        """Store the plan for the process that follows it."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


class Rounds:
    """Exchanges with one partner, timed step by step in milliseconds."""

    def __init__(self, house: House, plan: Plan) -> None:
        partner = house.settings.address_book().by_name(PARTNER)
        assert partner is not None
        self._house = house
        self._partner = partner
        self._plan = plan

    async def submodel(self) -> RemoteSubmodel:
        """Look the submodel up once: which twin it hangs on is not what is measured."""
        if self._plan.submodel is not None:
            href, dataset_id = self._plan.submodel
            return RemoteSubmodel(SEMANTIC_ID, href, dataset_id, "")
        asset_ids = tuple((name, value) for name, value in self._plan.asset_ids)
        (shell,) = await self._house.abroad.shells(self._partner, asset_ids)
        return next(s for s in shell.submodels if s.semantic_id == SEMANTIC_ID)

    async def all(self, submodel: RemoteSubmodel) -> list[Sequence[float]]:
        """Return the times of all rounds."""
        times: list[Sequence[float]] = []
        for _ in range(self._plan.rounds):
            if self._plan.is_over():
                break
            self.forget()
            await asyncio.sleep(self._plan.pause_seconds)
            times.append(await self.one(submodel))
        return times

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


def parts_for(plan: Plan) -> Parts:
    """Return the parts that make a connector measure and then stop."""

    async def measure(house: House) -> None:
        await asyncio.sleep(0.2)
        asking = Rounds(house, plan)
        submodel = await asking.submodel()
        times = await asking.all(submodel)
        plan.answer({"submodel": (submodel.href, submodel.dataset_id), "times": times})

    return Parts(beside=measure)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    planned = Plan.read(Path(sys.argv[1]))
    settings, _ = load_settings(Path(planned.config), os.environ)
    assert settings is not None
    run(settings, parts_for(planned))
