"""The look at all open access is repeated, whatever goes wrong with one of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from structlog.testing import capture_logs

from connector.daemon.watching import watch_access
from connector.errors import TransientError


@dataclass
class PlayedWatch:
    """Looks as often as it is asked to, and has trouble first."""

    troubles: list[Exception]
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self) -> int:
        if self.troubles:
            raise self.troubles.pop()
        self.enough.set()
        return 0


async def test_trouble_is_told_and_the_next_look_comes() -> None:
    watch = PlayedWatch([TransientError("store:busy", path="x")])
    with capture_logs() as lines:
        watching = asyncio.create_task(watch_access(watch, 0.003))  # type: ignore[arg-type]
        await asyncio.wait_for(watch.enough.wait(), 5)
        watching.cancel()

    assert ["watching.delayed"] == [line["event"] for line in lines]
