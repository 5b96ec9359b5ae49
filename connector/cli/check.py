"""``eslabon check``: every mistake of configuration, mappings and sources at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import click

from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.mapping.checking import check_mapping
from connector.aspect.semantics import AspectModel
from connector.cli.asking import Asked
from connector.cli.output import FINDINGS, OK, SETUP, plain_finding, show_findings, show_json
from connector.daemon.feeds import FeedPlan, plan_feeds
from connector.errors import EslabonError, Finding, Location, SetupError, Severity
from connector.identifiers import SemanticId
from connector.settings.lines import Lines
from connector.settings.loading import errors, examine
from connector.settings.values import Settings
from connector.texts import word

_NO_FILE = "settings:no_configuration"
# The settings have said already that a mapping is not there.
_SAID_BEFORE = "daemon:mapping_unreadable"


def carry_out(asked: Asked) -> int:
    """Show all findings; 1 where one forbids to run, 2 where there is no configuration."""
    examined = examine(asked.config, os.environ)
    findings = list(examined.findings)
    if examined.shown:
        findings += contents_wrong(examined.shown, findings)
        # Feeds may share a mapping, and with it its mistakes.
        findings = list({(f.code, f.where, f.path): f for f in findings}.values())
    wrong = errors(findings)
    warnings = len(findings) - len(wrong)
    if asked.as_json:
        shown = [plain_finding(finding, asked.language) for finding in findings]
        show_json({"errors": len(wrong), "warnings": warnings, "findings": shown})
    else:
        show_findings(findings, asked.language)
        counts = {"file": asked.config, "errors": len(wrong), "warnings": warnings}
        key = "cli:check_bad" if wrong else "cli:check_good"
        click.echo(click.style(word(key, asked.language, **counts), bold=True))
    if any(finding.code == _NO_FILE for finding in findings):
        return SETUP
    return FINDINGS if wrong else OK


def contents_wrong(settings: Settings, said: Iterable[Finding]) -> list[Finding]:
    """Return what is wrong with mappings, models and sources, where nothing was said yet."""
    library = model_library(settings)
    plans, findings = plan_feeds(settings)
    known = [finding for finding in findings if finding.code != _SAID_BEFORE]
    for plan in plans:
        known += mapping_findings(plan, library)
    touched = {finding.path for finding in said if finding.severity is Severity.ERROR}
    known += _sources_wrong(settings, touched)
    known += _offers_wrong(settings, library, touched)
    return known


def model_library(settings: Settings) -> ModelLibrary:
    """Return the models that these settings know, the operator's own first."""
    return ModelLibrary([*settings.model_folders, shipped_folder()])


def mapping_findings(plan: FeedPlan, library: ModelLibrary) -> list[Finding]:
    """Return every way in which a feed's mapping does not fit its model."""

    def model(semantic_id: SemanticId) -> AspectModel | None:
        try:
            return library.get(semantic_id).model
        except SetupError:
            return None

    return check_mapping(plan.definition, model)


def _sources_wrong(settings: Settings, touched: Iterable[str]) -> Iterator[Finding]:
    lines = Lines(settings.file.read_text(encoding="utf-8-sig"))
    for place, feed in enumerate(settings.feed):
        if any(path.startswith(f"/feed/{place}/") for path in touched):
            continue
        try:
            adapter = settings.adapter(feed)
            adapter.check()
            adapter.close()
        except EslabonError as error:
            where = Location(str(settings.file), lines.of(("feed", place, "source")))
            yield Finding(error.code, error.params, where, f"/feed/{place}/source")


def _offers_wrong(
    settings: Settings, library: ModelLibrary, touched: Iterable[str]
) -> Iterator[Finding]:
    offered = [(i, offer, urn) for i, offer in enumerate(settings.offer) for urn in offer.aspects]
    known = set(library.list()) if offered else set()
    lines = Lines(settings.file.read_text(encoding="utf-8-sig"))
    for place, offer, urn in offered:
        pointer = f"/offer/{place}/aspects"
        if urn not in known and not any(path.startswith(pointer) for path in touched):
            where = Location(str(settings.file), lines.of(("offer", place, "aspects")))
            params = {"offer": offer.name, "aspect": urn}
            yield Finding("cli:offer_model_unknown", params, where, pointer)
