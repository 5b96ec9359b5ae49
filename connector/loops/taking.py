"""The intake loop: asks every feed for what is new, and moves it through the doors.

It runs in a thread of its own with its own connection to the store. Feeds take turns batch
by batch, so that a file of a million rows does not keep a machine's message waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from connector import pipeline
from connector.errors import DataError, EslabonError, Finding, Location, TransientError
from connector.pipeline import Door
from connector.record import intake, table
from connector.record.model import Adapter, Batch, Feed, Request
from connector.store.database import Database

POLL_SECONDS = 1.0
DOOR_STEPS_PER_TURN = 8
RETRY_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class FeedSource:
    """A feed with the adapter that reads it, and how often it is asked for news."""

    feed: Feed
    adapter: Adapter
    poll_seconds: float = POLL_SECONDS


@dataclass(frozen=True, slots=True)
class Totals:
    """What a round of intake came to."""

    documents: int = 0
    records: int = 0
    unchanged: int = 0
    quarantined: int = 0


@dataclass(slots=True)
class _Reading:
    """One feed's reading, as it stands between two turns."""

    source: FeedSource
    batches: Iterator[Batch] | None = None
    next_at: float = 0.0
    failures: int = 0
    error: EslabonError | None = None
    totals: Totals = field(default_factory=Totals)


def _unwatched(_: str) -> None:
    """Take no notice: nobody probes."""


class Taking:
    """All feeds and the doors behind them; made, used and closed in one thread.

    ``probe`` is told when a batch is about to be taken ("taking"), when it is durable
    ("taken"), and when its source knows ("acknowledged").
    """

    def __init__(
        self,
        sources: Sequence[FeedSource],
        doors: Sequence[Door],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        probe: Callable[[str], None] = _unwatched,
        is_crowded: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take the feeds in the order of the configuration, and the doors of the way.

        ``is_crowded`` says whether others write at the moment, so that turns must be short.
        """
        self._readings = [_Reading(source) for source in sources]
        self._doors = doors
        self._clock = clock
        self._probe = probe
        self._is_crowded = is_crowded
        self._log = structlog.get_logger()

    def errors(self) -> dict[str, EslabonError]:
        """Return the last trouble of each feed that is in trouble."""
        return {r.source.feed.name: r.error for r in self._readings if r.error}

    def now(self) -> datetime:
        """Return the time by this loop's clock."""
        return self._clock()

    def turn(self, db: Database) -> bool:
        """Take at most one batch of each feed, open a few doors; False if nothing moved."""
        moved = [self._take_one(db, reading) for reading in self._readings]
        return self.move(db, DOOR_STEPS_PER_TURN) or any(moved)

    def _rows_max(self) -> int:
        return pipeline.DOOR_ROWS_CROWDED if self._is_crowded() else pipeline.DOOR_ROWS_MAX

    def move(self, db: Database, steps_max: int | None = None) -> bool:
        """Open doors until nothing lies before them, or for so many batches."""
        steps = 0
        while steps_max is None or steps < steps_max:
            if not pipeline.step(db, self._doors, self._clock(), self._rows_max()):
                return steps > 0
            steps += 1
        return True

    def round(self, db: Database) -> Totals:
        """Read every feed to its end, move all of it through the doors, and say what came."""
        for reading in self._readings:
            reading.next_at, reading.totals = 0.0, Totals()
        while self.turn(db):
            pass
        return _sum([reading.totals for reading in self._readings])

    def run(self, db: Database, stop: threading.Event, woken: threading.Event) -> None:
        """Take turns until told to stop or woken; between them wait for the next poll."""
        while not stop.is_set():
            moved = self._guarded_turn(db, stop)
            db.tidy()
            if not moved:
                woken.wait(self._idle_seconds())
            if woken.is_set():
                woken.clear()
                return

    def close(self) -> None:
        """Let go of all sources."""
        for reading in self._readings:
            reading.source.adapter.close()

    def _guarded_turn(self, db: Database, stop: threading.Event) -> bool:
        try:
            return self.turn(db)
        except TransientError as error:
            # A full disk or a busy store: nothing was acknowledged, so nothing is lost.
            self._log.warning("intake.delayed", reason=str(error.text().what))
            stop.wait(1.0)
            return False

    def _idle_seconds(self) -> float:
        now = time.monotonic()
        waits = [reading.next_at - now for reading in self._readings]
        return max(0.01, min([POLL_SECONDS, *waits]))

    def _take_one(self, db: Database, reading: _Reading) -> bool:
        if reading.batches is None and time.monotonic() < reading.next_at:
            return False
        try:
            batch = self._next_batch(db, reading)
            if batch is not None:
                self._take(db, reading, batch)
        except EslabonError as error:
            self._fail(reading, error)
            return False
        except Exception as error:  # noqa: BLE001 - a bug of ours costs one feed, not all
            self._log.exception("feed.broke", feed=reading.source.feed.name)
            self._fail(reading, _mistake(error))
            return False
        return batch is not None

    def _next_batch(self, db: Database, reading: _Reading) -> Batch | None:
        feed, adapter = reading.source.feed, reading.source.adapter
        if reading.batches is None:
            checkpoint = table.checkpoint(db, feed.name)
            request = Request(checkpoint, feed.columns, rows_max=feed.rows_max)
            batches = adapter.read(request)
            reading.batches = intake.gathered(batches) if feed.grouped else batches
        batch = next(reading.batches, None)
        if batch is None:
            reading.batches = None
            reading.next_at = time.monotonic() + reading.source.poll_seconds
            reading.failures, reading.error = 0, None
        return batch

    def _take(self, db: Database, reading: _Reading, batch: Batch) -> None:
        feed = reading.source.feed
        self._probe("taking")
        taken = intake.take(db, feed, batch, self._clock())
        self._probe("taken")
        reading.source.adapter.acknowledge(batch, failed=batch.failure is not None)
        self._probe("acknowledged")
        reading.totals = Totals(
            reading.totals.documents + int(taken.ended),
            reading.totals.records + taken.records,
            reading.totals.unchanged + taken.unchanged,
            reading.totals.quarantined + taken.quarantined,
        )
        if taken.ended and not batch.document.stream:
            self._log.info(
                "document.refused" if batch.failure else "document.taken",
                feed=feed.name,
                document=batch.document.name,
                rows=batch.taken,
                quarantined=taken.quarantined,
            )

    def _fail(self, reading: _Reading, error: EslabonError) -> None:
        reading.batches = None
        reading.failures += 1
        wait = min(reading.source.poll_seconds * 2**reading.failures, RETRY_SECONDS_MAX)
        reading.next_at = time.monotonic() + wait
        if reading.error is None or reading.error.code != error.code:
            text = error.text()
            name = reading.source.feed.name
            self._log.warning("feed.failed", feed=name, what=text.what, fix=text.fix)
        reading.error = error

    def failures(self) -> tuple[Finding, ...]:
        """Return the trouble of each feed as findings, for a report."""
        return tuple(
            Finding(error.code, error.params, Location(name))
            for name, error in self.errors().items()
        )


def _mistake(error: Exception) -> DataError:
    reason = f"{type(error).__name__}: {error}"
    return DataError("connector:our_mistake", door="intake", reason=reason)


def _sum(totals: Sequence[Totals]) -> Totals:
    result = Totals()
    for one in totals:
        result = replace(
            result,
            documents=result.documents + one.documents,
            records=result.records + one.records,
            unchanged=result.unchanged + one.unchanged,
            quarantined=result.quarantined + one.quarantined,
        )
    return result
