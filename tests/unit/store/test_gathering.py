"""Many small changes in one turn of an event loop share one commit, and nobody learns early."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from connector.errors import TransientError
from connector.store.database import Database
from connector.store.signals import durable
from connector.store.turns import Turns

TEST_SECONDS = 10


class Store:
    """A connection that gathers, another that looks on, and what the probe was told."""

    def __init__(self, path: Path) -> None:
        self.probed: list[str] = []
        self.turns = Turns()
        self.db = Database.open(path, self.probed.append, self.turns.hurried())
        self.other = Database.open(path)
        self.db.execute("CREATE TABLE word (text TEXT)")

    def words(self, db: Database) -> list[str]:
        return [text for (text,) in db.rows("SELECT text FROM word ORDER BY text")]

    def write(self, word: str) -> None:
        with self.db.gathered() as tx:
            tx.execute("INSERT INTO word VALUES (?)", (word,))

    def write_and_fail(self, change: AbstractContextManager[Database]) -> None:
        with change as tx:
            tx.execute("INSERT INTO word VALUES ('b')")
            raise ValueError("no")

    def gather(self) -> None:
        self.db.gather(asyncio.get_running_loop().call_soon)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "store.db")
    yield made
    made.db.close()
    made.other.close()


async def test_what_comes_in_one_turn_of_the_loop_is_one_commit(store: Store) -> None:
    store.gather()

    async def message(word: str) -> None:
        store.write(word)
        await durable(store.db)

    await asyncio.gather(*(message(word) for word in "abc"))

    assert ["a", "b", "c"] == store.words(store.other)
    assert ["committing", "committed"] == store.probed


async def test_nobody_is_told_before_it_is_durable(store: Store) -> None:
    store.gather()
    store.write("a")
    told: list[Exception | None] = []
    store.db.when_durable(told.append)

    assert (["a"], []) == (store.words(store.db), store.words(store.other))
    assert [] == told
    await asyncio.sleep(0)
    assert ["a"] == store.words(store.other)
    assert [None] == told


async def test_one_that_fails_takes_nothing_from_the_others(store: Store) -> None:
    store.gather()
    store.write("a")
    with pytest.raises(ValueError, match="no"):
        store.write_and_fail(store.db.gathered())
    store.write("c")

    await durable(store.db)

    assert ["a", "c"] == store.words(store.other)


async def test_a_transaction_of_its_own_makes_durable_what_was_gathered_before(
    store: Store,
) -> None:
    store.gather()
    store.write("a")
    with pytest.raises(ValueError, match="no"):
        store.write_and_fail(store.db.transaction())

    assert ["a"] == store.words(store.other)


async def test_whoever_waits_is_told_that_the_disk_is_full(store: Store) -> None:
    store.gather()
    pages = store.db.row("PRAGMA page_count")
    assert pages is not None
    store.db.execute(f"PRAGMA max_page_count={pages[0] + 2}")
    store.write("a")
    await durable(store.db)
    store.write("b")
    told: list[Exception | None] = []
    store.db.when_durable(told.append)
    with pytest.raises(TransientError):
        store.write("c" * 100_000)

    assert ["a"] == store.words(store.other)
    assert isinstance(told[0], TransientError)


async def test_what_was_gathered_and_not_concluded_when_the_store_closes_never_was(
    store: Store,
) -> None:
    store.gather()
    store.write("a")
    told: list[Exception | None] = []
    store.db.when_durable(told.append)

    store.db.close()

    assert [] == store.words(store.other)
    assert isinstance(told[0], TransientError)


async def test_another_writer_has_its_turn_when_the_commit_is_done(store: Store) -> None:
    store.gather()
    patient = store.turns.patient()

    def write_too() -> None:
        with patient:
            pass

    async with asyncio.timeout(TEST_SECONDS):
        store.write("a")
        await asyncio.to_thread(write_too)

    assert ["a"] == store.words(store.other)


def test_without_a_loop_it_is_a_transaction(store: Store) -> None:
    store.write("a")

    assert ["a"] == store.words(store.other)


@pytest.mark.parametrize("is_gathered", [True, False])
async def test_whoever_asks_in_the_midst_of_a_change_is_told_when_it_is_durable(
    store: Store, is_gathered: bool
) -> None:
    store.gather()
    told: list[Exception | None] = []
    with store.db.gathered() if is_gathered else store.db.transaction() as tx:
        tx.when_durable(told.append)
        tx.execute("INSERT INTO word VALUES ('a')")
        assert [] == told

    await durable(store.db)

    assert [None] == told
    assert ["a"] == store.words(store.other)


@pytest.mark.parametrize("is_gathered", [True, False])
async def test_whoever_asks_in_the_midst_of_what_is_undone_is_told_nothing(
    store: Store, is_gathered: bool
) -> None:
    store.gather()
    told: list[Exception | None] = []

    def ask_and_fail(change: AbstractContextManager[Database]) -> None:
        with change as tx:
            tx.when_durable(told.append)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        ask_and_fail(store.db.gathered() if is_gathered else store.db.transaction())
    store.write("b")

    await durable(store.db)

    assert [] == told
    assert ["b"] == store.words(store.other)
