"""The ledger: what is found when somebody alters it, and what survives that is no alteration."""

import io
import sqlite3

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from connector.errors import SetupError, TransientError
from connector.protocols.dcp.keys import signing_key
from connector.protocols.dcp.notary import DcpNotary
from connector.store.database import Database, migrations
from connector.store.turns import Turns
from connector.telemetry import configure_logging
from connector.transfer.audit import BrokenLedgerError
from connector.transfer.chain import Pace
from connector.transfer.scribe import Scribe
from connector.transfer.verification import heads_in_log
from tests.builders.ledger import BEGINNING, DID, Book, line, new_key


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path / "store.db")


def broken(book, logged=()):
    with pytest.raises(BrokenLedgerError) as caught:
        book.verify(logged)
    return caught.value.code.removeprefix("transfer:"), caught.value.params


def log_of(run):
    """Return the lines that a run logs, as a service keeps them."""
    stream = io.StringIO()
    configure_logging(stream, readable=False)
    try:
        run()
    finally:
        structlog.reset_defaults()
    return stream.getvalue().splitlines()


def test_a_ledger_is_sound_as_it_was_written(book):
    book.run(3, 3, 1)
    verdict = book.verify()

    # One row names the key; heads: at the start, and after rows 7.
    assert (8, 7, 1, 2, 0) == (
        verdict.rows,
        verdict.signed_rows,
        verdict.unsigned_rows,
        verdict.stored_heads,
        verdict.adopted_rows,
    )


def test_a_new_store_holds_nothing_and_that_is_sound(book):
    Database.open(book.path).close()

    assert 0 == book.verify().rows


def test_the_chain_goes_on_where_a_killed_process_left_it(book):
    for _ in range(5):
        book.run(3)
    verdict = book.verify()

    assert (16, 13) == (verdict.rows, verdict.signed_rows)


def test_a_head_is_signed_after_so_many_rows(book):
    book.pace = Pace(rows_max=10, seconds_max=60.0)
    book.run(*[1] * 35)

    assert [1, 11, 21, 31] == [rows for (rows,) in _rows(book, "SELECT rows FROM ledger_head")]


@pytest.mark.parametrize(
    ("change", "expected", "number"),
    [
        ("UPDATE ledger SET subject = 'another' WHERE number = 5", "row_altered", 5),
        ("UPDATE ledger SET at = at + 1 WHERE number = 5", "row_altered", 5),
        ("UPDATE ledger SET partner = 'BPNL00000000XXXX' WHERE number = 5", "row_altered", 5),
        ("UPDATE ledger SET subject = CAST(x'fffe' AS TEXT) WHERE number = 5", "row_altered", 5),
        ("UPDATE ledger SET subject = x'00' WHERE number = 5", "row_altered", 5),
        ("UPDATE ledger SET at = 'soon' WHERE number = 5", "row_altered", 5),
        ("UPDATE ledger SET hash = x'00' WHERE number = 5", "row_altered", 5),
        ("UPDATE ledger SET hash = NULL WHERE number = 5", "row_unbound", 5),
        ("DELETE FROM ledger WHERE number = 5", "row_missing", 5),
        ("DELETE FROM ledger WHERE number = 1", "row_missing", 1),
    ],
)
def test_the_first_bad_row_is_named(book, change, expected, number):
    book.run(3, 3, 3)
    book.edit(change)
    code, params = broken(book)

    assert (expected, number) == (code, params["number"])


def test_a_cut_end_below_the_last_head_is_found(book):
    book.run(3, 3, 3)
    book.edit("DELETE FROM ledger WHERE number > 5")

    assert ("tail_cut", 7) == (broken(book)[0], broken(book)[1]["signed"])


def test_an_emptied_ledger_is_found(book):
    book.run(3, 3)
    book.edit("DELETE FROM ledger")

    assert "tail_cut" == broken(book)[0]


@pytest.mark.parametrize("readable", [True, False])
def test_an_old_head_of_the_log_proves_that_the_end_was_cut_with_its_heads(book, readable):
    stream = io.StringIO()
    configure_logging(stream, readable=readable)
    book.run(5, 5, 5)
    structlog.reset_defaults()
    book.edit("DELETE FROM ledger WHERE number > 6")
    book.edit("DELETE FROM ledger_head WHERE rows > 6")
    logged = list(heads_in_log(stream.getvalue().splitlines(), "eslabon.log"))

    assert 6 == book.verify().rows
    assert 4 == len(logged)
    assert ("tail_cut", "eslabon.log:3") == (
        broken(book, logged)[0],
        broken(book, logged)[1]["where"],
    )


def test_the_last_head_is_logged_again_at_a_start_for_who_was_killed_before_that(book):
    book.run(5, 5)
    [(seal,)] = _rows(book, "SELECT seal FROM ledger_head ORDER BY number DESC LIMIT 1")
    lines = log_of(book.run)
    logged = list(heads_in_log(lines, "eslabon.log"))

    assert seal.split(".")[2] in lines[0]
    assert logged == list(heads_in_log(lines * 2, "eslabon.log"))
    assert 2 == book.verify(logged).logged_heads


def test_rows_that_were_written_anew_with_hashes_that_fit_do_not_fit_the_head(book):
    book.run(3, 3, 3)
    book.edit("UPDATE ledger SET subject = 'another' WHERE number = 5")
    book.forge_hashes()
    code, params = broken(book)

    assert ("rows_rewritten", 2, 7, 1) == (
        code,
        params["first"],
        params["last"],
        params["sound"],
    )


def test_a_removed_row_whose_followers_moved_up_does_not_fit_the_head(book):
    book.run(3, 3, 3)
    book.edit("DELETE FROM ledger WHERE number = 5")
    book.forge_hashes()

    assert "rows_rewritten" == broken(book)[0]


def test_a_log_proves_rows_that_were_written_anew_with_all_heads_removed(book):
    lines = log_of(lambda: book.run(5, 5))
    book.edit("DELETE FROM ledger_head WHERE number > 1")
    book.edit("UPDATE ledger SET subject = 'another' WHERE number = 5")
    book.forge_hashes()

    assert "rows_rewritten" == broken(book, list(heads_in_log(lines, "log")))[0]


def test_a_missing_head_is_found(book):
    book.run(5, 5, 5)
    book.edit("DELETE FROM ledger_head WHERE number = 2")

    assert ("head_missing", 2) == (broken(book)[0], broken(book)[1]["expected"])


def test_a_ledger_without_heads_is_not_sound(book):
    book.run(5)
    book.edit("DELETE FROM ledger_head")

    assert "no_heads" == broken(book)[0]


def test_an_end_without_heads_that_is_longer_than_the_pace_is_not_sound(book):
    book.run(5)
    scribe = Scribe(book.path, pace=book.pace)
    scribe.write([line(number) for number in range(10_005)], BEGINNING)
    scribe.close()

    assert "tail_long" == broken(book)[0]


def test_an_end_without_heads_over_too_long_a_time_is_not_sound(book):
    book.run(5)
    scribe = Scribe(book.path, pace=book.pace)
    scribe.write([line(1), line(1, BEGINNING + 1000 * 121)], BEGINNING)
    scribe.close()

    assert "tail_long" == broken(book)[0]


@pytest.mark.parametrize("seal", ["", "a.b.c", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "x" * 5000])
def test_a_seal_that_is_none_is_found(book, seal):
    book.run(5)
    book.edit("UPDATE ledger_head SET seal = ? WHERE number = 1", seal)

    assert "head_unproven" == broken(book)[0]


def test_a_head_in_the_place_of_another_is_found(book):
    book.run(5, 5)
    book.edit(
        "UPDATE ledger_head SET seal = (SELECT seal FROM ledger_head WHERE number = 2)"
        " WHERE number = 3"
    )

    assert "head_misplaced" == broken(book)[0]


def test_a_former_key_counts_when_the_present_one_signed_after_it(book):
    book.run(5, 5)
    book.keys = [new_key()]
    book.run(5)

    assert 17 == book.verify().rows


@pytest.mark.parametrize(
    "private",
    [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())],
    ids=["Ed25519", "secp256k1"],
)
def test_every_kind_of_key_can_sign_and_be_a_former_one(book, private):
    book.keys = [signing_key(private, DID)]
    book.run(5, 5)
    book.keys = [new_key()]
    book.run(5)

    assert 17 == book.verify().rows


def test_a_former_key_that_is_published_still_counts_before_the_next_start(book):
    book.run(5, 5)
    book.keys = [new_key(), *book.keys]

    assert 11 == book.verify().rows


def test_a_key_that_the_store_calls_former_proves_nothing_by_itself(book):
    """Whoever writes a whole ledger with a key of his own cannot make it ours."""
    ours = book.keys
    book.keys = [new_key()]
    book.run(5, 5)
    book.keys = ours

    assert "key_unproven" == broken(book)[0]


def test_a_false_public_key_in_the_store_opens_nothing(book):
    book.run(5, 5)
    book.keys = [new_key()]
    book.run(5)
    book.edit("UPDATE ledger_key SET jwk = ?", DcpNotary([new_key()]).public_key())

    assert "head_unproven" == broken(book)[0]


def test_rows_of_before_the_ledger_are_bound_and_told_apart(tmp_path, book):
    _old_store(book.path, rows=25)
    book.run(3)
    verdict = book.verify()

    assert (25, 30) == (verdict.adopted_rows, verdict.rows)
    assert ("part 3", 4) == _rows(book, "SELECT subject, number FROM ledger WHERE number = 4")[0]


def test_an_adoption_that_was_killed_in_the_middle_goes_on(monkeypatch, book):
    _old_store(book.path, rows=25)
    monkeypatch.setattr("connector.transfer.scribe.ADOPTED_AT_ONCE", 10)
    scribe = Scribe(book.path)
    monkeypatch.setattr(Database, "transaction", _second_time_fails(Database.transaction))
    with pytest.raises(RuntimeError):
        scribe.open(BEGINNING)
    monkeypatch.undo()
    book.run(3)

    assert 25 == book.verify().adopted_rows


def test_a_store_that_was_not_started_since_is_not_called_sound(book):
    _old_store(book.path, rows=5)
    Database.open(book.path).close()

    assert "row_unbound" == broken(book)[0]


def test_a_row_that_cannot_be_written_leaves_the_chain_as_it_was(book):
    scribe = book.begin()
    book.write(scribe, 2)
    with pytest.raises(TypeError):
        scribe.write([(1, "p", "a", "t", "x", object(), "")], BEGINNING)
    book.write(scribe, 2)
    scribe.close()

    assert 5 == book.verify().rows


def test_a_ledger_that_does_not_fit_its_last_head_is_told_at_the_start(book):
    book.run(5, 5)
    book.edit("DELETE FROM ledger WHERE number > 4")
    scribe = book.begin()
    scribe.close()

    assert not scribe.state.intact
    assert "tail_cut" == broken(book)[0]


def test_what_is_logged_of_a_head_is_not_taken_for_a_secret(book):
    lines = log_of(lambda: book.run(5))

    assert [] == [text for text in lines if "hidden" in text]


def test_there_is_nothing_to_read_where_there_is_no_store(tmp_path):
    with pytest.raises(SetupError) as caught:
        Database.open_to_read(tmp_path / "none.db")

    assert "store:cannot_open" == caught.value.code


def test_a_reader_changes_nothing(book):
    book.run(1)
    db = Database.open_to_read(book.path)

    with pytest.raises(Exception, match="readonly"):
        db.execute("DELETE FROM ledger")
    db.close()


def test_a_file_that_is_no_store_is_told_as_such(tmp_path):
    (tmp_path / "store.db").write_bytes(b"not a database" * 100)
    with pytest.raises(SetupError) as caught:
        Database.open_to_read(tmp_path / "store.db")

    assert "store:damaged" == caught.value.code


def _rows(book, sql):
    db = Database.open_to_read(book.path)
    rows = db.rows(sql)
    db.close()
    return rows


def _old_store(path, rows):
    """Make a store as the program wrote it before there was a ledger."""
    scripts = migrations()
    before = next(n for n, sql in enumerate(scripts) if "CREATE TABLE ledger" in sql)
    store = sqlite3.connect(path)
    for script in scripts[:before]:
        store.executescript(script)
    store.execute(f"PRAGMA user_version = {before}")
    # Numbers of old rows may have gaps.
    olds = [(2 * number, *line(number)[:-1]) for number in range(rows)]
    with store:
        store.executemany("INSERT INTO access_log VALUES (?,?,?,?,?,?,?)", olds)
    store.close()


def _second_time_fails(transaction):
    times = iter(range(100))

    def failing(self):
        if next(times):
            raise RuntimeError
        return transaction(self)

    return failing


def test_what_was_written_and_not_made_durable_is_in_no_log_as_signed(book):
    scribe = book.begin()
    written = log_of(lambda: scribe.write([line(1)], BEGINNING, seal=True))
    synced = log_of(scribe.sync)
    scribe.close()

    assert ([], 1) == (written, len(list(heads_in_log(synced, "log"))))


def test_a_head_whose_line_in_the_log_a_kill_prevented_is_logged_at_the_next_start(book):
    def killed():
        scribe = book.begin()
        scribe.write([line(1)], BEGINNING, seal=True)
        scribe.close()

    lines = [*log_of(killed), *log_of(lambda: book.run(1)), *log_of(lambda: book.run(1))]
    verdict = book.verify(list(heads_in_log(lines, "log")))

    assert verdict.stored_heads == verdict.logged_heads > 3


def test_after_a_disk_that_did_not_take_it_the_end_is_looked_up_anew(monkeypatch, book):
    scribe = book.begin()
    scribe.write([line(1)], BEGINNING)
    monkeypatch.setattr("connector.store.database._SYNC", _no_space)
    with pytest.raises(TransientError):
        scribe.sync()
    monkeypatch.undo()
    was_free = scribe.is_free
    book.write(scribe, 2)
    scribe.close()

    assert (False, 4) == (was_free, book.verify().rows)


def test_more_rows_than_one_statement_takes_are_written_together_or_not_at_all(book):
    book.pace = Pace(rows_max=1_000, seconds_max=60.0)
    scribe = book.begin()
    book.write(scribe, 200)
    with pytest.raises(TypeError):
        scribe.write([*map(line, range(100)), (1, "p", "a", "t", "x", object(), "")], BEGINNING)
    scribe.close()

    assert 201 == book.verify().rows


def test_a_scribe_waits_while_somebody_else_writes(tmp_path):
    turns = Turns()
    scribe = Scribe(tmp_path / "store.db", turns.hurried())
    before = scribe.is_free
    scribe.open(BEGINNING)
    with turns.patient():
        meanwhile = scribe.is_free

    assert (False, False, True) == (before, meanwhile, scribe.is_free)
    scribe.close()


def _no_space(_log):
    raise OSError(28, "No space left on device")
