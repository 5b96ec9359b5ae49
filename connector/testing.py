"""The kit for authors of adapters: what every adapter promises, as tests that run against it.

Subclass `AdapterKit` in a test module of your own, and give it a pytest fixture ``source``
that returns a real source with the methods of `Source`: a folder, a broker, a database. The
names of the kit's tests are the list of promises.

    class TestMyAdapter(AdapterKit):
        @pytest.fixture
        def source(self, tmp_path: Path) -> MySource:
            return MySource(tmp_path)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from connector.errors import EslabonError, SetupError, TransientError
from connector.record.model import Adapter, Batch, Checkpoint, Document, Reject, Request
from connector.texts import LANGUAGES, Text

COLUMNS = ("part", "serial", "note")
ROWS = tuple((f"P-{i % 3}", f"SN{i:04d}", f"línea {i} ñ") for i in range(10))
BATCH = 4


class Source(Protocol):
    """A real source with the rows of a test in it."""

    def put(self, rows: Sequence[Sequence[str]], *, unreadable_after: int | None = None) -> None:
        """Add rows of `COLUMNS` as one document, or to the stream.

        ``unreadable_after`` puts one row more that nobody can read behind that many rows.
        """
        ...

    def adapter(self) -> Adapter:
        """Return a new adapter on the source, as after a start of the connector."""
        ...

    def unreachable(self) -> Adapter:
        """Return an adapter that is set to a source which is not there."""
        ...


@dataclass(slots=True)
class Intake:
    """Takes batches in as the connector does: in memory, with a checkpoint per document."""

    rows: list[tuple[object, ...]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    partial: dict[str, int] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def request(self, *, rows_max: int = 1000) -> Request:
        """Ask for what is new."""
        return Request(Checkpoint(self.done, self.partial, self.failed), COLUMNS, BATCH, rows_max)

    def take(self, adapter: Adapter, *, batches_max: int = 1000, rows_max: int = 1000) -> None:
        """Take in what is there, telling the adapter about each batch, and stop early if told."""
        for number, batch in enumerate(adapter.read(self.request(rows_max=rows_max)), 1):
            self.store(batch)
            adapter.acknowledge(batch, failed=batch.failure is not None)
            if number == batches_max:
                return

    def store(self, batch: Batch) -> None:
        """Make a batch durable, as far as memory is."""
        self.batches.append(batch)
        self.rows += [tuple(row) for row in batch.rows]
        self.rejects += batch.rejects
        if not batch.document.stream:
            self.partial[batch.document.fingerprint] = batch.taken
            if batch.ends:
                ended = self.failed if batch.failure else self.done
                ended.add(batch.document.fingerprint)


class AdapterKit:
    """The promises of an adapter; each test is one."""

    def test_every_record_arrives_in_order(self, source: Source) -> None:
        """All rows come with their cells at the header's places, first to last."""
        source.put(ROWS)

        assert list(ROWS) == _cells(_read(source))

    def test_check_takes_nothing(self, source: Source) -> None:
        """Trying the settings leaves the source as it is."""
        source.put(ROWS)
        adapter = source.adapter()
        adapter.check()
        adapter.close()

        assert list(ROWS) == _cells(_read(source))

    def test_batches_are_bounded(self, source: Source) -> None:
        """No batch is larger than what was asked for."""
        source.put(ROWS, unreadable_after=5)
        batches = _read(source)

        assert max(len(batch.rows) + len(batch.rejects) for batch in batches) <= BATCH

    def test_reading_without_acknowledgement_repeats(self, source: Source) -> None:
        """What was not made durable is read again, by the same adapter."""
        source.put(ROWS)
        adapter = source.adapter()
        first, second = (list(adapter.read(Intake().request())) for _ in range(2))
        adapter.close()

        assert _cells(first) == _cells(second) == list(ROWS)

    def test_a_restart_without_acknowledgement_repeats(self, source: Source) -> None:
        """What was not made durable is read again, by the next adapter."""
        source.put(ROWS)
        first, second = _read(source), _read(source)

        assert _cells(first) == _cells(second) == list(ROWS)

    def test_reading_goes_on_after_the_checkpoint(self, source: Source) -> None:
        """After a restart only what was not durable is read."""
        source.put(ROWS)
        intake = Intake()
        _take(source, intake, batches_max=1)
        assert list(ROWS[:BATCH]) == intake.rows

        _take(source, intake)

        assert list(ROWS) == intake.rows

    def test_the_positions_of_rows_go_on_after_the_checkpoint(self, source: Source) -> None:
        """Reading in two parts numbers the rows of a document like reading in one."""
        source.put(ROWS)
        whole = [position for batch in _read(source) for position in batch.positions]
        intake = Intake()
        _take(source, intake, batches_max=1)
        _take(source, intake)

        if not intake.batches[0].document.stream:
            assert whole == [p for batch in intake.batches for p in batch.positions]

    def test_what_was_taken_is_not_read_again(self, source: Source) -> None:
        """Everything durable: nothing is new."""
        source.put(ROWS)
        intake = Intake()
        _take(source, intake)
        _take(source, intake)

        assert list(ROWS) == intake.rows

    def test_what_comes_later_is_read_too(self, source: Source) -> None:
        """The same adapter goes on finding what is new."""
        source.put(ROWS[:3])
        intake = Intake()
        adapter = source.adapter()
        intake.take(adapter)
        source.put(ROWS[3:])
        intake.take(adapter)
        adapter.close()

        assert list(ROWS) == intake.rows

    def test_an_empty_source_is_no_trouble(self, source: Source) -> None:
        """Nothing there: nothing read."""
        assert _read(source) == []

    def test_unreadable_rows_are_rejected_and_not_lost(self, source: Source) -> None:
        """A row that cannot be read keeps its text and its reason, and stops no other."""
        source.put(ROWS, unreadable_after=5)
        intake = Intake()
        _take(source, intake)

        assert (list(ROWS), 1) == (intake.rows, len(intake.rejects))
        assert intake.rejects[0].raw
        _is_told(intake.rejects[0].finding.text(language) for language in LANGUAGES)

    def test_every_row_has_its_own_position(self, source: Source) -> None:
        """Rows and rejects of a document are told apart by growing numbers."""
        source.put(ROWS, unreadable_after=5)

        for batches in _by_document(_read(source)).values():
            positions = [p for batch in batches for p in batch.positions]
            rejected = [reject.position for batch in batches for reject in batch.rejects]
            assert sorted(positions) == positions
            assert len({*positions, *rejected}) == len(positions) + len(rejected)

    def test_a_document_ends_with_its_last_batch(self, source: Source) -> None:
        """Only the last batch of a document ends it; each batch of a stream does."""
        source.put(ROWS)

        for document, batches in _by_document(_read(source)).items():
            before = [document.stream] * (len(batches) - 1)
            assert [*before, True] == [batch.ends for batch in batches]

    def test_rows_that_were_taken_are_counted(self, source: Source) -> None:
        """``taken`` grows by rows and rejects, so that a restart knows where to go on."""
        source.put(ROWS, unreadable_after=5)

        for batches in _by_document(_read(source)).values():
            counts = [len(batch.rows) + len(batch.rejects) for batch in batches]
            sums = [sum(counts[: i + 1]) for i in range(len(counts))]
            assert sums == [batch.taken for batch in batches]

    def test_too_many_rows_are_refused_before_the_first(self, source: Source) -> None:
        """A document over the limit yields no row, and says how to go on; streams have none."""
        source.put(ROWS)
        intake = Intake()
        _take(source, intake, rows_max=len(ROWS) - 1)

        if not intake.batches[0].document.stream:
            failures = [batch.failure for batch in intake.batches]
            assert (intake.rows, len(failures)) == ([], 1)
            _is_told(
                failure.text(language) for failure in failures if failure for language in LANGUAGES
            )

    def test_an_unreachable_source_tells_the_operator_what_to_do(self, source: Source) -> None:
        """Checking is the operator's move; reading is tried again: both say the same."""
        adapter = source.unreachable()
        checked = _error_of(adapter, reading=False)
        read = _error_of(adapter, reading=True)
        adapter.close()

        assert (SetupError, TransientError) == (type(checked), type(read))
        _is_told(error.text(language) for error in (checked, read) for language in LANGUAGES)

    def test_closing_twice_is_harmless(self, source: Source) -> None:
        """An adapter can be closed before it was used, and again."""
        source.put(ROWS)
        adapter = source.adapter()
        adapter.close()
        list(adapter.read(Intake().request()))
        adapter.close()
        adapter.close()

        assert list(ROWS) == _cells(_read(source))


def _read(source: Source) -> list[Batch]:
    """Read all that is there with an adapter of its own, acknowledging nothing."""
    adapter = source.adapter()
    batches = list(adapter.read(Intake().request()))
    adapter.close()
    return batches


def _take(
    source: Source, intake: Intake, *, batches_max: int = 1000, rows_max: int = 1000
) -> None:
    adapter = source.adapter()
    intake.take(adapter, batches_max=batches_max, rows_max=rows_max)
    adapter.close()


def _cells(batches: Sequence[Batch]) -> list[tuple[object, ...]]:
    """Return the cells of `COLUMNS` of every row, wherever the header has them."""
    return [
        tuple(row[batch.document.header.index(column)] for column in COLUMNS)
        for batch in batches
        for row in batch.rows
    ]


def _by_document(batches: Sequence[Batch]) -> Mapping[Document, list[Batch]]:
    found: dict[Document, list[Batch]] = {}
    for batch in batches:
        found.setdefault(batch.document, []).append(batch)
    return found


def _error_of(adapter: Adapter, *, reading: bool) -> EslabonError:
    try:
        if reading:
            list(adapter.read(Intake().request()))
        else:
            adapter.check()
    except EslabonError as error:
        return error
    raise AssertionError


def _is_told(texts: Iterable[Text]) -> None:
    for text in texts:
        assert text.what
        assert text.fix
        assert "<" not in str(text), f"a placeholder was left: {text}"
