"""The intake door: every row is taken once, kept back with a reason, or known already."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from connector.errors import Finding, Location
from connector.record import intake, quarantine, table
from connector.record.model import Batch, Document, Feed, Reject
from connector.store import journal
from connector.store.database import Database

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FEED = Feed("parts", key=("serial",), columns=("serial", "name"))


@pytest.fixture
def db(tmp_path):
    database = Database.open(tmp_path / "store.db")
    yield database
    database.close()


def batch(
    rows: Sequence[Sequence[object]], *, name="a.csv", first=2, ends=True, taken=None, stream=False
) -> Batch:
    """Return rows of a document whose fingerprint is its name with ``-print``."""
    document = Document(name, f"{name}-print", ("serial", "name"), stream=stream)
    positions = range(first, first + len(rows))
    return Batch(document, positions, rows, taken or first + len(rows) - 2, ends)


def received(db: Database) -> list[tuple[int, int]]:
    found = db.rows("SELECT first, last FROM journal WHERE event = 'record.received' ORDER BY id")
    return [(row[0], row[1]) for row in found]


def test_the_rows_of_a_document_go_on_together_when_it_ends(db):
    first = intake.take(db, FEED, batch([("1", "a"), ("2", "b")], ends=False), NOW)
    before = received(db)
    second = intake.take(db, FEED, batch([("3", "c")], first=4), NOW)

    assert (first.records, second.records, before, received(db)) == (2, 1, [], [(1, 3)])


def test_the_same_document_twice_changes_nothing(db):
    intake.take(db, FEED, batch([("1", "a")]), NOW)
    again = intake.take(db, FEED, batch([("1", "a")]), NOW)

    assert (again.records, received(db)) == (0, [(1, 1)])


def test_the_same_row_in_a_later_document_changes_nothing(db):
    intake.take(db, FEED, batch([("1", "a")]), NOW)
    again = intake.take(db, FEED, batch([("1", "a")], name="b.csv"), NOW)

    assert (again.records, again.unchanged, received(db)) == (0, 1, [(1, 1)])


def test_a_corrected_row_in_a_later_document_is_a_new_revision(db):
    intake.take(db, FEED, batch([("1", "a")]), NOW)
    intake.take(db, FEED, batch([("1", "A")], name="b.csv"), NOW)

    assert [r.revision for r in table.records(db, 1, 2)] == [1, 2]


def test_one_key_twice_in_a_document_holds_both_rows_naming_each_other(db):
    intake.take(db, FEED, batch([("1", "a"), ("2", "b"), ("1", "z")]), NOW)
    held = quarantine.listed(db, None, 10)

    assert [(q.position, q.findings[0].params["rows"]) for q in held] == [(2, "4"), (4, "2")]
    assert [r.rows[0][0] for r in table.records(db, 1, 3)] == ["2"]


def test_one_key_twice_is_found_across_batches(db):
    intake.take(db, FEED, batch([("1", "a")], ends=False), NOW)
    intake.take(db, FEED, batch([("1", "z")], first=3), NOW)

    assert [q.position for q in quarantine.listed(db, None, 10)] == [2, 3]


def test_a_repeat_of_what_is_known_still_conflicts_with_a_changed_row_beside_it(db):
    intake.take(db, FEED, batch([("1", "a")]), NOW)
    intake.take(db, FEED, batch([("1", "a")], name="b.csv", ends=False), NOW)
    intake.take(db, FEED, batch([("1", "z")], name="b.csv", first=3), NOW)
    held = quarantine.listed(db, None, 10)

    assert [(q.source, q.position, q.findings[0].params["rows"]) for q in held] == [
        ("b.csv", 3, "2")
    ]


def test_a_document_that_repeats_one_row_word_for_word_is_no_conflict(db):
    taken = intake.take(db, FEED, batch([("1", "a"), ("1", "a")]), NOW)

    assert (taken.records, taken.unchanged, taken.quarantined) == (1, 1, 0)


def test_a_corrected_document_takes_the_place_of_what_was_held(db):
    intake.take(db, FEED, batch([("1", "a"), ("1", "z")]), NOW)
    intake.take(db, FEED, batch([("1", "z")], name="b.csv"), NOW)

    assert [r.revision for r in table.records(db, 3, 3)] == [3]
    assert quarantine.listed(db, None, 10) == []


def test_a_stream_may_repeat_a_key_and_each_message_is_a_revision(db):
    rows = [("1", "a"), ("1", "b")]
    intake.take(db, FEED, batch(rows, name="line/1", stream=True), NOW)
    intake.take(db, FEED, batch([("1", "c")], name="line/1", stream=True), NOW)

    assert [r.revision for r in table.records(db, 1, 3)] == [1, 2, 3]
    assert received(db) == [(1, 2), (3, 3)]


def test_rows_of_one_group_form_one_record(db):
    grouped = Feed("bom", key=("serial",), columns=("serial", "name"), grouped=True)
    intake.take(db, grouped, batch([("1", "a"), ("2", "b"), ("1", "c")]), NOW)

    assert [(r.positions, r.rows) for r in table.records(db, 1, 9)] == [
        ((2, 4), [["1", "a"], ["1", "c"]]),
        ((3,), [["2", "b"]]),
    ]


def test_rows_without_a_key_never_conflict_with_each_other(db):
    taken = intake.take(db, FEED, batch([("", "a"), ("", "b")]), NOW)

    assert (taken.records, taken.quarantined) == (2, 0)


def test_a_row_that_cannot_be_read_stands_in_the_quarantine(db):
    finding = Finding("record:x", {}, Location("a.csv", 3))
    rejected = Reject(3, "1;2;3", finding)
    given = batch([("1", "a")])
    intake.take(
        db, FEED, Batch(given.document, [2], given.rows, 2, ends=True, rejects=[rejected]), NOW
    )
    held = quarantine.listed(db, None, 10)

    assert [(q.position, q.raw, q.findings) for q in held] == [(3, "1;2;3", (finding,))]


def test_a_refused_document_is_named_with_its_reason(db):
    finding = Finding("record:y", {}, Location("a.csv"))
    document = Document("a.csv", "p", ())
    intake.take(db, FEED, Batch(document, [], [], 0, ends=True, failure=finding), NOW)

    known = table.checkpoint(db, "parts")
    assert ("p" in known.failed, "p" in known.done) == (True, False)
    assert quarantine.listed(db, None, 10)[0].findings == (finding,)


def test_replayed_records_are_before_the_next_door_again(db):
    intake.take(db, FEED, batch([("1", "a"), ("1", "z")]), NOW)
    entries = quarantine.listed(db, None, 10)
    with db.transaction() as tx:
        count = quarantine.release(tx, [entries[1].id], NOW)

    work = journal.next_work(db, "derivation", ("record.replayed",), 10)
    assert (count, work and (work.first, work.last)) == (1, (2, 2))


def test_a_batch_that_was_stored_already_is_passed_over_after_a_restart(db):
    given = batch([("1", "a"), ("2", "b")], ends=False)
    intake.take(db, FEED, given, NOW)
    again = intake.take(db, FEED, given, NOW)

    assert (again.records, table.checkpoint(db, "parts").partial) == (0, {"a.csv-print": 2})


def refused(name="a.csv") -> Batch:
    document = Document(name, f"{name}-print", ())
    return Batch(document, [], [], 0, ends=True, failure=Finding("record:y", {}, Location(name)))


def current(db: Database) -> list[tuple[object, int]]:
    """Return serials and revisions of what is before the next door."""
    return [(r.rows[0][0], r.revision) for span in received(db) for r in table.records(db, *span)]


def test_a_document_that_was_replaced_half_way_takes_no_row_with_it(db):
    intake.take(db, FEED, batch([("1", "a"), ("2", "b")], ends=False), NOW)
    whole = batch([("1", "a"), ("2", "b"), ("3", "c")], name="a-again.csv")
    taken = intake.take(db, FEED, whole, NOW)

    assert (taken.records, [serial for serial, _ in current(db)]) == (3, ["1", "2", "3"])


def test_a_document_that_was_put_aside_half_way_is_read_from_its_start(db):
    intake.take(db, FEED, batch([("1", "a")], ends=False), NOW)
    intake.take(db, FEED, batch([("9", "z")], name="b.csv"), NOW)
    before = table.checkpoint(db, "parts").partial
    intake.take(db, FEED, batch([("1", "a"), ("2", "b")]), NOW)

    assert (before, [serial for serial, _ in current(db)]) == ({}, ["9", "1", "2"])


def test_what_a_half_read_document_kept_back_is_void_with_it(db):
    reject = Reject(4, "1;2;3", Finding("record:x", {}, Location("a.csv", 4)))
    given = batch([("1", "a"), ("1", "z")], ends=False)
    half = Batch(given.document, given.positions, given.rows, 3, ends=False, rejects=[reject])
    intake.take(db, FEED, half, NOW)
    before = len(quarantine.listed(db, None, 10))
    intake.take(db, FEED, batch([("1", "z")], name="b.csv"), NOW)

    assert (before, quarantine.listed(db, None, 10)) == (3, [])


def test_what_a_half_read_document_had_replaced_stands_again(db):
    intake.take(db, FEED, batch([("1", "a"), ("1", "z")]), NOW)
    intake.take(db, FEED, batch([("1", "right")], name="b.csv", ends=False), NOW)
    between = len(quarantine.listed(db, None, 10))
    intake.take(db, FEED, batch([("2", "b")], name="c.csv"), NOW)

    assert (between, len(quarantine.listed(db, None, 10))) == (0, 2)


def test_a_document_of_one_feed_leaves_those_of_another_alone(db):
    intake.take(db, FEED, batch([("1", "a")], ends=False), NOW)
    other = Feed("lots", key=("serial",), columns=("serial", "name"))
    intake.take(db, other, batch([("1", "a")], name="b.csv"), NOW)

    assert table.checkpoint(db, "parts").partial == {"a.csv-print": 1}


def test_a_refused_document_that_comes_again_is_told_once(db):
    intake.take(db, FEED, refused(), NOW)
    again = intake.take(db, FEED, refused(), NOW)

    assert (again.quarantined, len(quarantine.listed(db, None, 10))) == (0, 1)


def test_a_refused_document_is_taken_once_settings_let_it_be_read(db):
    intake.take(db, FEED, refused(), NOW)
    taken = intake.take(db, FEED, batch([("1", "a")]), NOW)

    assert (taken.records, current(db), quarantine.listed(db, None, 10)) == (1, [("1", 1)], [])


def test_a_mended_document_takes_the_place_of_the_refused_one(db):
    intake.take(db, FEED, refused(), NOW)
    mended = batch([("1", "a")])
    document = Document("a.csv", "another-print", mended.document.header)
    intake.take(db, FEED, Batch(document, [2], mended.rows, 1, ends=True), NOW)

    assert (current(db), quarantine.listed(db, None, 10)) == ([("1", 1)], [])


def message(*rows: Sequence[object], rejects: Sequence[str] = (), again: bool = False) -> Batch:
    """Return messages of a stream, those in ``rejects`` unreadable, sent ``again`` or not."""
    document = Document("line/1", "line/1", ("serial", "name"), stream=True)
    finding = Finding("record:x", {}, Location("line/1", 1))
    count = len(rows) + len(rejects)
    held = [Reject(len(rows) + i, raw, finding) for i, raw in enumerate(rejects, start=1)]
    repeated = range(1, count + 1) if again else ()
    places = range(1, len(rows) + 1)
    return Batch(document, places, rows, count, ends=True, rejects=held, repeated=repeated)


def test_an_unreadable_message_that_is_sent_again_is_kept_once(db):
    intake.take(db, FEED, message(rejects=["{", "["]), NOW)
    again = intake.take(db, FEED, message(rejects=["{", "["], again=True), NOW)

    assert (again.quarantined, [q.raw for q in quarantine.listed(db, None, 10)]) == (0, ["{", "["])


def test_unreadable_messages_of_the_same_text_are_kept_each(db):
    for _ in range(2):
        intake.take(db, FEED, message(rejects=["{"]), NOW)

    assert [q.raw for q in quarantine.listed(db, None, 10)] == ["{", "{"]


def test_messages_that_are_sent_again_do_not_undo_the_newest(db):
    rows = [("1", "a"), ("1", "b")]
    intake.take(db, FEED, message(*rows), NOW)
    again = intake.take(db, FEED, message(*rows, ("2", "c"), again=True), NOW)

    assert (again.records, current(db)) == (1, [("1", 1), ("1", 2), ("2", 1)])


def test_a_message_that_goes_back_to_what_was_said_before_is_a_revision(db):
    for name in ("a", "b", "a"):
        intake.take(db, FEED, message(("1", name)), NOW)

    assert current(db) == [("1", 1), ("1", 2), ("1", 3)]


def test_messages_without_a_key_never_take_the_place_of_each_other(db):
    intake.take(db, FEED, message(("", "a")), NOW)
    intake.take(db, FEED, message(("", "b")), NOW)  # after a restart its number is 1 again
    intake.take(db, FEED, message(("", "a")), NOW)

    assert current(db) == [("", 1), ("", 1)]
