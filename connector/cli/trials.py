"""Takes the first records of a file on trial: what would become of them, stored nowhere."""

from __future__ import annotations

import dataclasses
import glob
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from connector.aspect.derivation import Trial, Workshop, try_records
from connector.cli.check import model_library
from connector.daemon.feeds import FeedPlan, Sources, judges_of, secret_of
from connector.record import intake, quarantine, table
from connector.record.model import Batch, Feed, Quarantined, Request
from connector.record.reading.folder import DropFolder, Fate
from connector.settings.values import Settings
from connector.store.database import Database
from connector.twin.identity import TwinIdentities

_IN_MEMORY = Path(":memory:")


@dataclass(frozen=True, slots=True)
class Preview:
    """How the first records of a file came out, and what of it could not be read at all."""

    feed: str
    columns: tuple[str, ...]
    trials: tuple[Trial, ...]
    held: tuple[Quarantined, ...]

    @property
    def wrong(self) -> int:
        """How many records and rows would be kept back."""
        return sum(not trial.good for trial in self.trials) + len(self.held)


def preview_of(
    settings: Settings, plan: FeedPlan, adapter: DropFolder, records_max: int
) -> Preview:
    """Take the first records into a store in memory, derive their aspects, and forget both.

    Ids and known parts are looked up in the real store, where there is one.
    """
    library = model_library(settings)
    secret = secret_of(settings.twin.secret_file)
    real = settings.store_file if settings.store_file.exists() else _IN_MEMORY
    with closing(Database.open(_IN_MEMORY)) as memory, closing(Database.open(real)) as store:
        workshop = Workshop(
            Sources([plan], settings.connector.bpnl, library),
            library.get,
            lambda _: TwinIdentities(store, secret),
            judges_of([plan], library),
        )
        _take(memory, plan.feed, adapter, records_max)
        found = islice(table.records(memory, 1, records_max), records_max)
        trials = try_records(memory, found, workshop)
        held = quarantine.listed(memory, None, records_max)
    return Preview(plan.section.name, plan.feed.columns, tuple(trials), tuple(held))


def for_one_file(adapter: DropFolder, file: Path) -> DropFolder:
    """Return the same adapter for this file only; it waits for nothing and moves nothing."""
    folder = file.absolute().parent
    pattern = glob.escape(file.name)
    return dataclasses.replace(
        adapter, folder=folder, pattern=pattern, stable_seconds=0.0, done=Fate.LEAVE
    )


def _take(memory: Database, feed: Feed, adapter: DropFolder, records_max: int) -> None:
    request = Request(columns=feed.columns, rows_max=feed.rows_max)
    batches: Iterator[Batch] = adapter.read(request)
    if feed.grouped:
        batches = intake.gathered(batches)
    taken = 0
    for batch in batches:
        intake.take(memory, feed, batch, datetime.now(UTC))
        taken += len(batch.rows)
        if taken >= records_max and not feed.grouped:
            break
    adapter.close()
