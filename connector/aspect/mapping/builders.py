"""Objects, lists and references to twins compiled for one header.

Constant parts are built once and stand in every payload: nobody changes a payload but to
fill its slots, and what holds a slot is never shared. An optional object, and an item of a
written list, is left out where every cell that it reads is empty; constants do not keep it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from connector.aspect.mapping.definition import (
    PART_KEYS,
    Constant,
    Expression,
    FirstOf,
    FixedList,
    Member,
    Node,
    ObjectNode,
    Reference,
    RowList,
    TwinNode,
    When,
    columns_of,
    columns_of_twin,
)
from connector.aspect.mapping.naming import given_reader, identity_reader
from connector.aspect.mapping.readers import (
    Frame,
    Place,
    Reader,
    Run,
    column_of,
    expression_reader,
)
from connector.aspect.mapping.words import is_empty
from connector.aspect.model import Payload, Slot
from connector.aspect.semantics import AspectModel, Kind, Property, payload_properties
from connector.record.model import Cells

Link = Callable[[Cells, Run, Payload], None]
Build = Callable[[Cells, Run], Payload]


@dataclass(frozen=True, slots=True)
class Builder:
    """Compiles nodes for one model, which may be unknown, and one header."""

    frame: Frame
    model: AspectModel | None

    def payload(self, node: ObjectNode) -> Build:
        """Return the function that builds the whole payload from a record's first row."""
        properties = payload_properties(self.model.properties) if self.model else ()
        return self._object(node, properties, "")

    def _node(self, node: Node, prop: Property | None, place: Place) -> Reader:
        match node:
            case Expression():
                return expression_reader(node, place, self.frame)
            case ObjectNode():
                built = self._object(node, self._properties(prop), place.pointer)
                return built if place.required else self._droppable(node, built)
            case FixedList():
                return self._fixed_list(node, prop, place)
            case RowList():
                return self._row_list(node, prop, place)
        raise TypeError(node)

    def _properties(self, prop: Property | None) -> tuple[Property, ...]:
        if self.model is None or prop is None:
            return ()
        return self.model.properties_of(prop.characteristic)

    def _object(self, node: ObjectNode, properties: Sequence[Property], pointer: str) -> Build:
        by_name = {p.name: p for p in properties}
        template: Payload = {}
        readers: list[tuple[str, Reader]] = []
        links: list[Link] = []
        for member in node.members:
            prop = by_name.get(member.name)
            place = _place(member.name, f"{pointer}/{_escaped(member.name)}", prop)
            if isinstance(member.node, Reference):
                links.append(self._link(member.node, place))
                continue
            template[member.name] = self._given(member)
            if not is_constant(member.node):
                readers.append((member.name, self._node(member.node, prop, place)))
        return _linked(_filled(template, readers), links) if links else _filled(template, readers)

    def constant(self, node: Node) -> object:
        """Return the value of a node that reads no cell."""
        match node:
            case Expression(source=Constant() as constant):
                return self.frame.constant(constant)
            case ObjectNode(members=members):
                return {m.name: self.constant(m.node) for m in members}
            case FixedList(items=items):
                return [self.constant(item) for item in items]
        raise TypeError(node)

    def _droppable(self, node: Node, build: Reader) -> Reader:
        if _keeps_itself(node):
            return build
        indexes = [self.frame.indexes[name] for name in dict.fromkeys(columns_of(node))]

        def read(row: Cells, run: Run) -> object:
            for index in indexes:
                if not is_empty(row[index]):
                    return build(row, run)
            return None

        return read

    def _fixed_list(self, node: FixedList, prop: Property | None, place: Place) -> Reader:
        readers = [
            self._item(item, prop, f"{place.pointer}/{n}") for n, item in enumerate(node.items)
        ]
        column = column_of(node)
        there = Place(place.name, place.pointer, required=place.required, column=column)

        def read(row: Cells, run: Run) -> object:
            before = len(run.faults)
            items = [value for read in readers if (value := read(row, run)) is not None]
            if items:
                return items
            if there.required and len(run.faults) == before:
                run.fail(there, "aspect:cell_empty", {})
            return None

        return read

    def _item(self, node: Node, prop: Property | None, pointer: str) -> Reader:
        place = Place(prop.name if prop else "", pointer, prop.item_kind if prop else None)
        if is_constant(node):
            value = self.constant(node)
            return lambda _row, _run: value
        if isinstance(node, ObjectNode):
            by_name = {p.name: p for p in self._properties(prop)}
            single = self._single(node, by_name, pointer)
            if single:
                return single
        return self._node(node, prop, place)

    def _single(
        self, node: ObjectNode, by_name: dict[str, Property], pointer: str
    ) -> Reader | None:
        """Return the reader of an item that is constant but for one cell, as a name and value."""
        changing = [m for m in node.members if not is_constant(m.node)]
        if len(changing) != 1 or not isinstance(changing[0].node, Expression):
            return None
        name, expression = changing[0].name, changing[0].node
        kind = _place(name, "", by_name.get(name)).kind
        place = Place(name, f"{pointer}/{_escaped(name)}", kind)
        read_value = expression_reader(expression, place, self.frame)
        template = {m.name: self._given(m) for m in node.members}

        def read(row: Cells, run: Run) -> object:
            value = read_value(row, run)
            if value is None:
                return None
            built = template.copy()
            built[name] = value
            return built

        return read

    def _given(self, member: Member) -> object:
        return self.constant(member.node) if is_constant(member.node) else None

    def _row_list(self, node: RowList, prop: Property | None, place: Place) -> Reader:
        pointer = f"{place.pointer}/*"
        read_item: Reader
        if isinstance(node.item, ObjectNode):
            read_item = self._object(node.item, self._properties(prop), pointer)
        else:
            kind = prop.item_kind if prop else None
            item_place = Place(place.name, pointer, kind, required=True)
            read_item = self._node(node.item, prop, item_place)

        def read(_row: Cells, run: Run) -> object:
            items = []
            for at, row in enumerate(run.rows):
                run.at = at
                items.append(read_item(row, run))
            run.at = 0
            return items

        return read

    def _link(self, node: Reference, place: Place) -> Link:
        twin = node.twin
        if twin is None:
            return lambda _row, run, built: run.slots.append(
                Slot(built, place.name, None, run.positions[run.at])
            )
        return self._asset_link(twin, place)

    def _asset_link(self, twin: TwinNode, place: Place) -> Link:
        there = replace(place, kind=Kind.STRING, column=next(columns_of_twin(twin), ""))
        identify = identity_reader(twin, there, self.frame) if twin.keys else None
        given = given_reader(twin.given, there, self.frame)
        indexes = [self.frame.indexes[name] for name in dict.fromkeys(columns_of_twin(twin))]
        columns = {key: column_of(said) for key, said in twin.keys.items()}

        def link(row: Cells, run: Run, built: Payload) -> None:
            if all(is_empty(row[index]) for index in indexes):
                if there.required:
                    run.fail(there, "aspect:cell_empty", {})
                return
            given_id = given(row, run)
            if given_id is not None:
                built[place.name] = given_id
            elif identify is not None and (identity := identify(row, run)) is not None:
                column = columns[identity.instance_name or PART_KEYS[1]]
                slot = Slot(built, place.name, identity, run.positions[run.at], column)
                run.slots.append(slot)

        return link


def is_constant(node: Node) -> bool:
    """Whether a node has the same value in every payload, and no slot."""
    match node:
        case Expression(source=Constant()):
            return node.is_plain
        case ObjectNode(members=members):
            return all(is_constant(member.node) for member in members)
        case FixedList(items=items):
            return all(is_constant(item) for item in items)
    return False


def _keeps_itself(node: Node) -> bool:
    """Whether a node says something even where all its cells are empty."""
    match node:
        case Expression():
            return node.default is not None or any(map(_never_empty, _options(node)))
        case ObjectNode(members=members):
            return is_constant(node) or any(_keeps_itself(member.node) for member in members)
        case FixedList(items=items):
            return is_constant(node) or any(_keeps_itself(item) for item in items)
    return isinstance(node, RowList) or node.twin is None


def _never_empty(expression: Expression) -> bool:
    return isinstance(expression.source, Constant) or _keeps_itself(expression)


def _options(expression: Expression) -> tuple[Expression, ...]:
    match expression.source:
        case FirstOf(options=options):
            return options
        case When(otherwise=Expression() as otherwise):
            return (otherwise,)
    return ()


def _filled(template: Payload, readers: Sequence[tuple[str, Reader]]) -> Build:
    def build(row: Cells, run: Run) -> Payload:
        built = template.copy()
        for name, read in readers:
            value = read(row, run)
            if value is None:
                del built[name]
            else:
                built[name] = value
        return built

    return build


def _linked(build: Build, links: Sequence[Link]) -> Build:
    def build_linked(row: Cells, run: Run) -> Payload:
        built = build(row, run)
        for link in links:
            link(row, run, built)
        return built

    return build_linked


def _place(name: str, pointer: str, prop: Property | None) -> Place:
    if prop is None:
        return Place(name, pointer)
    kind = prop.scalar_kind if prop.kind is Kind.ENUM else prop.kind
    return Place(name, pointer, kind, prop.required)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
