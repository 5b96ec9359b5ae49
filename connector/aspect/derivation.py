"""Door ``derivation``: record -> aspect, or record -> quarantine with every reason.

Mapping and validation run before the transaction begins, so that the store is locked only
while rows are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple, Protocol

import orjson

from connector.aspect import table
from connector.aspect.model import Draft, Identities, Standing
from connector.aspect.table import NewAspect
from connector.errors import EslabonError, Finding, Location, Severity
from connector.identifiers import GlobalAssetId, IdentityKey, SemanticId
from connector.record import quarantine
from connector.record import table as records
from connector.record.model import Cells, Record
from connector.record.quarantine import Held
from connector.store import journal
from connector.store.database import Database
from connector.store.journal import Work

DIGEST_BYTES = 16
_NO_MODEL = SemanticId("")


class Compiled(Protocol):
    """A mapping, ready for the rows of one header."""

    def apply(self, rows: Sequence[Cells], positions: Sequence[int]) -> Draft:
        """Return what the rows of one record say, with a finding for each mistake in them."""
        ...

    def origin(self, path: str, positions: Sequence[int]) -> Location:
        """Return row and column that a JSON pointer into the payload comes from."""
        ...


class Model(Protocol):
    """A semantic model, as far as derivation needs it."""

    def is_valid(self, payload: object) -> bool:
        """Return whether a payload satisfies the model's schema."""
        ...

    def findings(self, payload: object) -> list[Finding]:
        """Return one finding for each mistake of an invalid payload."""
        ...


class Source(Protocol):
    """What is known about one feed: its mapping, and the partner whose data it carries."""

    @property
    def owner(self) -> str | None:
        """The BPNL of the partner that the data comes from; None for our own."""
        ...

    def compiled(self, header: tuple[str, ...]) -> Compiled:
        """Return the mapping for documents with this header."""
        ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """What derivation works with: sources by feed, models by URN, and where ids come from.

    Feeds that ``judges`` names have their payloads judged by other models, stricter ones.
    """

    source: Callable[[str], Source]
    model: Callable[[SemanticId], Model]
    identities: Callable[[Database], Identities]
    judges: Mapping[str, Callable[[SemanticId], Model]] = field(default_factory=dict)

    def judge(self, feed: str, semantic_id: SemanticId) -> Model:
        """Return the model that judges a feed's payloads."""
        return self.judges.get(feed, self.model)(semantic_id)


class Trial(NamedTuple):
    """How one record came out: its payload with ids filled in, or why it cannot go on."""

    record: Record
    draft: Draft
    global_asset_id: str
    findings: tuple[Finding, ...]
    awaits: bytes | None = None

    @property
    def good(self) -> bool:
        """Whether no finding keeps it back."""
        return all(f.severity is not Severity.ERROR for f in self.findings)


@dataclass(frozen=True, slots=True)
class _Ids:
    """What the twin room knows about the ids that one batch mentions."""

    allotted: Mapping[IdentityKey, str]
    known: Mapping[IdentityKey, str]
    standing: Mapping[str, Standing] = field(default_factory=dict)


def derive_aspects(db: Database, work: Work, workshop: Workshop, now: datetime) -> None:
    """Derive the aspects of one batch of records, and move the door's cursor past them."""
    found = list(records.records(db, work.first, work.last))
    trials = try_records(db, found, workshop)
    good = [_stored(trial, workshop) for trial in trials if not trial.findings or trial.good]
    bad = [trial for trial in trials if trial.findings and not trial.good]
    with db.transaction() as tx:
        if good:
            journal.append(tx, "aspect.derived", now, rows=table.insert_aspects(tx, good))
        if bad:
            quarantine.hold(tx, map(_held, bad), now)
            rows = (bad[0].record.id, bad[-1].record.id)
            journal.append(tx, "record.quarantined", now, rows=rows, detail={"count": len(bad)})
        journal.advance(tx, "derivation", work)


def try_records(db: Database, found: Iterable[Record], workshop: Workshop) -> list[Trial]:
    """Map, complete and validate records without storing anything: what a preview shows."""
    pairs = [(record, _apply(record, workshop)) for record in found]
    ids = _look_up(workshop.identities(db), [draft for _, draft in pairs])
    return [_try(record, draft, ids, workshop) for record, draft in pairs]


def identity_digest(identity: IdentityKey) -> bytes:
    """Return the digest under which the quarantine waits for an identity."""
    return blake2b(orjson.dumps(tuple(identity)), digest_size=DIGEST_BYTES).digest()


def _apply(record: Record, workshop: Workshop) -> Draft:
    try:
        compiled = workshop.source(record.feed).compiled(record.header)
    except EslabonError as error:
        # A replayed record may come from a file that the mapping of today no longer fits.
        return Draft(_NO_MODEL, {}, None, findings=(Finding(error.code, error.params),))
    return compiled.apply(record.rows, record.positions)


def _look_up(identities: Identities, drafts: Sequence[Draft]) -> _Ids:
    wanted: dict[IdentityKey, str | None] = {}
    given: set[str] = set()
    referred: set[IdentityKey] = set()
    for draft in drafts:
        if draft.identity:
            wanted[draft.identity] = draft.given_id or wanted.get(draft.identity)
        if draft.given_id and GlobalAssetId.pattern.fullmatch(draft.given_id):
            given.add(draft.given_id)
        if len(draft.slots) > 1 or (draft.slots and draft.slots[0].identity):
            referred.update(slot.identity for slot in draft.slots if slot.identity)
    known = identities.known(frozenset(referred)) if referred else {}
    standing = identities.standing(frozenset(given)) if given else {}
    return _Ids(identities.allot(wanted), known, standing)


def _try(record: Record, draft: Draft, ids: _Ids, workshop: Workshop) -> Trial:
    global_asset_id = ids.allotted[draft.identity] if draft.identity else draft.given_id or ""
    findings = draft.findings
    if draft.given_id or not draft.identity:
        findings += tuple(_contradictions(record, draft, ids, workshop))
    awaits = None
    for slot in draft.slots:
        if slot.identity is None:
            slot.holder[slot.key] = global_asset_id
        elif slot.identity in ids.known:
            slot.holder[slot.key] = ids.known[slot.identity]
        else:
            awaits = awaits or identity_digest(slot.identity)
            findings += (_unknown(record, slot.identity, slot.row, slot.column),)
    if draft.semantic_id:
        findings += tuple(_judge(record, draft, findings, workshop))
    if not findings:
        return Trial(record, draft, global_asset_id, ())
    placed = tuple(_placed(record, finding) for finding in findings)
    return Trial(record, draft, global_asset_id, placed, awaits)


def _contradictions(
    record: Record, draft: Draft, ids: _Ids, workshop: Workshop
) -> Iterable[Finding]:
    """Check an id that the source gave against what it stands for already."""
    where = Location(record.source, record.positions[0])
    if not draft.given_id:
        if not any(f.severity is Severity.ERROR for f in draft.findings):
            yield Finding("aspect:identity_missing", {}, where)
        return
    if not GlobalAssetId.pattern.fullmatch(draft.given_id):
        yield Finding(GlobalAssetId.code, {"value": draft.given_id}, where)
        return
    stored = ids.allotted[draft.identity] if draft.identity else draft.given_id
    if stored != draft.given_id:
        params = {"given": draft.given_id, "stored": stored}
        yield Finding("aspect:id_differs", params, where)
    standing = ids.standing.get(draft.given_id)
    if standing is None:
        return
    if standing.owner != workshop.source(record.feed).owner:
        yield Finding("aspect:id_of_another", {"given": draft.given_id}, where)
    elif draft.identity and standing.identity and standing.identity != draft.identity:
        params = {"given": draft.given_id, "other": _spoken(standing.identity)}
        yield Finding("aspect:id_taken", params, where)


def _unknown(record: Record, identity: IdentityKey, row: int, column: str) -> Finding:
    where = Location(record.source, row or record.positions[0], column or None)
    return Finding("aspect:reference_unknown", {"asset": _spoken(identity)}, where)


def _spoken(identity: IdentityKey) -> str:
    parts = (identity.manufacturer_part_id, identity.instance, identity.manufacturer_id)
    return " / ".join(part for part in parts if part)


def _judge(
    record: Record, draft: Draft, said: Sequence[Finding], workshop: Workshop
) -> Iterable[Finding]:
    try:
        model = workshop.judge(record.feed, draft.semantic_id)
    except EslabonError as error:
        return [Finding(error.code, error.params)]
    if model.is_valid(draft.payload):
        return ()
    return _violations(record, draft, said, workshop)


def _violations(
    record: Record, draft: Draft, said: Sequence[Finding], workshop: Workshop
) -> Iterator[Finding]:
    """Yield what the schema finds, except where the mapping has said why already."""
    compiled = workshop.source(record.feed).compiled(record.header)
    errors = [f for f in said if f.severity is Severity.ERROR]
    taken = {f.path for f in errors if f.path}
    open_slots = {f"/{slot.key}" for slot in draft.slots if slot.key not in slot.holder}
    for finding in workshop.judge(record.feed, draft.semantic_id).findings(draft.payload):
        if any(finding.path.endswith(end) for end in open_slots):
            continue
        if any(finding.path.startswith(path) or path.startswith(finding.path) for path in taken):
            continue
        where = compiled.origin(finding.path, record.positions)
        yield Finding(finding.code, finding.params, where, finding.path, finding.severity)


def _placed(record: Record, finding: Finding) -> Finding:
    """Return a finding that names file and row, whatever it knew itself."""
    where = Location(
        finding.where.source or record.source,
        finding.where.row or record.positions[0],
        finding.where.column,
    )
    return Finding(finding.code, finding.params, where, finding.path, finding.severity)


def _stored(trial: Trial, workshop: Workshop) -> NewAspect:
    draft = trial.draft
    owner = workshop.source(trial.record.feed).owner
    return NewAspect(
        trial.record.id,
        draft.semantic_id,
        table.identity_to_json(draft.identity, draft.asset_ids, owner),
        trial.global_asset_id,
        orjson.dumps(draft.payload),
    )


def _held(trial: Trial) -> Held:
    record = trial.record
    return Held(
        record.feed,
        record.source,
        record.positions[0],
        trial.findings,
        record=record.id,
        awaits=trial.awaits,
    )
