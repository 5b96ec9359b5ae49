"""Expressions compiled for one header: functions from a row to a value.

This is the hot path of intake. What can be decided once is decided here: where a column
stands, which conversion is needed, what an empty cell means. A reader returns None for
"nothing", writes mistakes into the `Run` and never raises for bad data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from connector.aspect.mapping.dates import date_reader
from connector.aspect.mapping.definition import (
    OWN,
    Column,
    Constant,
    Date,
    Expression,
    FirstOf,
    Node,
    Number,
    Template,
    Truth,
    UnitChange,
    When,
    columns_of,
)
from connector.aspect.mapping.numbers import (
    Doubtful,
    decimal_reader,
    nearest_to_json,
    number_to_json,
    whole_to_json,
)
from connector.aspect.mapping.units import factor, scaled
from connector.aspect.mapping.words import (
    Convert,
    is_empty,
    shortened,
    table_reader,
    text_of,
    text_reader,
    truth_reader,
)
from connector.aspect.model import Slot
from connector.aspect.semantics import JsonScalar, Kind
from connector.errors import DataError, Finding, Location, Severity
from connector.record.model import Cells

Tables = Mapping[str, Mapping[str, JsonScalar]]


class Fault(NamedTuple):
    """One mistake of a record before it is worded: ``at`` counts the record's rows from 0."""

    at: int
    code: str
    column: str
    pointer: str
    params: Mapping[str, object]
    severity: Severity


class Run:
    """The reading of one record: its rows, and what came up while they were read."""

    __slots__ = ("at", "faults", "positions", "rows", "slots")

    def __init__(self, rows: Sequence[Cells], positions: Sequence[int]) -> None:
        """Start at the record's first row."""
        self.rows = rows
        self.positions = positions
        self.at = 0
        self.faults: list[Fault] = []
        self.slots: list[Slot] = []

    def fail(self, place: Place, code: str, params: Mapping[str, object]) -> None:
        """Note a mistake that keeps the record back."""
        self._note(place, code, params, Severity.ERROR)

    def warn(self, place: Place, code: str, params: Mapping[str, object]) -> None:
        """Note something that an operator should know about the record."""
        self._note(place, code, params, Severity.WARNING)

    def _note(
        self, place: Place, code: str, params: Mapping[str, object], severity: Severity
    ) -> None:
        said = {"column": place.column, "property": place.name, **params}
        self.faults.append(Fault(self.at, code, place.column, place.pointer, said, severity))

    def findings(self, source: str) -> tuple[Finding, ...]:
        """Return the mistakes, each once even where two properties read the same cell."""
        once = {(f.code, f.column, f.at): f for f in reversed(self.faults)}
        return tuple(self._finding(fault, source) for fault in reversed(once.values()))

    def _finding(self, fault: Fault, source: str) -> Finding:
        where = Location(source, self.positions[fault.at], fault.column or None)
        path = fault.pointer.replace("*", str(fault.at))
        return Finding(fault.code, fault.params, where, path, fault.severity)


Reader = Callable[[Cells, Run], object]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes and what is expected there.

    ``pointer`` is its JSON pointer with ``*`` for the item of a row; ``kind`` is None where
    no model says what belongs there.
    """

    name: str
    pointer: str
    kind: Kind | None = None
    required: bool = False
    column: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What compiling needs to know of the source and of us."""

    indexes: Mapping[str, int]
    own_bpnl: str
    tables: Tables
    time_zone: str

    def constant(self, constant: Constant) -> JsonScalar:
        """Return a constant's value; ``own`` is our BPNL."""
        return self.own_bpnl if constant.value == OWN else constant.value


def column_of(*nodes: Node) -> str:
    """Return the first column that nodes read, for a message to name; empty if none."""
    return next(columns_of(*nodes), "")


def expression_reader(expression: Expression, place: Place, frame: Frame) -> Reader:
    """Return the function that reads one value of a row."""
    source = expression.source
    if isinstance(source, Constant) and expression.is_plain:
        return _plain_reader(source, frame)
    there = Place(place.name, place.pointer, place.kind, place.required, column_of(expression))
    blank = _blank(expression, there)
    if expression.unit and isinstance(expression.unit.given, Expression):
        return _measured(expression, expression.unit, there, frame)
    convert = _converter(expression, there, frame)
    if isinstance(source, Column):
        index = frame.indexes[source.name]
        slow = _column_reader(index, convert, blank, there)
        return _text_column_reader(index, slow) if convert is text_of else slow
    return _finished(_raw_reader(expression, there, frame), convert, blank, there)


def _blank(expression: Expression, place: Place) -> Callable[[Run], object]:
    default = expression.default
    if default is not None or not place.required:
        return lambda _: default

    def missing(run: Run) -> object:
        run.fail(place, "aspect:cell_empty", {})
        return None

    return missing


def _text_column_reader(index: int, slow: Reader) -> Reader:
    def read(row: Cells, run: Run) -> object:
        cell = row[index]
        if cell.__class__ is str and cell and not cell.isspace():
            return cell
        return slow(row, run)

    return read


def _column_reader(
    index: int, convert: Convert, blank: Callable[[Run], object], place: Place
) -> Reader:
    def read(row: Cells, run: Run) -> object:
        cell = row[index]
        if (not cell or (cell.__class__ is str and cell.isspace())) and is_empty(cell):
            return blank(run)
        try:
            value = convert(cell)
        except DataError as error:
            run.fail(place, error.code, error.params)
            return None
        if value.__class__ is Doubtful:
            value = _taken(value, run, place)
        return blank(run) if value == "" else value

    return read


def _finished(
    raw: Reader, convert: Convert, blank: Callable[[Run], object], place: Place
) -> Reader:
    def read(row: Cells, run: Run) -> object:
        before = len(run.faults)
        cell = raw(row, run)
        if is_empty(cell):
            return blank(run) if len(run.faults) == before else None
        try:
            value = convert(cell)
        except DataError as error:
            run.fail(place, error.code, error.params)
            return None
        return _taken(value, run, place)

    return read


def _taken(value: object, run: Run, place: Place) -> object:
    if not isinstance(value, Doubtful):
        return value
    run.warn(place, value.code, value.params)
    return value.value


def _raw_reader(expression: Expression, place: Place, frame: Frame) -> Reader:
    """Return the function that reads what the expression's own steps then work on."""
    optional = Place(place.name, place.pointer, column=place.column)
    match expression.source:
        case Template(parts=parts):
            return _template_reader(parts, optional, frame)
        case FirstOf(options=options):
            return _first_reader([expression_reader(o, optional, frame) for o in options])
        case When() as when:
            return _when_reader(when, optional, frame)
    return _plain_reader(expression.source, frame)


def _plain_reader(source: Column | Constant, frame: Frame) -> Reader:
    if isinstance(source, Constant):
        value = frame.constant(source)
        return lambda _row, _run: value
    index = frame.indexes[source.name]
    return lambda row, _run: row[index]


def _template_reader(parts: Sequence[str | Column], place: Place, frame: Frame) -> Reader:
    named = [p if isinstance(p, str) else frame.indexes[p.name] for p in parts]

    def read(row: Cells, run: Run) -> object:
        try:
            texts = [p if isinstance(p, str) else _filled(row[p]) for p in named]
        except DataError as error:
            run.fail(place, error.code, error.params)
            return None
        return "".join(texts) if all(text is not None for text in texts) else None  # type: ignore[arg-type]

    return read


def _filled(cell: object) -> str | None:
    return None if is_empty(cell) else text_of(cell)


def _first_reader(options: Sequence[Reader]) -> Reader:
    def read(row: Cells, run: Run) -> object:
        found = (option(row, run) for option in options)
        return next((value for value in found if value is not None), None)

    return read


def _when_reader(when: When, place: Place, frame: Frame) -> Reader:
    index, equals = frame.indexes[when.column.name], when.equals
    then = expression_reader(when.then, place, frame)
    otherwise = expression_reader(when.otherwise, place, frame) if when.otherwise else None

    def read(row: Cells, run: Run) -> object:
        cell = row[index]
        if cell is not None and str(cell) in equals:
            return then(row, run)
        return otherwise(row, run) if otherwise else None

    return read


def _converter(expression: Expression, place: Place, frame: Frame) -> Convert:
    steps: list[Convert] = []
    if not expression.text.is_idle:
        steps.append(text_reader(expression.text))
    if expression.lookup:
        steps.append(table_reader(expression.lookup, frame.tables[expression.lookup]))
    steps.extend(_conversion_steps(expression, place, frame))
    if not steps:
        return _as_is if place.kind in _NOT_TEXT else text_of
    return steps[0] if len(steps) == 1 else _chain(steps)


_NOT_TEXT = {None, Kind.OBJECT, Kind.LIST, Kind.NUMBER, Kind.INTEGER, Kind.BOOLEAN}


def _as_is(cell: object) -> object:
    return cell


def _chain(steps: Sequence[Convert]) -> Convert:
    def convert(cell: object) -> object:
        for step in steps:
            if is_empty(cell):
                return ""
            cell = step(cell)
        return cell

    return convert


def _conversion_steps(expression: Expression, place: Place, frame: Frame) -> list[Convert]:
    match expression.conversion:
        case Date() as date:
            return [date_reader(date, frame.time_zone)]
        case Truth() as truth:
            return [truth_reader(truth)]
        case Number() as number:
            return [_number_reader(number, expression.unit, place.kind)]
    return []


def _number_reader(number: Number, unit: UnitChange | None, kind: Kind | None) -> Convert:
    read = decimal_reader(number)
    written = whole_to_json if kind is Kind.INTEGER else number_to_json
    if unit is None or not isinstance(unit.given, str):
        return lambda cell: written(read(cell))
    by = factor(unit.given, unit.wanted)
    rounded = whole_to_json if kind is Kind.INTEGER else nearest_to_json
    return lambda cell: rounded(scaled(read(cell), by))


def _measured(expression: Expression, unit: UnitChange, place: Place, frame: Frame) -> Reader:
    """Return the reader of a number whose unit stands in the same row."""
    number = expression.conversion if isinstance(expression.conversion, Number) else Number(".")
    plain = Expression(expression.line, expression.source, expression.text, expression.lookup)
    amount = expression_reader(
        plain, Place(place.name, place.pointer, required=place.required), frame
    )
    given = unit.given if isinstance(unit.given, Expression) else plain
    unit_place = Place(place.name, place.pointer, Kind.STRING, required=True)
    unit_reader = expression_reader(given, unit_place, frame)
    read_decimal = decimal_reader(number)
    rounded = whole_to_json if place.kind is Kind.INTEGER else nearest_to_json

    def read(row: Cells, run: Run) -> object:
        cell = amount(row, run)
        sign = None if cell is None else unit_reader(row, run)
        if cell is None or sign is None:
            return expression.default if cell is None else None
        try:
            return rounded(scaled(read_decimal(cell), factor(shortened(sign), unit.wanted)))
        except DataError as error:
            run.fail(place, error.code, error.params)
            return None

    return read
