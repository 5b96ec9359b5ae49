"""``eslabon preview``: rows of a file beside what they would become; nothing is stored."""

from __future__ import annotations

import dataclasses
import glob
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from connector.aspect.derivation import Trial, Workshop, try_records
from connector.cli.asking import Asked, SettingsWrongError
from connector.cli.check import mapping_findings, model_library
from connector.cli.output import FINDINGS, OK, plain_finding, show_findings, show_json
from connector.daemon.feeds import FeedPlan, Sources, plan_feed, secret_of
from connector.errors import Finding, SetupError
from connector.record import intake, quarantine, table
from connector.record.model import Batch, Feed, Quarantined, Request
from connector.record.reading.folder import DropFolder, Fate
from connector.settings.loading import errors, load_settings
from connector.settings.sections import FeedSection
from connector.settings.values import Settings
from connector.store.database import Database
from connector.telemetry import configure_logging
from connector.twin.identity import TwinIdentities

RECORDS_SHOWN = 10
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


def carry_out(asked: Asked, *, file: Path, feed: str | None, rows: int | None) -> int:
    """Show row, payload and findings side by side; 1 where anything would be kept back."""
    configure_logging(sys.stderr, level=logging.WARNING)
    settings, findings = load_settings(asked.config, os.environ)
    if settings is None:
        raise SettingsWrongError(asked.config, errors(findings))
    if not file.is_file():
        raise SetupError("cli:preview_no_file", file=file)
    section, adapter = _chosen(settings, file, feed)
    plan, findings = plan_feed(section)
    findings += mapping_findings(plan, model_library(settings)) if plan else []
    if plan is None or errors(findings):
        raise SettingsWrongError(section.mapping, errors(findings))
    preview = preview_of(settings, plan, _for_one(adapter, file), rows or RECORDS_SHOWN)
    if asked.as_json:
        show_json(plain_preview(preview, asked.language))
    else:
        # Rich takes a moment to import.
        from connector.cli.sheets import show_preview  # noqa: PLC0415

        show_findings(findings, asked.language)
        show_preview(preview, asked.language)
    return FINDINGS if preview.wrong else OK


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
        )
        _take(memory, plan.feed, adapter, records_max)
        found = islice(table.records(memory, 1, records_max), records_max)
        trials = try_records(memory, found, workshop)
        held = quarantine.listed(memory, None, records_max)
    return Preview(plan.section.name, plan.feed.columns, tuple(trials), tuple(held))


def plain_preview(preview: Preview, language: str) -> Mapping[str, object]:
    """Return a preview as JSON shows it."""
    records = [
        {
            "source": trial.record.source,
            "positions": trial.record.positions,
            "header": trial.record.header,
            "rows": trial.record.rows,
            "semantic_id": trial.draft.semantic_id,
            "global_asset_id": trial.global_asset_id,
            "payload": trial.draft.payload,
            "findings": _plain(trial.findings, language),
        }
        for trial in preview.trials
    ]
    held = [
        {
            "source": entry.source,
            "position": entry.position,
            "raw": entry.raw,
            "findings": _plain(entry.findings, language),
        }
        for entry in preview.held
    ]
    return {"feed": preview.feed, "records": records, "unreadable": held}


def _plain(findings: Iterable[Finding], language: str) -> list[Mapping[str, object]]:
    return [plain_finding(finding, language) for finding in findings]


def _chosen(settings: Settings, file: Path, name: str | None) -> tuple[FeedSection, DropFolder]:
    """Return the feed that would take this file, and its adapter."""
    if name:
        sections = [section for section in settings.feed if section.name == name]
    else:
        sections = list(settings.feed)
    found = [pair for pair in _with_folders(settings, sections) if name or _takes(pair[1], file)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(section.name for section in settings.feed)
    raise SetupError(
        "cli:preview_no_feed" if not found else "cli:preview_which_feed", file=file, known=known
    )


def _with_folders(
    settings: Settings, sections: Sequence[FeedSection]
) -> Iterator[tuple[FeedSection, DropFolder]]:
    for section in sections:
        adapter = settings.adapter(section)
        if isinstance(adapter, DropFolder):
            yield section, adapter


def _takes(adapter: DropFolder, file: Path) -> bool:
    return file.match(adapter.pattern)


def _for_one(adapter: DropFolder, file: Path) -> DropFolder:
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
