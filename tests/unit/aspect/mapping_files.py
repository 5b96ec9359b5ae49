"""Mappings as a plant would write them, and short ways to read and apply them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.mapping.checking import check_mapping
from connector.aspect.mapping.compiling import CompiledMapping, compile_mapping
from connector.aspect.mapping.definition import MappingDefinition
from connector.aspect.mapping.parsing import parse_mapping
from connector.aspect.model import Draft
from connector.aspect.semantics import AspectModel
from connector.errors import Finding, SetupError
from connector.identifiers import SemanticId

OWN = "BPNL00000000PUE1"

SERIAL = """\
model: urn:samm:io.catenax.serial_part:3.0.0#SerialPart
time_zone: America/Mexico_City
decimal: ","
twin:
  type: PartInstance
  manufacturerId: {constant: own}
  manufacturerPartId: {column: Parte}
  partInstanceId: {column: Serie}
  assetIds:
    customerPartId: {column: Cliente}
payload:
  catenaXId: {twin: self}
  localIdentifiers:
    - {key: {constant: manufacturerId}, value: {constant: own}}
    - {key: {constant: partInstanceId}, value: {column: Serie}}
    - {key: {constant: van}, value: {column: VAN}}
  manufacturingInformation:
    date: {column: Fecha, date: "%d/%m/%Y %H:%M", as: datetime}
    country: {constant: MEX}
  partTypeInformation:
    manufacturerPartId: {column: Parte}
    nameAtManufacturer: {column: Parte, lookup: nombres}
    customerPartId: {column: Cliente}
lookups:
  nombres: {A-1: Bomba, A-2: Eje}
"""
SERIAL_HEADER = ("Serie", "Parte", "Cliente", "Fecha", "VAN")
SERIAL_ROW = ("S-1", "A-1", "C-9", "05/03/2026 08:30", "")

BOM = """\
model: urn:samm:io.catenax.single_level_bom_as_built:3.0.0#SingleLevelBomAsBuilt
time_zone: America/Mexico_City
decimal: ","
rows: {group: true}
twin:
  type: PartInstance
  manufacturerId: {constant: own}
  manufacturerPartId: {column: Padre}
  partInstanceId: {column: Serie}
payload:
  catenaXId: {twin: self}
  childItems:
    each: row
    item:
      catenaXId:
        twin:
          id: {column: Id}
          type: PartInstance
          manufacturerId: {column: Fabricante}
          manufacturerPartId: {column: Hija}
          partInstanceId: {column: Serie hija}
          batchId: {column: Lote}
      quantity:
        value: {column: Cantidad, number: true}
        unit: {column: Unidad, lookup: unidades}
      createdOn: {column: Fecha, date: "%d/%m/%Y"}
      businessPartner: {column: Fabricante}
      hasAlternatives: {constant: false}
lookups:
  unidades: {PZA: "unit:piece", KG: "unit:kilogram"}
"""
BOM_HEADER = (
    *("Padre", "Serie", "Hija", "Serie hija", "Lote", "Id", "Cantidad", "Unidad"),
    *("Fecha", "Fabricante"),
)

READY = """\
model: {column: aspectType}
twin:
  id: {column: ^assetMetaInfo.catenaXId}
  type: {column: ^assetMetaInfo.digitalTwinType, lookup: kinds}
  from_payload: true
payload: {column: payload}
lookups:
  kinds: {partInstance: PartInstance, partType: PartType}
"""
READY_HEADER = (
    *("aspectType", "^assetMetaInfo.catenaXId", "^assetMetaInfo.digitalTwinType", "payload"),
)


@cache
def _library() -> ModelLibrary:
    return ModelLibrary([shipped_folder()])


def model(urn: SemanticId) -> AspectModel | None:
    """Return a shipped model, None where there is none."""
    try:
        return _library().get(urn).model
    except SetupError:
        return None


def parsed(text: str) -> MappingDefinition:
    """Return the definition of a mapping without mistakes."""
    definition, findings = parse_mapping(text, "feed.yaml")
    assert definition, [str(finding.text()) for finding in findings]
    return definition


def mistakes(text: str) -> list[Finding]:
    """Return what is wrong with a mapping, by itself and against its model."""
    definition, findings = parse_mapping(text, "feed.yaml")
    return [*findings, *(check_mapping(definition, model) if definition else [])]


def compiled(
    text: str, header: tuple[str, ...], tables: Mapping[str, Mapping[str, str]] | None = None
) -> CompiledMapping:
    """Return a mapping compiled for a header and its shipped model."""
    definition = parsed(text)
    urn = definition.semantic_id
    return compile_mapping(definition, model(urn) if urn else None, header, OWN, tables or {})


def applied(text: str, header: tuple[str, ...], *rows: Sequence[object]) -> Draft:
    """Return the draft of one record whose first row stands in row 2 of ``feed.csv``."""
    positions = range(2, len(rows) + 2)
    return compiled(text, header).apply(rows, positions, "feed.csv")


def told(draft: Draft) -> list[tuple[str, int | None, str | None]]:
    """Return code, row and column of each finding."""
    return [(f.code.partition(":")[2], f.where.row, f.where.column) for f in draft.findings]


def value_of(expression: str, cell: object, *, feed: str = "", more: str = "") -> object:
    """Return what one expression makes of the cell of column ``C``, or its finding codes.

    The expression fills a property that no model restricts.
    """
    draft = draft_of(expression, {"C": cell}, feed=feed, more=more)
    codes = [f.code.partition(":")[2] for f in draft.findings]
    return codes or draft.payload.get("value")


def draft_of(
    expression: str, cells: Mapping[str, object], *, feed: str = "", more: str = ""
) -> Draft:
    """Return the draft of a mapping with the one property ``value``."""
    text = f"""\
model: urn:samm:io.catenax.serial_part:3.0.0#SerialPart
{feed}
twin: {{type: PartType, manufacturerId: {{constant: own}}, manufacturerPartId: {{column: K}}}}
payload: {{value: {expression}}}
{more}
"""
    header = ("K", *cells)
    compiled_mapping = compile_mapping(parsed(text), None, header, OWN, {})
    return compiled_mapping.apply([("key", *cells.values())], [2])
