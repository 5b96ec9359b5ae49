"""A mapping compiled for the header of a source, and applied to its records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from connector.aspect.mapping.builders import Builder
from connector.aspect.mapping.definition import (
    Expression,
    MappingDefinition,
    Node,
    ObjectNode,
    RowList,
    TwinNode,
    columns_of,
    columns_of_twin,
)
from connector.aspect.mapping.naming import (
    IdReader,
    given_reader,
    id_reader,
    identity_reader,
    type_reader,
)
from connector.aspect.mapping.origins import columns_at, origins_of
from connector.aspect.mapping.payloads import is_same_asset, named_in
from connector.aspect.mapping.readers import (
    Frame,
    Place,
    Run,
    Tables,
    column_of,
    expression_reader,
)
from connector.aspect.mapping.reading import nearest
from connector.aspect.mapping.words import shortened
from connector.aspect.model import Draft, Payload
from connector.aspect.semantics import AspectModel, Kind
from connector.errors import DataError, Location
from connector.identifiers import IdentityKey, SemanticId
from connector.record.model import Cells

Naming = tuple[IdentityKey | None, str | None, tuple[tuple[str, str], ...]]
Name = Callable[[Cells, Run, Payload], Naming]

_TWIN = Place("twin", "", required=True)
_OPTIONAL = Place("twin", "")
_NO_MODEL = SemanticId("")


class CompiledMapping:
    """A mapping ready for the rows of one header; cheap per record, made once per header."""

    __slots__ = ("_name", "_origins", "_payload", "_same", "_semantic", "definition")

    def __init__(
        self, definition: MappingDefinition, model: AspectModel | None, frame: Frame
    ) -> None:
        """Compile all of the definition; its columns must be in the frame."""
        self.definition = definition
        self._origins = origins_of(definition)
        self._semantic = _model_reader(definition, frame)
        self._payload = _payload_reader(definition.payload, model, frame)
        self._name = _namer(definition.twin, frame)
        self._same = _columns_of_whole(definition, frame)

    def apply(self, rows: Sequence[Cells], positions: Sequence[int], source: str = "") -> Draft:
        """Turn the rows of one record into a draft.

        ``positions`` are the row numbers that findings name, ``source`` the document. All
        mistakes come with the draft in ``findings``; a draft with errors may lack parts.
        """
        run = Run(rows, positions)
        row = rows[0]
        semantic_id = self._semantic(row, run)
        payload = self._payload(row, run)
        identity, given_id, asset_ids = self._name(row, run, payload)
        if self._same and len(rows) > 1:
            _compare_rows(run, self._same)
        findings = run.findings(source) if run.faults else ()
        slots = tuple(run.slots)
        return Draft(semantic_id, payload, identity, given_id, slots, asset_ids, findings)

    def origin(self, path: str, positions: Sequence[int] = ()) -> Location:
        """Return where the payload's value at a JSON pointer comes from.

        The column is None for what the mapping itself says, and several where it cannot be
        known which; the row is that of the item where the list has one item per row, else the
        record's first.
        """
        columns, index = columns_at(self._origins, path)
        at = index if index is not None and index < len(positions) else 0
        return Location(
            row=positions[at] if positions else None, column=", ".join(columns) or None
        )


def compile_mapping(
    definition: MappingDefinition,
    model: AspectModel | None,
    header: tuple[str, ...],
    own_bpnl: str,
    tables: Tables,
) -> CompiledMapping:
    """Compile a mapping that was checked; ``model`` is None where each record names its own.

    ``tables`` are the lookup tables that lie in files; those written in the mapping itself
    need not be there.

    Raises:
        DataError: the header lacks columns that the mapping reads.

    """
    missing = [name for name in definition.columns if name not in header]
    if missing:
        near = nearest(missing[0], header) or ", ".join(header)
        raise DataError("aspect:mapping_columns_missing", columns=", ".join(missing), nearest=near)
    inline = {name: table.entries for name, table in definition.tables.items()}
    indexes = {name: index for index, name in reversed([*enumerate(header)])}
    # A plain text: the validating engine takes identifiers, subclasses of str, for no JSON.
    frame = Frame(indexes, str(own_bpnl), {**inline, **tables}, definition.time_zone)
    return CompiledMapping(definition, model, frame)


ModelReader = Callable[[Cells, Run], SemanticId]
PayloadReader = Callable[[Cells, Run], Payload]


def _model_reader(definition: MappingDefinition, frame: Frame) -> ModelReader:
    said = definition.model
    if isinstance(said, SemanticId):
        return lambda _row, _run: said
    column = column_of(said)
    place = Place("model", "", Kind.STRING, required=True, column=column)
    read_text = expression_reader(said, place, frame)
    parse = lru_cache(maxsize=256)(SemanticId.parse)

    def read(row: Cells, run: Run) -> SemanticId:
        urn = read_text(row, run)
        if urn is None:
            return _NO_MODEL
        try:
            return parse(str(urn))
        except DataError as error:
            run.fail(place, error.code, {"value": shortened(urn)})
            return _NO_MODEL

    return read


def _payload_reader(node: Node, model: AspectModel | None, frame: Frame) -> PayloadReader:
    if isinstance(node, ObjectNode):
        return Builder(frame, model).payload(node)
    if not isinstance(node, Expression):
        raise TypeError(node)
    column = column_of(node)
    place = Place("payload", "", required=True, column=column)
    read_ready = expression_reader(node, place, frame)

    def read(row: Cells, run: Run) -> Payload:
        ready = read_ready(row, run)
        if isinstance(ready, dict):
            return ready
        if ready is not None:
            run.fail(place, "aspect:cell_not_object", {"value": shortened(ready)})
        return {}

    return read


def _namer(twin: TwinNode, frame: Frame) -> Name:
    column = column_of(twin.given) if twin.given else ""
    given = given_reader(twin.given, replace(_TWIN, column=column), frame)
    readers = tuple(
        (name, id_reader(expression, name, _OPTIONAL, frame))
        for name, expression in twin.asset_ids.items()
    )
    if twin.from_payload:
        return _namer_from_payload(twin, given, readers, frame)
    identify = identity_reader(twin, _TWIN, frame) if twin.keys else None

    def name_by_cells(row: Cells, run: Run, _payload: Payload) -> Naming:
        identity = identify(row, run) if identify else None
        given_id = given(row, run) if twin.given else None
        if identity is None and given_id is None and not run.faults:
            run.fail(replace(_TWIN, column=column), "aspect:cell_empty", {"property": "id"})
        return identity, given_id, _asset_ids(readers, row, run)

    return name_by_cells


AssetIdReaders = tuple[tuple[str, IdReader], ...]


def _asset_ids(readers: AssetIdReaders, row: Cells, run: Run) -> tuple[tuple[str, str], ...]:
    read = [(name, reader(row, run)) for name, reader in readers]
    return tuple((name, value) for name, value in read if value is not None)


def _namer_from_payload(
    twin: TwinNode, given: IdReader, readers: AssetIdReaders, frame: Frame
) -> Name:
    read_kind = type_reader(twin, _TWIN, frame)
    fallback = twin.keys.get("manufacturerId")
    read_manufacturer = (
        id_reader(fallback, "manufacturerId", _OPTIONAL, frame) if fallback else None
    )
    column = column_of(twin.given) if twin.given else ""
    place = replace(_TWIN, column=column or next(columns_of_twin(twin), ""))

    def name_by_payload(row: Cells, run: Run, payload: Payload) -> Naming:
        manufacturer = read_manufacturer(row, run) if read_manufacturer else None
        named = named_in(payload, read_kind(row, run), manufacturer or "")
        given_id = given(row, run)
        if given_id and named.own_id and not is_same_asset(given_id, named.own_id):
            there = replace(place, pointer=f"/{named.own_id_name}")
            params = {
                "given": given_id,
                "found": shortened(named.own_id),
                "name": named.own_id_name,
            }
            run.fail(there, "aspect:mapping_id_contradicts", params)
        further = dict([*named.asset_ids, *_asset_ids(readers, row, run)])
        known = given_id or named.own_id
        if known is None and named.identity is None and not run.faults:
            run.fail(place, "aspect:cell_keys_absent", {})
        return named.identity, known, tuple(further.items())

    return name_by_payload


def _columns_of_whole(definition: MappingDefinition, frame: Frame) -> tuple[tuple[int, str], ...]:
    """Return the columns that stand for the whole record, and so must be alike in its rows."""
    if not definition.grouped:
        return ()
    names = {*columns_of_twin(definition.twin), *_columns_outside_rows(definition.payload)}
    return tuple((frame.indexes[name], name) for name in sorted(names))


def _columns_outside_rows(node: Node) -> set[str]:
    match node:
        case RowList():
            return set()
        case ObjectNode(members=members):
            return {name for member in members for name in _columns_outside_rows(member.node)}
    return set(columns_of(node))


def _compare_rows(run: Run, columns: tuple[tuple[int, str], ...]) -> None:
    first = run.rows[0]
    for at, row in enumerate(run.rows):
        run.at = at
        for index, name in columns:
            if row[index] != first[index]:
                params = {"value": shortened(row[index]), "first": shortened(first[index])}
                params["row"] = str(run.positions[0])
                run.fail(Place("", "", column=name), "aspect:cell_rows_disagree", params)
    run.at = 0
