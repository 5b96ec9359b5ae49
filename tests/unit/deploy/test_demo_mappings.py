"""The plant's mappings fit their models, and find just the rows that are wrong on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from connector.aspect.library import CompiledModel, ModelLibrary, shipped_folder
from connector.aspect.mapping.checking import check_mapping
from connector.aspect.mapping.compiling import CompiledMapping, compile_mapping
from connector.aspect.mapping.definition import MappingDefinition
from connector.aspect.mapping.parsing import parse_mapping
from connector.aspect.model import Draft
from connector.identifiers import IdentityKey
from deploy.demo.plant import data
from deploy.demo.plant.expected import expected
from deploy.demo.plant.parts import BPNL

FOLDER = Path(data.__file__).parent / "mappings"
Row = tuple[int, tuple[object, ...]]


def _messages() -> list[tuple[object, ...]]:
    return [tuple(message.values()) for message in _readable()]


def _readable() -> Iterator[dict[str, object]]:
    for raw in data.messages():
        try:
            yield json.loads(raw)
        except ValueError:
            yield {}


SOURCES: dict[str, tuple[tuple[str, ...], Callable[[], Sequence[tuple[object, ...]]]]] = {
    "maestro_piezas": (data.MASTERS_HEADER, data.masters),
    "lotes": (data.LOTS_HEADER, data.lot_rows),
    "estructura": (data.STRUCTURE_HEADER, data.structure),
    "huella_carbono": (data.FOOTPRINTS_HEADER, data.footprint_rows),
    "series": (tuple(next(_readable())), _messages),
}
# What the mapping or the model must find; the rest is found before or after.
FOUND = {
    "maestro_piezas": [],
    "lotes": [(6, "Fecha de fabricación")],
    "estructura": [],
    "huella_carbono": [(13, "Masa kg")],
    "series": [],
}


@dataclass(frozen=True)
class Feed:
    """One feed of the demo: its mapping, its model, and its rows by record."""

    definition: MappingDefinition
    model: CompiledModel
    mapping: CompiledMapping
    records: list[list[Row]]


@pytest.fixture(scope="module")
def library() -> ModelLibrary:
    return ModelLibrary([shipped_folder()])


@pytest.fixture(params=sorted(SOURCES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def feed(name: str, library: ModelLibrary) -> Feed:
    return _feed(name, library)


def _feed(name: str, library: ModelLibrary) -> Feed:
    header, rows = SOURCES[name]
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    definition, findings = parse_mapping(text, f"{name}.yaml")
    assert definition, [str(finding.text()) for finding in findings]
    assert definition.semantic_id
    model = library.get(definition.semantic_id)
    mapping = compile_mapping(definition, model.model, header, BPNL, {})
    numbered = [(i, row) for i, row in enumerate(rows(), 2) if len(row) == len(header)]
    return Feed(definition, model, mapping, _records(definition, header, numbered))


def _records(
    definition: MappingDefinition, header: tuple[str, ...], rows: list[Row]
) -> list[list[Row]]:
    if not definition.grouped:
        return [[row] for row in rows]
    key = [header.index(column) for column in definition.key_columns]
    ordered = sorted(rows, key=lambda row: [str(row[1][i]) for i in key])
    grouped = groupby(ordered, key=lambda row: [row[1][i] for i in key])
    return [list(group) for _, group in grouped]


def _drafts(feed: Feed) -> list[Draft]:
    return [
        feed.mapping.apply([row for _, row in record], [position for position, _ in record])
        for record in feed.records
    ]


def test_every_mapping_of_the_folder_belongs_to_a_source() -> None:
    assert sorted(SOURCES) == sorted(path.stem for path in FOLDER.glob("*.yaml"))


def test_a_mapping_fits_its_model(feed: Feed) -> None:
    assert [] == check_mapping(feed.definition, lambda _: feed.model.model)


def test_only_rows_that_are_wrong_on_purpose_are_found(feed: Feed, name: str) -> None:
    found = set()
    for record in feed.records:
        positions = [position for position, _ in record]
        draft = feed.mapping.apply([row for _, row in record], positions)
        for number, slot in enumerate(draft.slots):
            slot.holder[slot.key] = f"urn:uuid:7d1b7a52-8f6e-4f0e-9c57-{number:012}"
        found |= {(f.where.row, f.where.column) for f in draft.findings}
        origins = (
            feed.mapping.origin(f.path, positions) for f in feed.model.findings(draft.payload)
        )
        found |= {(origin.row, origin.column) for origin in origins}

    assert FOUND[name] == sorted(found)


def test_the_children_of_the_structure_are_parts_that_the_plant_knows(
    library: ModelLibrary,
) -> None:
    known, wanted = set[IdentityKey](), dict[IdentityKey, int]()
    for name in SOURCES:
        for draft in _drafts(_feed(name, library)):
            known |= {draft.identity} if draft.identity and name != "estructura" else set()
            wanted |= {slot.identity: slot.row for slot in draft.slots if slot.identity}

    strangers = [row for identity, row in wanted.items() if identity not in known]
    on_purpose = [place.row for place in data.wrong() if place.cause == "unknown child"]
    assert on_purpose == strangers


def test_there_is_one_record_for_each_aspect_that_is_expected(feed: Feed, name: str) -> None:
    counted = expected()
    aspect = feed.definition.semantic_id.aspect_name if feed.definition.semantic_id else ""
    kept_back = {"maestro_piezas": 2, "lotes": 1, "estructura": 1, "huella_carbono": 1}

    assert counted.aspects[aspect] == len(feed.records) - kept_back.get(name, 0)
