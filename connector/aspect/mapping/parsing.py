"""A mapping file read into its definition, with every mistake in it found at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from rapidfuzz import process

from connector.aspect.mapping.definition import (
    INSTANCE_KEYS,
    PART_KEYS,
    Constant,
    Expression,
    FixedList,
    MappingDefinition,
    Member,
    Node,
    Number,
    ObjectNode,
    Reference,
    RowList,
    Table,
    TableFile,
    TwinNode,
    columns_of,
)
from connector.aspect.mapping.expressions import (
    checked_number,
    is_expression,
    read_expression,
)
from connector.aspect.mapping.reading import Reading
from connector.aspect.mapping.tree import Branch, Leaf, Notes, Series, Tree, read_tree
from connector.aspect.semantics import JsonScalar
from connector.errors import DataError, Finding
from connector.identifiers import SemanticId, TwinType

TOP_WORDS = (
    *("model", "time_zone", "decimal", "thousands", "twin", "payload", "rows", "lookups"),
)
TWIN_KEYS = (*PART_KEYS, *INSTANCE_KEYS)
TWIN_WORDS = ("type", *TWIN_KEYS, "id", "assetIds", "from_payload")
ROW_WORDS = ("group", "key")
LIST_WORDS = ("each", "item")
FILE_WORDS = ("file", "key", "value", "delimiter", "encoding")

_ASSET_ID_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def parse_mapping(text: str, source: str) -> tuple[MappingDefinition | None, list[Finding]]:
    """Read a mapping; return None for it where the findings hold a mistake.

    Every finding names the file (``source``) and the line in ``where.row``.
    """
    notes = Notes(source)
    tree = read_tree(text, notes)
    if isinstance(tree, Branch):
        definition = _Parser(tree, notes).read()
        return (None if notes.findings else definition), notes.findings
    if tree is not None:
        notes.add(
            "aspect:mapping_words_wanted", tree.line, word=source, known=", ".join(TOP_WORDS)
        )
    return None, notes.findings


class _Parser:
    """Reads one mapping, top down."""

    def __init__(self, top: Branch, notes: Notes) -> None:
        self.top = top
        self.notes = notes
        self.reading = Reading(notes)
        self.grouped = False

    def read(self) -> MappingDefinition | None:
        """Read all of it, so that all mistakes are noted; None where a part is missing."""
        self.reading.only(self.top, TOP_WORDS)
        self.reading.wanted(self.top, ("model", "twin", "payload"), TOP_WORDS)
        self._read_feed()
        tables = self._tables()
        self.reading.tables = tuple(tables)
        key = self._rows()
        model = self._model()
        twin_tree, payload_tree = self.top.get("twin"), self.top.get("payload")
        twin = self._twin(twin_tree, is_record=True) if twin_tree else None
        payload = self._node(payload_tree, "payload") if payload_tree else None
        if model is None or twin is None or payload is None:
            return None
        definition = MappingDefinition(
            self.notes.source,
            model,
            twin,
            payload,
            time_zone=self.reading.time_zone,
            grouped=self.grouped,
            key=key,
            tables=tables,
        )
        self._check_whole(definition)
        return definition

    def _read_feed(self) -> None:
        zone_tree = self.top.get("time_zone")
        zone = self.reading.text(zone_tree, "time_zone")
        if zone_tree and zone and not _is_zone(zone):
            near = process.extractOne(zone, sorted(available_timezones()))[0]
            self.notes.add("aspect:mapping_zone_unknown", zone_tree.line, zone=zone, nearest=near)
            self.reading.time_zone = "UTC"
        else:
            self.reading.time_zone = zone
        decimal = self.reading.text(self.top.get("decimal"), "decimal") or "."
        thousands = self.reading.text(self.top.get("thousands"), "thousands")
        entry = self.top.get("decimal") or self.top.get("thousands") or self.top
        number = Number(decimal, thousands)
        self.reading.number = checked_number(number, entry.line, self.reading)

    def _model(self) -> SemanticId | Expression | None:
        tree = self.top.get("model")
        if isinstance(tree, Branch):
            return read_expression(tree, self.reading, "model")
        urn = self.reading.text(tree, "model")
        if not tree or not urn:
            return None
        try:
            return SemanticId.parse(urn)
        except DataError as error:
            self.notes.add(error.code, tree.line, **error.params)
            return None

    def _rows(self) -> tuple[str, ...]:
        branch = self.reading.branch(self.top.get("rows"), "rows", ROW_WORDS)
        if branch is None:
            return ()
        self.grouped = self.reading.flag(branch.get("group"), "group")
        key = branch.get("key")
        items = key.items if isinstance(key, Series) else (key,) if key else ()
        names = (self.reading.text(item, "key") for item in items)
        return tuple(dict.fromkeys(name for name in names if name))

    def _tables(self) -> dict[str, Table]:
        tree = self.top.get("lookups")
        if tree is None:
            return {}
        if not isinstance(tree, Branch):
            self.notes.add("aspect:mapping_tables_wanted", tree.line)
            return {}
        return {entry.name: self._table(entry.value) for entry in tree.entries}

    def _table(self, tree: Tree) -> Table:
        if not isinstance(tree, Branch):
            self.notes.add("aspect:mapping_tables_wanted", tree.line)
            return Table(tree.line)
        if {"file", "key", "value"} <= {*tree.names}:
            self.reading.only(tree, FILE_WORDS)
            texts = {name: self.reading.text(tree.get(name), name) for name in tree.names}
            known = {name: text for name, text in texts.items() if name in FILE_WORDS}
            return Table(tree.line, file=TableFile(**known))
        entries: dict[str, JsonScalar] = {}
        for entry in tree.entries:
            if isinstance(entry.value, Leaf) and not entry.value.is_empty:
                entries[entry.name] = entry.value.value
            else:
                self.notes.add("aspect:mapping_text_wanted", entry.line, word=entry.name)
        return Table(tree.line, entries)

    def _twin(self, tree: Tree, *, is_record: bool = False) -> TwinNode | None:
        words = TWIN_WORDS if is_record else tuple(w for w in TWIN_WORDS if w in _OF_REFERENCE)
        branch = self.reading.branch(tree, "twin", words)
        if branch is None:
            return None
        read = {word: self._named(branch, word) for word in ("type", "id", *TWIN_KEYS)}
        keys = {word: e for word in TWIN_KEYS if (e := read[word])}
        from_payload = self.reading.flag(branch.get("from_payload"), "from_payload")
        asset_ids = self._asset_ids(branch.get("assetIds"))
        twin = TwinNode(branch.line, read["type"], keys, read["id"], asset_ids, from_payload)
        self._check_twin(twin, branch)
        return twin

    def _named(self, branch: Branch, word: str) -> Expression | None:
        tree = branch.get(word)
        if word == "type" and isinstance(tree, Leaf):
            return Expression(tree.line, Constant(tree.text))
        return read_expression(tree, self.reading, word)

    def _asset_ids(self, tree: Tree | None) -> Mapping[str, Expression]:
        if tree is None:
            return {}
        if not isinstance(tree, Branch):
            self.notes.add("aspect:mapping_object_wanted", tree.line, word="assetIds")
            return {}
        for entry in tree.entries:
            if not _ASSET_ID_NAME.fullmatch(entry.name):
                self.notes.add("aspect:mapping_asset_id_name", entry.line, word=entry.name)
        read = {e.name: read_expression(e.value, self.reading, e.name) for e in tree.entries}
        return {name: expression for name, expression in read.items() if expression}

    def _check_twin(self, twin: TwinNode, branch: Branch) -> None:
        self._check_type(twin)
        if twin.from_payload:
            for word in (*PART_KEYS[1:], *INSTANCE_KEYS):
                if word in twin.keys:
                    params = {"first": "from_payload", "second": word}
                    self.notes.add("aspect:mapping_words_exclude", twin.line, **params)
            return
        if twin.given and not twin.keys:
            return
        self.reading.wanted(branch, ("type", *PART_KEYS), TWIN_WORDS)
        self._check_instance_keys(twin, {*branch.names})

    def _check_type(self, twin: TwinNode) -> None:
        said = twin.type.source if twin.type else None
        if isinstance(said, Constant) and said.value not in {*TwinType} and twin.type:
            known = ", ".join(TwinType)
            params = {"type": said.value, "known": known}
            self.notes.add("aspect:mapping_twin_type", twin.type.line, **params)

    def _check_instance_keys(self, twin: TwinNode, branch_names: set[str]) -> None:
        said = [key for key in INSTANCE_KEYS if key in twin.keys]
        known = ", ".join(INSTANCE_KEYS)
        kind = twin.type.source if twin.type else None
        if not isinstance(kind, Constant):
            return
        if (
            kind.value == TwinType.PART_INSTANCE
            and not said
            and not branch_names & {*INSTANCE_KEYS}
        ):
            self.notes.add("aspect:mapping_twin_instance", twin.line, known=known)
        if kind.value == TwinType.PART_TYPE and said:
            self.notes.add("aspect:mapping_twin_part_type", twin.line, said=", ".join(said))

    def _node(self, tree: Tree, name: str) -> Node | None:
        match tree:
            case Series():
                items = [self._item(item, name) for item in tree.items]
                return FixedList(tree.line, tuple(item for item in items if item))
            case Branch() if not is_expression(tree):
                return self._structure(tree, name)
        return read_expression(tree, self.reading, name)

    def _structure(self, tree: Branch, name: str) -> Node | None:
        if isinstance(tree.get("each"), Leaf):
            return self._row_list(tree, name)
        if "twin" in tree.names:
            return self._reference(tree)
        read = [(e, self._node(e.value, e.name)) for e in tree.entries]
        members = (Member(e.line, e.name, node) for e, node in read if node)
        return ObjectNode(tree.line, tuple(members))

    def _item(self, tree: Tree, name: str) -> Node | None:
        node = self._node(tree, name)
        if isinstance(node, Reference | FixedList | RowList):
            self.notes.add("aspect:mapping_item_unfit", tree.line, word=name)
            return None
        return node

    def _row_list(self, tree: Branch, name: str) -> Node | None:
        self.reading.only(tree, LIST_WORDS)
        each = self.reading.text(tree.get("each"), "each")
        if each != "row":
            self.reading.unknown(tree.line, each, ("row",))
        if not self.grouped:
            self.notes.add("aspect:mapping_rows_not_grouped", tree.line, word=name)
        item = tree.get("item")
        if item is None:
            self.reading.missing(tree.line, "item")
            return None
        node = self._item(item, name)
        return RowList(tree.line, node) if node else None

    def _reference(self, tree: Branch) -> Node | None:
        self.reading.only(tree, ("twin",))
        asset = tree.get("twin")
        if isinstance(asset, Leaf) and asset.text == "self":
            return Reference(tree.line, None)
        twin = self._twin(asset) if asset else None
        return Reference(tree.line, twin) if twin else None

    def _check_whole(self, definition: MappingDefinition) -> None:
        is_ready = isinstance(definition.payload, Expression)
        if definition.semantic_id is None and not is_ready:
            line = definition.payload.line
            self.notes.add("aspect:mapping_payload_column_wanted", line)
        if definition.twin.from_payload and not is_ready:
            self.notes.add("aspect:mapping_from_payload_alone", definition.twin.line)
        if not definition.key_columns:
            self.notes.add("aspect:mapping_key_absent", definition.twin.line)
        if isinstance(definition.payload, RowList) or not any(columns_of(definition.payload)):
            self.notes.add("aspect:mapping_payload_constant", definition.payload.line)


_OF_REFERENCE = {"type", *TWIN_KEYS, "id"}


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
