"""What an operator may ask of a connector: the questions, and the answers as plain values.

Commands are written once against `Operations`. The daemon gives one that works on its own
store, `connector.web.remote` one that asks a running daemon over the operator's side. All
answers are frozen values that become JSON as they are; times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.errors import Finding
from connector.web.processes import ProcessList, ProcessQuery, ProcessReport

ENTRIES_MAX = 1000


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How one feed stands: what came of it, and the last trouble (empty if there is none)."""

    name: str
    adapter: str
    documents: int = 0
    records: int = 0
    quarantined: int = 0
    last_intake_at: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The connector in figures.

    ``counts`` names what the store holds (documents, records, aspects, quarantined, twins,
    offers, agreements, transfers, owed, parked, collections); ``negotiations`` counts
    negotiations by state; ``backlog`` the rows that still lie before each door.
    """

    name: str
    bpnl: str
    did: str
    running: bool
    started_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    negotiations: Mapping[str, int] = field(default_factory=dict)
    backlog: Mapping[str, int] = field(default_factory=dict)
    feeds: tuple[FeedStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether work can be done; ``missing`` names in plain words what is not there yet."""

    missing: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


@dataclass(frozen=True, slots=True)
class QuarantineQuery:
    """Which entries to list: of one feed (empty: all), the open ones unless ``closed``."""

    feed: str = ""
    closed: bool = False
    entries_max: int = 100


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One thing that was kept back, with every reason.

    ``header`` and ``rows`` are the record's cells as text, where it could be read at all;
    ``raw`` is what was unreadable. ``state`` is open, replayed or superseded.
    """

    id: int
    feed: str
    source: str
    position: int | None
    state: str
    at: datetime
    findings: tuple[Finding, ...] = ()
    record: int | None = None
    raw: str = ""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class QuarantineList:
    """Entries of the quarantine, newest first, and how many there are in all."""

    entries: tuple[QuarantineEntry, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """Which open entries to try again: these, those of one feed, or all if both are empty."""

    ids: tuple[int, ...] = ()
    feed: str = ""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay did: entries tried again, and those of them that are still wrong."""

    replayed: int
    still_quarantined: int = 0


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One thing that happened: when, in which room, the event's name, and what it was."""

    at: datetime
    room: str
    event: str
    what: str


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of one thing through the rooms, oldest step first; empty if it is unknown."""

    about: str
    steps: tuple[TraceStep, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one round of intake took in and made of it.

    ``errors`` are whole sources that could not be read, one finding each.
    """

    documents: int = 0
    records: int = 0
    unchanged: int = 0
    aspects: int = 0
    twins: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    errors: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectRequest:
    """What to collect from whom.

    ``partner`` is the name in the address book. A part is named by ``global_asset_id`` or
    by ``asset_ids``, pairs such as ``("manufacturerPartId", "PUE-4711")``; ``aspects``
    limits what is pulled (empty: all that is offered), ``depth_max`` the levels of the
    bill of materials.
    """

    partner: str
    global_asset_id: str = ""
    asset_ids: tuple[tuple[str, str], ...] = ()
    aspects: tuple[str, ...] = ()
    depth_max: int = 32


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A part that could not be had: from whom, which, at which step, and why.

    ``aspect`` is the semantic id of what is missing where the part itself was had.
    """

    partner: str
    id: str
    step: str
    reason: str
    aspect: str = ""


@dataclass(frozen=True, slots=True)
class CollectedPart:
    """One place in the walked bill of materials; ``parent`` is the ``node`` above it.

    ``instance_name`` says what ``instance`` is: partInstanceId, batchId or jisNumber.
    ``quantity`` is how much of it is in its parent; ``kg_co2e`` what that quantity weighs in
    kg CO2e, None where none was shared; ``declared_unit`` the unit per which it was stated.
    """

    node: int
    parent: int | None
    global_asset_id: str
    partner: str
    name: str = ""
    manufacturer_part_id: str = ""
    instance_name: str = ""
    instance: str = ""
    quantity: float | None = None
    unit: str = ""
    kg_co2e: float | None = None
    declared_unit: str = ""
    aspects: tuple[str, ...] = ()
    tombstone: Tombstone | None = None


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """How a collection stands: ``state`` is running, complete or failed.

    ``parts`` lists parents before their children, ``tombstones`` all that is lacking.
    ``failure`` says why the whole collection failed, in the finding's own words.
    """

    id: str
    state: str
    partner: str
    started_at: datetime
    finished_at: datetime | None = None
    parts: tuple[CollectedPart, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    kg_co2e_total: float | None = None
    failure: Finding | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        return self.state != "running"


class StepState(StrEnum):
    """What came of looking at one thing."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class Actor(StrEnum):
    """Who has to act: the operator here, the partner, who issued a credential, or nobody."""

    US = "us"
    PARTNER = "partner"
    AUTHORITY = "authority"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that is wrong, with its reason and cure, and who has to act."""

    finding: Finding
    actor: Actor


@dataclass(frozen=True, slots=True)
class ExaminedStep:
    """One thing that was looked at: what was seen, and what is wrong with it.

    ``partner`` is the name of the partner it is about, empty for this connector itself.
    A step that was skipped because an earlier one failed names that one in ``after``.
    """

    name: str
    state: StepState
    partner: str = ""
    seen: tuple[Finding, ...] = ()
    remarks: tuple[Remark, ...] = ()
    after: str = ""


@dataclass(frozen=True, slots=True)
class ExaminationRequest:
    """Whom to look at besides this connector: one partner by name, else all (empty)."""

    partner: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """All that was looked at, in order; ``running`` says whether a connector did it itself."""

    at: datetime
    running: bool
    steps: tuple[ExaminedStep, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether anything stands in the way of an exchange."""
        return any(step.state is StepState.FAILED for step in self.steps)


@dataclass(frozen=True, slots=True)
class HeldCredential:
    """One credential of our own.

    ``state`` is valid, expires_soon, expired, not_yet, or missing where partners ask for a
    type of which there is none. ``days`` are left until it expires.
    """

    type: str
    state: str
    issuer: str = ""
    file: str = ""
    expires_at: datetime | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class CredentialOrder:
    """What to ask an issuer for: nothing named means all that partners ask us for.

    Without an issuer the only trusted one is asked.
    """

    types: tuple[str, ...] = ()
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class CredentialRequestReport:
    """How a request stands: asking, waiting, delivered, rejected or failed, and then why."""

    id: str
    issuer: str
    types: tuple[str, ...]
    state: str
    asked_at: datetime
    failure: Finding | None = None

    @property
    def is_open(self) -> bool:
        """Whether the issuer may still deliver."""
        return self.state in {"asking", "waiting"}


@dataclass(frozen=True, slots=True)
class CredentialsReport:
    """Our own credentials, the requests for them, and all that is wrong or soon will be."""

    credentials: tuple[HeldCredential, ...] = ()
    requests: tuple[CredentialRequestReport, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class WalletOperations:
    """The functions about our own credentials.

    ``request`` only begins and returns the number of the request; ``requested`` raises
    `DataError` for a number that it does not know.
    """

    report: Callable[[], CredentialsReport]
    request: Callable[[CredentialOrder], str]
    requested: Callable[[str], CredentialRequestReport]


@dataclass(frozen=True, slots=True)
class Operations:
    """The functions behind the operator's side; each may raise an `EslabonError`.

    The operator's side calls ``ingest``, ``replay``, ``examine`` and ``process`` in a thread
    of their own, since they may take a while (``process`` asks the partner); it calls all
    others inline in the event loop, and they must be short.
    ``collect`` only starts the walk and returns the collection's id. ``show``,
    ``collection`` and ``process`` raise `DataError` for an id that they do not know.
    """

    status: Callable[[], StatusReport]
    readiness: Callable[[], Readiness]
    quarantine: Callable[[QuarantineQuery], QuarantineList]
    show: Callable[[int], QuarantineEntry]
    replay: Callable[[ReplayRequest], ReplayReport]
    trace: Callable[[str], Trace]
    ingest: Callable[[], IngestReport]
    collect: Callable[[CollectRequest], str]
    collection: Callable[[str], CollectionReport]
    wallet: WalletOperations
    processes: Callable[[ProcessQuery], ProcessList]
    process: Callable[[str], ProcessReport]
    examine: Callable[[ExaminationRequest], Examination]
