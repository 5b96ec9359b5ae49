"""Records and the port through which adapters hand them in.

An adapter reads a source and yields batches of rows; it knows nothing behind this port.
Every row is a tuple of cells in the order of its document's header. A document is a file,
or for an endless source its topic; it is known by name and content, so that a corrected
file under an old name is read again.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from connector.errors import Finding

BATCH_RECORDS_MAX = 1000
ROWS_MAX = 2_000_000

Cells = Sequence[object]


@dataclass(frozen=True, slots=True)
class Feed:
    """One kind of record from one source, as the connector was told to take it in.

    ``key`` names the columns that tell records apart; rows that share a key form one
    record where ``grouped``. ``columns`` are all that the mapping reads.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    grouped: bool = False
    rows_max: int = ROWS_MAX


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a feed has been read: documents done, and rows taken of unfinished ones.

    ``failed`` are those that were refused as a whole: they are told once, and read after all
    where settings of today let them be read.
    """

    done: Container[str] = frozenset()
    partial: Mapping[str, int] = field(default_factory=dict)
    failed: Container[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Request:
    """What the intake asks of an adapter: only what is new, in batches of bounded size."""

    checkpoint: Checkpoint = Checkpoint()
    columns: tuple[str, ...] = ()
    batch_records_max: int = BATCH_RECORDS_MAX
    rows_max: int = ROWS_MAX


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read at all: where it was, the text as it came, and why."""

    position: int
    raw: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Document:
    """Where rows come from: its name for people, and its fingerprint (name and content).

    A stream never ends: its fingerprint is its name, and a row may repeat a key.
    """

    name: str
    fingerprint: str
    header: tuple[str, ...]
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one document, in order. ``positions[i]`` is the row number of ``rows[i]``.

    ``taken`` counts the document's rows up to and including this batch, rejects included.
    ``ends`` is true on a document's last batch, and always for a stream. ``failure`` says
    why the document as a whole cannot be read; then there are no rows, and ``ends``.
    ``token`` is the adapter's own, for `Adapter.acknowledge`. ``repeated`` are positions of
    what a stream says that it has sent before: if that became durable, it is nothing new.
    """

    document: Document
    positions: Sequence[int]
    rows: Sequence[Cells]
    taken: int
    ends: bool
    rejects: Sequence[Reject] = ()
    failure: Finding | None = None
    token: object = None
    repeated: Container[int] = frozenset()


class Adapter(Protocol):
    """The intake port: what a kind of source must be able to do."""

    def check(self) -> None:
        """Try the settings without taking anything; raise `SetupError` saying what to do."""
        ...

    def read(self, request: Request) -> Iterator[Batch]:
        """Yield what is there now and new by the checkpoint, then stop; never wait for more.

        Raises `TransientError` where the source cannot be reached.
        """
        ...

    def acknowledge(self, batch: Batch, *, failed: bool) -> None:
        """Be told that a batch is durable; ``failed`` when its document was refused."""
        ...

    def close(self) -> None:
        """Let go of what the adapter holds; harmless when called twice."""
        ...


class Record(NamedTuple):
    """What a source said about one thing: the rows that share its key, as they came.

    ``revision`` counts what the source said about this key, from 1.
    """

    id: int
    feed: str
    source: str
    header: tuple[str, ...]
    revision: int
    positions: tuple[int, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record, row or document that was kept back, with every reason."""

    id: int
    feed: str
    source: str
    position: int | None
    record: int | None
    raw: str
    findings: tuple[Finding, ...]
    state: str
    at: datetime
