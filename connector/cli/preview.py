"""``eslabon preview``: rows of a file beside what they would become; nothing is stored."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from connector.cli.asking import Asked, SettingsWrongError
from connector.cli.check import mapping_findings, model_library
from connector.cli.output import FINDINGS, OK, plain_finding, show_findings, show_json
from connector.cli.sheets import show_preview
from connector.cli.trials import Preview, for_one_file, preview_of
from connector.daemon.feeds import plan_feed
from connector.errors import Finding, SetupError
from connector.record.reading.folder import DropFolder
from connector.settings.loading import errors, load_settings
from connector.settings.sections import FeedSection
from connector.settings.values import Settings
from connector.telemetry import configure_logging

RECORDS_SHOWN = 10


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
    preview = preview_of(settings, plan, for_one_file(adapter, file), rows or RECORDS_SHOWN)
    if asked.as_json:
        show_json(plain_preview(preview, asked.language))
    else:
        show_findings(findings, asked.language)
        show_preview(preview, asked.language)
    return FINDINGS if preview.wrong else OK


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
