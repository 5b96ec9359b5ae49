"""Writers take turns: one at a time, and who is in a hurry goes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.store.database import Database
from connector.store.turns import Turns
from connector.store.upkeep import CHECKPOINT_PAGES

WAIT_SECONDS = 5.0


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def waiting(turns: Turns, count: int) -> None:
    """Wait until so many writers in a hurry stand in line."""
    while turns._hurried < count:
        threading.Event().wait(0.001)


def test_who_is_in_a_hurry_goes_before_who_waits_longer() -> None:
    turns, order = Turns(), []

    def write(name: str, *, hurried: bool) -> None:
        with turns.hurried() if hurried else turns.patient():
            order.append(name)

    with turns.patient():
        patient = started(lambda: write("intake", hurried=False))
        hurried = started(lambda: write("message", hurried=True))
        waiting(turns, 1)
    hurried.join(WAIT_SECONDS)
    patient.join(WAIT_SECONDS)

    assert ["message", "intake"] == order


def test_a_turn_is_given_back_when_what_was_done_in_it_fails() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.hurried():
        raise ZeroDivisionError

    done = started(lambda: turns.patient().__enter__())
    done.join(WAIT_SECONDS)
    assert not done.is_alive()


def test_it_is_crowded_for_a_moment_after_a_hurried_turn_only() -> None:
    turns = Turns()
    with turns.patient():
        pass
    before = turns.is_crowded()
    with turns.hurried():
        pass

    assert (False, True) == (before, turns.is_crowded())


def test_two_threads_write_one_store_without_losing_anything(tmp_path: Path) -> None:
    turns = Turns()
    first = Database.open(tmp_path / "store.db", turn=turns.hurried())
    first.execute("CREATE TABLE line (writer TEXT)")

    def fill() -> None:
        other = Database.open(tmp_path / "store.db", turn=turns.patient())
        for _ in range(50):
            with other.transaction() as tx:
                tx.execute("INSERT INTO line VALUES ('intake')")
        other.close()

    thread = started(fill)
    for _ in range(50):
        with first.transaction() as tx:
            tx.execute("INSERT INTO line VALUES ('message')")
    thread.join(WAIT_SECONDS)

    rows = first.rows("SELECT writer, count(*) FROM line GROUP BY writer ORDER BY writer")
    assert [("intake", 50), ("message", 50)] == rows
    first.close()


def test_the_log_is_carried_over_by_a_patient_writer_and_not_while_somebody_waits(
    tmp_path: Path,
) -> None:
    turns = Turns()
    hurried = Database.open(tmp_path / "store.db", turn=turns.hurried())
    patient = Database.open(tmp_path / "store.db", turn=turns.patient())
    hurried.execute("CREATE TABLE word (text TEXT)")
    turns.upkeep.note(12 * CHECKPOINT_PAGES)
    before = hurried.path.stat().st_size

    with hurried.transaction() as tx:
        tx.execute("INSERT INTO word VALUES (?)", ("a" * 100_000,))
    assert before == hurried.path.stat().st_size
    patient.tidy()

    assert hurried.path.stat().st_size > before + 100_000
    assert not turns.upkeep.is_due()
    patient.close()
    hurried.close()
