"""The loop that ends what stands still: in time, after a restart too, and idle in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from connector.agreement.limits import ExchangeLimits
from connector.loops.lapsing import lapse
from connector.transfer.lapsing import Lapsing
from tests.builders.doors import Doors

LIMITS = ExchangeLimits(negotiation_seconds=0.3)


async def _until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for knows no events
            await asyncio.sleep(0.002)


def _looks(doors: Doors) -> tuple[list[datetime], Callable[[], datetime]]:
    """Let the time go on, and note how often it is looked at."""
    looked: list[datetime] = []

    def clock() -> datetime:
        doors.now = datetime.now(UTC)
        looked.append(doors.now)
        return doors.now

    ports = replace(doors.negotiation.ports, clock=clock)
    doors.negotiation.ports = doors.delivery.ports = ports
    return looked, clock


async def test_what_stands_still_is_ended_when_its_time_is_up(tmp_path: Path) -> None:
    doors = Doors(tmp_path, limits=LIMITS)
    _, clock = _looks(doors)
    clock()
    doors.asked()
    doors.deliver()
    loop = asyncio.create_task(lapse(Lapsing(doors.negotiation, doors.delivery), clock))
    await asyncio.sleep(0.1)
    before = doors.messages()
    await _until(doors.messages)
    loop.cancel()

    assert [] == before
    assert "stood still" in doors.messages()[0][1]["reasons"][0]


async def test_a_restart_forgets_no_deadline(tmp_path: Path) -> None:
    before = Doors(tmp_path, limits=LIMITS, now=datetime.now(UTC))
    before.asked()
    before.deliver()
    before.db.close()

    after = Doors(tmp_path, limits=LIMITS, now=datetime.now(UTC))
    _, clock = _looks(after)
    loop = asyncio.create_task(lapse(Lapsing(after.negotiation, after.delivery), clock))
    await _until(after.messages)
    loop.cancel()

    assert "stood still" in after.messages()[0][1]["reasons"][0]


async def test_at_rest_it_sleeps(tmp_path: Path) -> None:
    doors = Doors(tmp_path, limits=ExchangeLimits())
    looked, clock = _looks(doors)
    loop = asyncio.create_task(lapse(Lapsing(doors.negotiation, doors.delivery), clock))
    await _until(lambda: looked)
    await asyncio.sleep(0.05)
    after_one_round = len(looked)
    await asyncio.sleep(0.5)
    loop.cancel()

    assert after_one_round == len(looked)
