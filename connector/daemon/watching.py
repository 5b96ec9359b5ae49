"""Repeats the look at all open access for as long as the connector runs."""

from __future__ import annotations

import asyncio

import structlog

from connector.errors import EslabonError
from connector.transfer.standing import LOOKS_PER_TERM
from connector.transfer.watch import AccessWatch


async def watch_access(watch: AccessWatch, term_seconds: float) -> None:
    """Look at once and then several times in each term, until cancelled."""
    while True:
        try:
            await watch.look()
        except EslabonError as error:
            structlog.get_logger().warning("watching.delayed", reason=error.text().what)
        await asyncio.sleep(term_seconds / LOOKS_PER_TERM)
