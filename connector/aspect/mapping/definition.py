"""A mapping as frozen values: what it reads, and what it makes of it.

Everything keeps the line where it is written, so that a mistake can be shown in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from connector.aspect.mapping.formats import DateFormat
from connector.aspect.semantics import JsonScalar
from connector.identifiers import SemanticId

OWN = "own"
INSTANCE_KEYS = ("partInstanceId", "batchId", "jisNumber")
PART_KEYS = ("manufacturerId", "manufacturerPartId")


@dataclass(frozen=True, slots=True)
class Column:
    """The cell of the column with this header."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value always; ``own`` stands for our own BPNL."""

    value: JsonScalar


@dataclass(frozen=True, slots=True)
class Template:
    """Text with the cells of columns put in; empty where one of the cells is."""

    parts: tuple[str | Column, ...]


@dataclass(frozen=True, slots=True)
class FirstOf:
    """The first of several values that is not empty."""

    options: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class When:
    """One value where a column equals one of some texts, and another where it does not."""

    column: Column
    equals: frozenset[str]
    then: Expression
    otherwise: Expression | None


Source = Column | Constant | Template | FirstOf | When


@dataclass(frozen=True, slots=True)
class TextStep:
    """What is done to the text before it is converted, in this order; 0 is not at all.

    ``part`` counts the pieces between ``split`` from 1, or from the end below 0. ``first``
    and ``last`` count characters from 1, both included.
    """

    trim: bool = False
    split: str = ""
    part: int = 0
    first: int = 0
    last: int = 0
    case: str = ""

    @property
    def is_idle(self) -> bool:
        """Whether the text stays as it is."""
        return self == TextStep()


@dataclass(frozen=True, slots=True)
class Number:
    """Text read as a number, with its decimal sign and the sign between thousands."""

    decimal: str
    thousands: str = ""


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A number restated in another unit; the unit it comes in may be read from the row."""

    given: str | Expression
    wanted: str


@dataclass(frozen=True, slots=True)
class Date:
    """Text read as a date; ``at`` is the time of day (``T00:00:00``) where it has none."""

    format: DateFormat
    with_time: bool
    at: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """Words that mean true and words that mean false, in lower case."""

    yes: frozenset[str]
    no: frozenset[str]


Conversion = Number | Date | Truth


@dataclass(frozen=True, slots=True)
class Expression:
    """One value: where it comes from and what is done to it, in the order of the fields."""

    line: int
    source: Source
    text: TextStep = TextStep()
    lookup: str = ""
    conversion: Conversion | None = None
    unit: UnitChange | None = None
    default: JsonScalar | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the value stays as it comes from its source."""
        return self.text.is_idle and not self.lookup and self.conversion is None


@dataclass(frozen=True, slots=True)
class TwinNode:
    """The asset that a record is about, or one that its payload refers to.

    ``keys`` hold the identity (``manufacturerId`` ...), ``given`` the source's own id. Where
    ``from_payload`` the keys are read from the finished payload.
    """

    line: int
    type: Expression | None = None
    keys: Mapping[str, Expression] = field(default_factory=dict)
    given: Expression | None = None
    asset_ids: Mapping[str, Expression] = field(default_factory=dict)
    from_payload: bool = False

    @property
    def instance_key(self) -> str:
        """Which of the instance keys it has; empty for a part type."""
        return next((key for key in INSTANCE_KEYS if key in self.keys), "")


@dataclass(frozen=True, slots=True)
class Reference:
    """A place for the id of an asset: the record's own where ``twin`` is None."""

    line: int
    twin: TwinNode | None


@dataclass(frozen=True, slots=True)
class Member:
    """One property of an object."""

    line: int
    name: str
    node: Node


@dataclass(frozen=True, slots=True)
class ObjectNode:
    """A JSON object."""

    line: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class FixedList:
    """A list whose items are written out in the mapping."""

    line: int
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class RowList:
    """A list with one item for each row of the record."""

    line: int
    item: Node


Node = Expression | Reference | ObjectNode | FixedList | RowList


@dataclass(frozen=True, slots=True)
class TableFile:
    """A lookup table in a CSV file beside the mapping: the headers of its two columns."""

    file: str
    key: str
    value: str
    delimiter: str = ","
    encoding: str = "utf-8-sig"


@dataclass(frozen=True, slots=True)
class Table:
    """A lookup table: its entries, or the file that holds them."""

    line: int
    entries: Mapping[str, JsonScalar] = field(default_factory=dict)
    file: TableFile | None = None


@dataclass(frozen=True, slots=True)
class MappingDefinition:
    """How the rows of one feed become aspects.

    ``model`` is the aspect model, or the expression that names it per record. ``payload`` is
    an expression where the source already holds whole payloads.
    """

    source: str
    model: SemanticId | Expression
    twin: TwinNode
    payload: Node
    time_zone: str = ""
    grouped: bool = False
    key: tuple[str, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)

    @property
    def semantic_id(self) -> SemanticId | None:
        """The one model of the feed; None where each record names its own."""
        return self.model if isinstance(self.model, SemanticId) else None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the mapping reads, in the order of their first mention."""
        model = [self.model] if isinstance(self.model, Expression) else []
        found = (*columns_of_twin(self.twin), *columns_of(*model, self.payload), *self.key)
        return tuple(dict.fromkeys(found))

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns that tell records apart: those of the twin's keys unless said."""
        if self.key:
            return self.key
        twin = self.twin
        by_keys = not twin.from_payload and any(columns_of(*twin.keys.values()))
        naming = [twin.type, *twin.keys.values()] if by_keys else [twin.given]
        model = self.model if isinstance(self.model, Expression) else None
        return tuple(dict.fromkeys(columns_of(*(e for e in (model, *naming) if e))))


def columns_of(*nodes: Node) -> Iterator[str]:
    """Yield the columns that nodes read, with repetitions."""
    for node in nodes:
        match node:
            case Expression():
                yield from _columns_of_expression(node)
            case Reference(twin=TwinNode() as twin):
                yield from columns_of_twin(twin)
            case ObjectNode():
                yield from columns_of(*(member.node for member in node.members))
            case FixedList():
                yield from columns_of(*node.items)
            case RowList():
                yield from columns_of(node.item)


def columns_of_twin(twin: TwinNode) -> Iterator[str]:
    """Yield the columns that name an asset, with repetitions."""
    named = (twin.type, *twin.keys.values(), twin.given, *twin.asset_ids.values())
    yield from columns_of(*(expression for expression in named if expression))


def _columns_of_expression(expression: Expression) -> Iterator[str]:
    match expression.source:
        case Column(name=name):
            yield name
        case Template(parts=parts):
            yield from (part.name for part in parts if isinstance(part, Column))
        case FirstOf(options=options):
            yield from columns_of(*options)
        case When(column=column, then=then, otherwise=otherwise):
            yield column.name
            yield from columns_of(then, *([otherwise] if otherwise else []))
    if expression.unit and isinstance(expression.unit.given, Expression):
        yield from columns_of(expression.unit.given)
