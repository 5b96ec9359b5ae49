"""Whatever single thing somebody does to a ledger below a signed head, it is found."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.transfer.audit import BrokenLedgerError
from connector.transfer.chain import Content, line_of
from tests.builders.ledger import Book

COLUMNS = ["at", "partner", "agreement", "transfer", "action", "subject", "detail", "hash"]
SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=8)
PLACE = st.floats(0, 1, exclude_max=True)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def signed_book(folder: str, sizes: list[int]) -> tuple[Book, int]:
    """Return a ledger that ended cleanly, and how many rows are signed."""
    book = Book(Path(folder) / "store.db")
    scribe = book.begin()
    book.write(scribe, *sizes)
    scribe.write([], book.at, seal=True)
    scribe.close()
    return book, book.verify().rows


@settings(max_examples=40, deadline=None)
@given(SIZES, PLACE, st.sampled_from(COLUMNS), st.one_of(st.integers(0, 1 << 40), TEXT))
def test_any_edit_of_any_column_is_found(sizes, place, column, value) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book, rows = signed_book(folder, sizes)
        number = 1 + int(place * rows)
        before = book.rows()
        book.edit(f"UPDATE ledger SET {column} = ? WHERE number = ?", value, number)
        if before == book.rows():
            return
        with pytest.raises(BrokenLedgerError) as caught:
            book.verify()

        assert number == caught.value.params["number"]


@settings(max_examples=30, deadline=None)
@given(SIZES, PLACE, st.booleans())
def test_any_removal_is_found(sizes, place, fit) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book, rows = signed_book(folder, sizes)
        book.edit("DELETE FROM ledger WHERE number = ?", 1 + int(place * rows))
        if fit:
            book.forge_hashes()
        with pytest.raises(BrokenLedgerError):
            book.verify()


@settings(max_examples=30, deadline=None)
@given(SIZES, PLACE, PLACE, st.booleans())
def test_any_swap_is_found(sizes, one, other, fit) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book, rows = signed_book(folder, sizes)
        first, second = 1 + int(one * rows), 1 + int(other * rows)
        if first == second:
            return
        for before, after in ((first, -1), (second, first), (-1, second)):
            book.edit("UPDATE ledger SET number = ? WHERE number = ?", after, before)
        if fit:
            book.forge_hashes()
        with pytest.raises(BrokenLedgerError):
            book.verify()


@settings(max_examples=30, deadline=None)
@given(SIZES, PLACE, st.booleans())
def test_any_insertion_is_found(sizes, place, fit) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book, rows = signed_book(folder, sizes)
        # After the last signed row nobody can tell a row that was put in from one of ours.
        number = int(place * rows)
        book.edit("UPDATE ledger SET number = -number WHERE number > ?", number)
        book.edit("UPDATE ledger SET number = 1 - number WHERE number < 0")
        book.edit(
            "INSERT INTO ledger SELECT ?, at, partner, agreement, transfer, action, 'put in',"
            " detail, hash FROM ledger WHERE number = ?",
            *(number + 1, number + 2),
        )
        if fit:
            book.forge_hashes()
        with pytest.raises(BrokenLedgerError):
            book.verify()


@settings(max_examples=30, deadline=None)
@given(SIZES, PLACE)
def test_any_truncation_is_found(sizes, place) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book, rows = signed_book(folder, sizes)
        book.edit("DELETE FROM ledger WHERE number > ?", int(place * rows))
        with pytest.raises(BrokenLedgerError):
            book.verify()


@settings(max_examples=30, deadline=None)
@given(st.lists(SIZES, min_size=1, max_size=4))
def test_what_nobody_touched_is_sound_however_it_was_written(runs) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = Book(Path(folder) / "store.db")
        for sizes in runs:
            book.run(*sizes)
        verdict = book.verify()

        assert 1 + sum(map(sum, runs)) == verdict.rows
        assert verdict.unsigned_rows < book.pace.rows_max


ROW = st.tuples(st.integers(), st.integers(), *[TEXT] * 6)


@given(ROW, ROW)
def test_different_rows_are_hashed_from_different_bytes(one: Content, other: Content) -> None:
    if all(abs(number) < 1 << 63 for number in (*one[:2], *other[:2])):
        assert (one == other) == (line_of(one) == line_of(other))
