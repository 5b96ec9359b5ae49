"""A mapping held against the aspect models that it names, before a row is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from connector.aspect.mapping.definition import (
    OWN,
    Constant,
    Date,
    Expression,
    FirstOf,
    FixedList,
    MappingDefinition,
    Member,
    Node,
    Number,
    ObjectNode,
    Reference,
    RowList,
    Table,
    Truth,
    When,
)
from connector.aspect.mapping.reading import nearest
from connector.aspect.mapping.tree import Notes
from connector.aspect.mapping.words import shortened
from connector.aspect.patterns import matches
from connector.aspect.semantics import (
    AspectModel,
    Characteristic,
    ConstraintKind,
    JsonScalar,
    Kind,
    Property,
    payload_properties,
)
from connector.errors import Finding
from connector.identifiers import SemanticId

Models = Callable[[SemanticId], AspectModel | None]

ALLOWED_SHOWN_MAX = 12

_WANTED: Mapping[Kind, tuple[frozenset[Kind], str]] = {
    Kind.NUMBER: (frozenset({Kind.NUMBER, Kind.INTEGER}), "aspect:mapping_number_wanted"),
    Kind.INTEGER: (frozenset({Kind.INTEGER}), "aspect:mapping_number_wanted"),
    Kind.BOOLEAN: (frozenset({Kind.BOOLEAN}), "aspect:mapping_boolean_wanted"),
    Kind.DATE: (frozenset({Kind.DATE}), "aspect:mapping_date_wanted"),
    Kind.DATETIME: (frozenset({Kind.DATETIME}), "aspect:mapping_datetime_wanted"),
}
_TEXTUAL = (
    frozenset({Kind.STRING, Kind.DATE, Kind.DATETIME}),
    "aspect:mapping_text_property",
)

_DAY = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_DATES: Mapping[Kind, re.Pattern[str]] = {
    Kind.DATE: re.compile(rf"{_DAY}$"),
    Kind.DATETIME: re.compile(rf"{_DAY}T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"),
}


def check_mapping(definition: MappingDefinition, models: Models) -> list[Finding]:
    """Return every way in which a mapping does not fit its aspect model.

    Nothing is said about a mapping whose records name their own model: they are validated
    one by one.
    """
    notes = Notes(definition.source)
    if definition.semantic_id is None or isinstance(definition.payload, Expression):
        return notes.findings
    model = models(definition.semantic_id)
    if model is None:
        notes.add("aspect:mapping_model_unknown", 1, model=definition.semantic_id)
        return notes.findings
    if isinstance(definition.payload, ObjectNode):
        name = definition.semantic_id.aspect_name
        checker = _Checker(model, definition.tables, notes)
        checker.check_object(definition.payload, payload_properties(model.properties), name)
    else:
        notes.add("aspect:mapping_object_wanted", definition.payload.line, word="payload")
    return notes.findings


class _Checker:
    """Walks the payload of a mapping along the properties of its model."""

    def __init__(self, model: AspectModel, tables: Mapping[str, Table], notes: Notes) -> None:
        self.model = model
        self.tables = tables
        self.notes = notes

    def check_object(self, node: ObjectNode, properties: Sequence[Property], name: str) -> None:
        """Note unknown and missing properties, and what is wrong below."""
        by_name = {p.name: p for p in properties}
        unknown = [m for m in node.members if m.name not in by_name]
        for member in unknown:
            self._note_unknown(member, tuple(by_name), name)
        guessed = {nearest(member.name, tuple(by_name)) for member in unknown}
        said = {m.name for m in node.members}
        for prop in properties:
            if prop.required and prop.name not in said | guessed:
                params = {"property": prop.name, "parent": name, "kind": prop.kind}
                self.notes.add("aspect:mapping_property_missing", node.line, **params)
        for member in node.members:
            if member.name in by_name:
                self._check(member.node, by_name[member.name], member.line)

    def _note_unknown(self, member: Member, known: tuple[str, ...], name: str) -> None:
        near = nearest(member.name, known)
        params = {"property": member.name, "parent": name}
        if near:
            params["nearest"] = near
            self.notes.add("aspect:mapping_property_misspelt", member.line, **params)
        else:
            params["known"] = ", ".join(known)
            self.notes.add("aspect:mapping_property_unknown", member.line, **params)

    def _check(self, node: Node, prop: Property, line: int) -> None:
        if prop.kind is Kind.LIST:
            self._check_list(node, prop, line)
        else:
            self._check_one(node, prop, line)

    def _check_list(self, node: Node, prop: Property, line: int) -> None:
        if isinstance(node, RowList):
            self._check_one(node.item, prop, node.item.line)
        elif isinstance(node, FixedList):
            for item in node.items:
                self._check_one(item, prop, item.line)
        else:
            self.notes.add("aspect:mapping_list_wanted", line, word=prop.name)

    def _check_one(self, node: Node, prop: Property, line: int) -> None:
        if isinstance(node, FixedList | RowList):
            self.notes.add("aspect:mapping_list_unwanted", line, word=prop.name)
            return
        kind = prop.item_kind
        if kind is Kind.LANGUAGE_STRING:
            return
        if kind in {Kind.OBJECT, Kind.EITHER}:
            if isinstance(node, ObjectNode):
                properties = self.model.properties_of(prop.characteristic)
                self.check_object(node, properties, prop.name)
            else:
                self.notes.add("aspect:mapping_object_wanted", line, word=prop.name)
        elif isinstance(node, ObjectNode):
            self.notes.add("aspect:mapping_value_wanted", line, word=prop.name)
        else:
            self._check_value(node, prop)

    def _check_value(self, node: Expression | Reference, prop: Property) -> None:
        allowed, code = _WANTED.get(prop.scalar_kind, _TEXTUAL)
        if isinstance(node, Reference):
            if Kind.STRING not in allowed:
                self.notes.add(code, node.line, property=prop.name)
            return
        kinds = set(_kinds(node, self.tables))
        if kinds - allowed:
            self.notes.add(code, node.line, property=prop.name)
            return
        for value in _constants(node, self.tables):
            self._check_constant(value, node.line, prop)

    def _check_constant(self, value: JsonScalar, line: int, prop: Property) -> None:
        if value == OWN:
            return
        values = prop.values
        if values and value not in values:
            shown = ", ".join(shortened(v) for v in values[:ALLOWED_SHOWN_MAX])
            shown += ", …" if len(values) > ALLOWED_SHOWN_MAX else ""
            near = nearest(str(value), tuple(str(v) for v in values)) or shown
            params = {"value": shortened(value), "property": prop.name, "allowed": shown}
            self.notes.add("aspect:mapping_value_not_allowed", line, nearest=near, **params)
        elif not values:
            for pattern in _patterns_broken_by(value, prop.characteristic.item):
                params = {"value": shortened(value), "property": prop.name, "pattern": pattern}
                example = pattern if prop.example is None else prop.example
                self.notes.add("aspect:mapping_pattern_broken", line, example=example, **params)


def _kinds(node: Expression, tables: Mapping[str, Table]) -> Iterator[Kind]:
    """Yield what the expression may come out as."""
    match node.conversion:
        case Number():
            # Read as whole where the model wants it so; a fraction is then found in the cell.
            yield Kind.INTEGER
        case Truth():
            yield Kind.BOOLEAN
        case Date(with_time=with_time):
            yield Kind.DATETIME if with_time else Kind.DATE
        case None:
            yield from _kinds_unconverted(node, tables)
    if node.default is not None:
        yield _kind_of(node.default)


def _kinds_unconverted(node: Expression, tables: Mapping[str, Table]) -> Iterator[Kind]:
    if node.lookup:
        entries = tables[node.lookup].entries if node.lookup in tables else {}
        yield from (_kind_of(value) for value in entries.values()) if entries else [Kind.STRING]
    elif isinstance(node.source, Constant):
        yield _kind_of(node.source.value)
    elif options := _options(node):
        for option in options:
            yield from _kinds(option, tables)
    else:
        yield Kind.STRING


def _kind_of(value: JsonScalar) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, int):
        return Kind.INTEGER
    if isinstance(value, float):
        return Kind.NUMBER
    return next((kind for kind, pattern in _DATES.items() if pattern.match(value)), Kind.STRING)


def _options(node: Expression) -> tuple[Expression, ...]:
    match node.source:
        case FirstOf(options=options):
            return options
        case When(then=then, otherwise=otherwise):
            return (then, otherwise) if otherwise else (then,)
    return ()


def _constants(node: Expression, tables: Mapping[str, Table]) -> Iterator[JsonScalar]:
    """Yield the values that the mapping itself may put there."""
    if node.default is not None:
        yield node.default
    if node.conversion is not None:
        return
    if node.lookup:
        yield from tables[node.lookup].entries.values() if node.lookup in tables else ()
    elif isinstance(node.source, Constant) and node.text.is_idle:
        yield node.source.value
    elif node.text.is_idle:
        for option in _options(node):
            yield from _constants(option, tables)


def _patterns_broken_by(value: JsonScalar, characteristic: Characteristic) -> Iterator[str]:
    for limit in characteristic.limits():
        if limit.kind is ConstraintKind.PATTERN and isinstance(value, str):
            try:
                matched = matches(limit.pattern, value)
            except re.error:
                # XML Schema allows what Python cannot read; validation will judge the payload.
                continue
            if not matched:
                yield limit.pattern
