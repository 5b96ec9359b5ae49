"""What a directory says about partners, and what the address book makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.errors import PartnerError, TransientError
from connector.identifiers import Bpnl, Did
from connector.partner.book import AddressBook
from connector.partner.directory import Contradiction, Directory
from connector.partner.model import Partner, UnlistedPartner
from connector.store.database import Database

SOURCE = "https://bdrs.test/api/directory"
PUEBLA = Bpnl("BPNL00000000PUE1")
LEON = Bpnl("BPNL00000000LEO1")
HERE, THERE, OTHER = Did("did:web:here"), Did("did:web:there"), Did("did:web:other")


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database.open(tmp_path / "store.db")


def test_the_last_listing_is_there_after_a_restart_with_its_age(db: Database) -> None:
    clock = Clock()
    Directory(db, SOURCE, clock).keep({PUEBLA: HERE})
    clock.now += timedelta(hours=3)
    again = Directory(db, SOURCE, clock)

    assert (HERE, None) == (again.did_of(PUEBLA), again.did_of(LEON))
    assert timedelta(hours=3) == again.age()
    assert 1 == len(again)


def test_another_directory_knows_nothing_of_it(db: Database) -> None:
    Directory(db, SOURCE, Clock()).keep({PUEBLA: HERE})
    other = Directory(db, "https://other.test", Clock())

    assert (None, None) == (other.did_of(PUEBLA), other.age())


def test_an_entry_without_did_is_completed_by_the_directory(db: Database) -> None:
    directory = Directory(db, SOURCE, Clock())
    directory.keep({PUEBLA: HERE})
    book = AddressBook((), (UnlistedPartner("puebla", PUEBLA),), directory)
    puebla = Partner("puebla", PUEBLA, HERE)

    assert puebla == book.by_name("puebla")
    assert puebla == book.by_bpnl(PUEBLA)
    assert puebla == book.by_did(HERE)
    assert [None, None] == [book.by_did(THERE), book.by_bpnl(LEON)]


def test_a_directory_that_was_never_read_may_be_tomorrow(db: Database) -> None:
    book = AddressBook((), (UnlistedPartner("puebla", PUEBLA),), Directory(db, SOURCE, Clock()))

    with pytest.raises(TransientError, match=f"the directory {SOURCE} was never read"):
        book.by_bpnl(PUEBLA)
    assert book.by_did(HERE) is None


def test_a_number_that_is_not_listed_is_the_partners_matter(db: Database) -> None:
    clock = Clock()
    directory = Directory(db, SOURCE, clock)
    directory.keep({LEON: HERE})
    clock.now += timedelta(minutes=90)
    book = AddressBook((), (UnlistedPartner("puebla", PUEBLA),), directory)

    with pytest.raises(PartnerError, match="read 90 minutes ago, has none"):
        book.by_name("puebla")


def test_the_address_book_wins_and_the_contradiction_is_told(db: Database) -> None:
    directory = Directory(db, SOURCE, Clock())
    directory.keep({PUEBLA: THERE, LEON: OTHER})
    book = AddressBook(
        (Partner("puebla", PUEBLA, HERE), Partner("leon", LEON, OTHER)), (), directory
    )

    assert HERE == getattr(book.by_bpnl(PUEBLA), "did", None)
    assert book.by_did(THERE) is None
    assert (Contradiction("puebla", PUEBLA, HERE, THERE),) == directory.contradictions(book)


def test_of_several_connectors_the_directory_lists_one_and_contradicts_nobody(
    db: Database,
) -> None:
    directory = Directory(db, SOURCE, Clock())
    directory.keep({PUEBLA: THERE})
    book = AddressBook(
        (Partner("one", PUEBLA, HERE), Partner("two", PUEBLA, THERE)),
        (UnlistedPartner("three", PUEBLA),),
        directory,
    )

    assert () == directory.contradictions(book)
    assert ["one", "two"] == [one.name for one in book.all_of(PUEBLA)]
