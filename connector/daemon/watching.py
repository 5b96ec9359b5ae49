"""Repeats the look at all open access for as long as the connector runs."""

from __future__ import annotations

import asyncio

import structlog

from connector.errors import TransientError
from connector.transfer.standing import LOOKS_PER_TERM
from connector.transfer.watch import AccessWatch


async def watch_access(watch: AccessWatch, term_seconds: float) -> None:
    """Look at once and then several times in each term, until cancelled."""
    while True:
        try:
            await watch.look()
        except TransientError as error:
            structlog.get_logger().warning("watching.delayed", reason=error.text().what)
        except Exception:  # noqa: BLE001 - a bug of ours: the gate refuses by itself, others go on
            structlog.get_logger().exception("watching.broke")
        await asyncio.sleep(term_seconds / LOOKS_PER_TERM)
