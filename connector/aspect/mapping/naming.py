"""The keys of an asset read from a row: identity, the source's own id, further ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from connector.aspect.mapping.definition import (
    INSTANCE_KEYS,
    Column,
    Constant,
    Expression,
    TwinNode,
)
from connector.aspect.mapping.readers import (
    Frame,
    Place,
    Reader,
    Run,
    column_of,
    expression_reader,
)
from connector.aspect.mapping.words import shortened
from connector.aspect.semantics import Kind
from connector.errors import DataError
from connector.identifiers import GlobalAssetId, IdentityKey, TwinType
from connector.record.model import Cells

Identify = Callable[[Cells, Run], IdentityKey | None]
TypeReader = Callable[[Cells, Run], TwinType | None]
IdReader = Callable[[Cells, Run], str | None]

_TYPES = {str(kind): kind for kind in TwinType}


def identity_reader(twin: TwinNode, place: Place, frame: Frame) -> Identify:
    """Return the function that reads the keys of an asset; None where one is missing.

    Of several instance keys the first that is not empty names the instance.
    """
    read_type = type_reader(twin, place, frame)
    read_manufacturer = id_reader(twin.keys["manufacturerId"], "manufacturerId", place, frame)
    read_part = id_reader(twin.keys["manufacturerPartId"], "manufacturerPartId", place, frame)
    read_instance = _instance_reader(twin, place, frame)

    def identify(row: Cells, run: Run) -> IdentityKey | None:
        kind = read_type(row, run)
        manufacturer, part = read_manufacturer(row, run), read_part(row, run)
        if kind is TwinType.PART_TYPE:
            return IdentityKey(kind, manufacturer, part) if manufacturer and part else None
        name, instance = read_instance(row, run)
        if kind and manufacturer and part and instance:
            return IdentityKey(kind, manufacturer, part, name, instance)
        return None

    return identify


def _instance_reader(
    twin: TwinNode, place: Place, frame: Frame
) -> Callable[[Cells, Run], tuple[str, str | None]]:
    said = [(name, twin.keys[name]) for name in INSTANCE_KEYS if name in twin.keys]
    required = len(said) == 1
    readers = [
        (name, id_reader(key, name, replace(place, required=required), frame))
        for name, key in said
    ]
    columns = ", ".join(filter(None, (column_of(key) for _, key in said)))
    there = replace(place, name=" / ".join(name for name, _ in said), column=columns)

    def read(row: Cells, run: Run) -> tuple[str, str | None]:
        for name, read_id in readers:
            instance = read_id(row, run)
            if instance is not None:
                return name, instance
        if not required:
            run.fail(there, "aspect:cell_empty", {})
        return "", None

    return read


def type_reader(twin: TwinNode, place: Place, frame: Frame) -> TypeReader:
    """Return the function that reads what kind of asset it is; None where nothing says so."""
    said = twin.type
    if said is None:
        return lambda _row, _run: None
    if isinstance(said.source, Constant):
        constant = _TYPES.get(str(said.source.value))
        return lambda _row, _run: constant
    needed = not twin.from_payload
    there = Place("type", place.pointer, Kind.STRING, required=needed, column=column_of(said))
    read_text = expression_reader(said, there, frame)

    def read(row: Cells, run: Run) -> TwinType | None:
        text = read_text(row, run)
        if text is not None and text not in _TYPES:
            params = {"value": shortened(text), "known": ", ".join(_TYPES)}
            run.fail(there, "aspect:cell_twin_type", params)
        return _TYPES.get(str(text))

    return read


def id_reader(expression: Expression, name: str, place: Place, frame: Frame) -> IdReader:
    """Return the function that reads an identifier: never tidied, blanks around it told."""
    there = replace(place, name=name, kind=Kind.STRING, column=column_of(expression))
    slow = _telling_blanks(expression_reader(expression, there, frame), there)
    source = expression.source
    if not isinstance(source, Column) or not expression.is_plain:
        return slow
    index = frame.indexes[source.name]

    def read(row: Cells, run: Run) -> str | None:
        cell = row[index]
        if isinstance(cell, str) and cell and cell.strip() == cell:
            return cell
        return slow(row, run)

    return read


def _telling_blanks(read_text: Reader, place: Place) -> IdReader:
    def read(row: Cells, run: Run) -> str | None:
        text = read_text(row, run)
        if text is None:
            return None
        written = text if isinstance(text, str) else str(text)
        if written.strip() != written:
            run.warn(place, "aspect:cell_blanks", {"value": shortened(written)})
        return written

    return read


def given_reader(expression: Expression | None, place: Place, frame: Frame) -> IdReader:
    """Return the function that reads the id that the source itself gives an asset."""
    if expression is None:
        return lambda _row, _run: None
    there = Place("id", place.pointer, Kind.STRING, column=column_of(expression))
    read_text = expression_reader(expression, there, frame)

    def read(row: Cells, run: Run) -> str | None:
        text = read_text(row, run)
        if text is None:
            return None
        try:
            return GlobalAssetId.parse(text)
        except DataError as error:
            run.fail(there, error.code, {"value": shortened(text)})
            return None

    return read
