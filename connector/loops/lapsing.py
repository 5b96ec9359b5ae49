"""The lapsing loop: ends what stands still for too long. At rest it sleeps until a deadline.

Deadlines are worked out from the store, so that a restart forgets none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from connector.errors import TransientError
from connector.transfer.lapsing import Lapsing

# Longest sleep: a clock that was set must not hold a deadline back for days.
IDLE_SECONDS_MAX = 3600.0
IDLE_SECONDS_MIN = 0.05
TROUBLE_SECONDS = 10.0


async def lapse(lapsing: Lapsing, clock: Callable[[], datetime]) -> None:
    """End and forget until cancelled, in batches that let partners' messages in between."""
    while True:
        seconds = _round(lapsing, clock)
        await asyncio.sleep(seconds)


def _round(lapsing: Lapsing, clock: Callable[[], datetime]) -> float:
    """Do one batch, and return the seconds until there may be more to do."""
    log = structlog.get_logger()
    try:
        for pid in lapsing.end_overdue():
            log.warning("process.lapsed", process=pid)
        if lapsing.forget():
            return IDLE_SECONDS_MIN
        following = lapsing.next_at()
    except TransientError as error:
        log.warning("lapsing.delayed", reason=error.text().what)
        return TROUBLE_SECONDS
    # Whatever begins while we sleep has its whole patience before it.
    idle = min(lapsing.shortest_seconds(), IDLE_SECONDS_MAX)
    if following is not None:
        idle = min(idle, (following - clock()).total_seconds())
    return max(idle, IDLE_SECONDS_MIN)
