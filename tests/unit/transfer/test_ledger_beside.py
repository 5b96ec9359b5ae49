"""Rows that come alone share the commit of what the event loop gathers; the chain stays one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.errors import TransientError
from connector.protocols.dcp.notary import DcpNotary
from connector.store.database import Database
from connector.store.turns import Turns
from connector.transfer.access import Access
from connector.transfer.chain import Pace
from connector.transfer.ledger import Deed, Ledger
from connector.transfer.scribe import Scribe
from connector.transfer.terms import Agreed
from tests.builders.exchange import NOW
from tests.builders.ledger import Book
from tests.doubles.party import OEM

ACCESS = Access(OEM.did, OEM.bpnl, "d", "a", "t", False, b"", NOW, Agreed(b"{}", NOW))


@dataclass
class Desk:
    """A ledger beside a connection that gathers, and another that looks on."""

    book: Book
    db: Database
    other: Database
    ledger: Ledger
    commits: list[str]

    async def read(self, part: str) -> None:
        await self.ledger.record(Deed(ACCESS, "submodel.read", part))

    def rows(self, db: Database) -> list[str]:
        found = db.rows("SELECT subject FROM ledger WHERE partner <> '' ORDER BY number")
        return [subject for (subject,) in found]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    book, turns = Book(tmp_path / "store.db"), Turns()
    commits: list[str] = []
    db = Database.open(book.path, commits.append, turns.hurried())
    db.gather(asyncio.get_running_loop().call_soon)
    scribe = Scribe(book.path, turns.hurried(), DcpNotary(book.keys), Pace(6, 60.0))
    ledger = Ledger(scribe, lambda: datetime.now(UTC), beside=db)
    await ledger.begin()
    other = Database.open(book.path)
    commits.clear()
    yield Desk(book, db, other, ledger, commits)
    with suppress(TransientError):
        await ledger.close()
    other.close()
    db.close()


async def test_a_row_that_comes_alone_shares_the_commit_of_what_is_gathered(desk: Desk) -> None:
    reading = asyncio.create_task(desk.read("one"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with desk.db.gathered() as tx:
        tx.execute("CREATE TABLE word (text TEXT)")

    assert ([], ["one"]) == (desk.rows(desk.other), desk.rows(desk.db))
    assert not reading.done()
    await reading
    assert ["one"] == desk.rows(desk.other)
    assert ["committing", "committed"] == desk.commits
    assert 2 == desk.book.verify().rows


async def test_many_rows_at_once_take_the_way_by_the_thread(desk: Desk) -> None:
    await asyncio.gather(*(desk.read(f"part {number}") for number in range(3)))

    assert [] == desk.commits
    assert 3 == len(desk.rows(desk.other))
    assert 4 == desk.book.verify().rows


async def test_both_ways_write_one_chain_with_its_heads(desk: Desk) -> None:
    for number in range(12):
        await desk.read(f"alone {number}")
        together = (desk.read(f"together {number}.{place}") for place in range(number % 5))
        await asyncio.gather(*together)

    verdict = desk.book.verify()
    assert 1 + len(desk.rows(desk.other)) == verdict.rows
    assert verdict.stored_heads > 3
    assert desk.commits


async def test_a_row_that_was_undone_is_not_in_the_chain_and_its_reader_is_told(
    desk: Desk,
) -> None:
    await desk.read("one")
    reading = asyncio.create_task(desk.read("two"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert ["one", "two"] == desk.rows(desk.db)
    # As a full disk does it: all that was gathered is gone.
    desk.db._undo_all()
    desk.db._end_gathering(TransientError("store:disk_full", path=desk.book.path))

    with pytest.raises(TransientError):
        await reading
    await desk.read("three")
    assert ["one", "three"] == desk.rows(desk.other)
    assert desk.book.verify().rows >= 3


async def test_what_cannot_be_gathered_goes_by_the_thread(desk: Desk) -> None:
    desk.db.execute(
        "CREATE TEMP TRIGGER jammed BEFORE INSERT ON main.ledger"
        " BEGIN SELECT raise(ABORT, 'this connection only'); END"
    )

    with suppress(Exception):
        await desk.read("one")

    assert ["one"] == desk.rows(desk.other)
    assert 2 <= desk.book.verify().rows
