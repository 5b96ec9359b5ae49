"""Feeds as the configuration and their mappings make them, ready for intake and derivation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from connector.aspect.derivation import Compiled, Model, Source
from connector.aspect.library import ModelLibrary
from connector.aspect.lookups import load_tables
from connector.aspect.mapping.compiling import compile_mapping
from connector.aspect.mapping.definition import MappingDefinition
from connector.aspect.mapping.parsing import parse_mapping
from connector.aspect.mapping.readers import Tables
from connector.aspect.validation import Profile
from connector.collection.gathering import HEADER
from connector.errors import Finding, Location, SetupError
from connector.identifiers import SemanticId
from connector.loops.taking import FeedSource
from connector.record.model import ROWS_MAX, Feed
from connector.settings.sections import FeedSection
from connector.settings.values import Settings

GROUPED_ROWS_MAX = 250_000
PARTNER_PREFIX = "partner:"
SECRET_BYTES_MIN = 16
_COLLECTED = f"""\
model: {{column: {HEADER[0]}}}
twin: {{id: {{column: {HEADER[1]}}}, from_payload: true}}
payload: {{column: {HEADER[2]}}}
"""


@dataclass(frozen=True, slots=True)
class FeedPlan:
    """A feed of the configuration with its mapping read and its lookup tables loaded."""

    section: FeedSection
    definition: MappingDefinition
    tables: Tables

    @property
    def feed(self) -> Feed:
        """What the intake is told: keys and columns are those of the mapping.

        A record of many rows is put together in memory, so its files have a lower limit.
        """
        grouped = self.definition.grouped
        rows_max = self.section.rows_max
        return Feed(
            self.section.name,
            self.definition.key_columns,
            self.definition.columns,
            grouped,
            min(rows_max, GROUPED_ROWS_MAX) if grouped and rows_max == ROWS_MAX else rows_max,
        )


def plan_feeds(settings: Settings) -> tuple[list[FeedPlan], list[Finding]]:
    """Read the mapping of every feed; return what can be planned, and every mistake."""
    plans: list[FeedPlan] = []
    findings: list[Finding] = []
    for section in settings.feed:
        plan, found = plan_feed(section)
        findings += found
        plans += [plan] if plan else []
    return plans, findings


def plan_feed(section: FeedSection) -> tuple[FeedPlan | None, list[Finding]]:
    """Read one feed's mapping and its lookup tables; None where the mapping is unusable."""
    try:
        text = section.mapping.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        params = {"feed": section.name, "reason": error}
        where = Location(str(section.mapping))
        return None, [Finding("daemon:mapping_unreadable", params, where)]
    definition, findings = parse_mapping(text, str(section.mapping))
    if definition is None:
        return None, findings
    tables, trouble = load_tables(definition, section.mapping.parent)
    return FeedPlan(section, definition, tables), [*findings, *trouble]


class MappedSource:
    """A feed of our own: its mapping, compiled once for each header that turns up."""

    owner: str | None = None

    def __init__(
        self, definition: MappingDefinition, tables: Tables, own: str, library: ModelLibrary
    ) -> None:
        """Take the mapping, its tables, our own BPNL, and the models to compile it against."""
        self._definition = definition
        self._tables = tables
        self._own = own
        self._library = library
        self._compiled: dict[tuple[str, ...], Compiled] = {}

    def compiled(self, header: tuple[str, ...]) -> Compiled:
        """Return the mapping for documents with this header."""
        if header not in self._compiled:
            semantic_id = self._definition.semantic_id
            model = self._library.get(semantic_id).model if semantic_id else None
            self._compiled[header] = compile_mapping(
                self._definition, model, header, self._own, self._tables
            )
        return self._compiled[header]


class CollectedSource(MappedSource):
    """What a partner shared: payloads as they are, owned by that partner."""

    def __init__(self, owner: str, own: str, library: ModelLibrary) -> None:
        """Take the partner's BPNL, our own, and the models."""
        definition, findings = parse_mapping(_COLLECTED, "collected")
        if definition is None:
            raise SetupError(findings[0].code, **findings[0].params)
        super().__init__(definition, {}, own, library)
        self.owner = owner


class Sources:
    """Finds the source behind a feed's name, partners' feeds included."""

    def __init__(self, plans: Iterable[FeedPlan], own: str, library: ModelLibrary) -> None:
        """Take the planned feeds, our own BPNL, and the models."""
        self._own = own
        self._library = library
        self._known: dict[str, Source] = {
            plan.section.name: MappedSource(plan.definition, plan.tables, own, library)
            for plan in plans
        }

    def __call__(self, name: str) -> Source:
        """Return the source of a feed; raise `SetupError` for one that is configured no more."""
        if name not in self._known:
            if not name.startswith(PARTNER_PREFIX):
                raise SetupError("daemon:feed_unknown", feed=name)
            owner = name.removeprefix(PARTNER_PREFIX)
            self._known[name] = CollectedSource(owner, self._own, self._library)
        return self._known[name]


def judges_of(
    plans: Iterable[FeedPlan], library: ModelLibrary
) -> Mapping[str, Callable[[SemanticId], Model]]:
    """Return the models that judge payloads of feeds with the strict profile."""
    return {
        plan.section.name: library.strict
        for plan in plans
        if Profile(plan.section.profile) is Profile.STRICT
    }


def feed_sources(settings: Settings, plans: Iterable[FeedPlan]) -> list[FeedSource]:
    """Return the feeds with their adapters, in the order of the configuration."""
    return [
        FeedSource(plan.feed, settings.adapter(plan.section), plan.section.poll_seconds)
        for plan in plans
    ]


def secret_of(path: Path) -> bytes:
    """Read the installation's secret from which ids are derived; raise `SetupError`."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise SetupError("daemon:secret_unreadable", path=path, reason=error) from error
    if len(secret) < SECRET_BYTES_MIN:
        raise SetupError("daemon:secret_short", path=path, bytes=SECRET_BYTES_MIN)
    return secret
