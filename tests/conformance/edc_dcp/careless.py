"""Runs our program with a wallet that presents what it holds without a look at the dates.

Ours leaves out what has expired, so nobody would be asked to judge it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from connector.cli.entry import main
from connector.protocols.dcp.wallet import Wallet


def _whatever_it_holds(wallet: Wallet, types: Iterable[str], now: datetime) -> tuple[str, ...]:
    asked = frozenset(types)
    return tuple(one.text for one in wallet.held(now) if asked & {*one.credential.types})


if __name__ == "__main__":
    Wallet.presentable = _whatever_it_holds  # type: ignore[assignment,method-assign]
    main()
