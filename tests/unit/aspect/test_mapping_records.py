"""Rows become drafts: payload, identity, ids to fill in, and every mistake with its place."""

from __future__ import annotations

import pytest

from connector.aspect.model import Slot
from connector.errors import DataError, Location, Severity
from connector.identifiers import IdentityKey, TwinType
from tests.unit.aspect.mapping_files import (
    BOM,
    BOM_HEADER,
    OWN,
    SERIAL,
    SERIAL_HEADER,
    SERIAL_ROW,
    applied,
    compiled,
    told,
)

ASSET = "urn:uuid:7d1b7a52-8f6e-4f0e-9c57-1f6a1c9f1c11"


def _serial(**cells: object) -> tuple[object, ...]:
    return tuple({**dict(zip(SERIAL_HEADER, SERIAL_ROW, strict=True)), **cells}.values())


def test_a_row_becomes_a_payload_with_its_identity() -> None:
    draft = applied(SERIAL, SERIAL_HEADER, SERIAL_ROW)

    assert {
        "localIdentifiers": [
            {"key": "manufacturerId", "value": OWN},
            {"key": "partInstanceId", "value": "S-1"},
        ],
        "manufacturingInformation": {"date": "2026-03-05T08:30:00-06:00", "country": "MEX"},
        "partTypeInformation": {
            "manufacturerPartId": "A-1",
            "nameAtManufacturer": "Bomba",
            "customerPartId": "C-9",
        },
    } == draft.payload
    assert (
        IdentityKey(TwinType.PART_INSTANCE, OWN, "A-1", "partInstanceId", "S-1") == draft.identity
    )
    assert (("customerPartId", "C-9"),) == draft.asset_ids
    assert (None, ()) == (draft.given_id, draft.findings)


def test_the_own_id_is_left_for_whoever_knows_it() -> None:
    draft = applied(SERIAL, SERIAL_HEADER, SERIAL_ROW)

    (slot,) = draft.slots
    slot.holder[slot.key] = ASSET
    assert (None, 2, ASSET) == (slot.identity, slot.row, draft.payload["catenaXId"])


def test_payloads_of_two_records_share_no_slot() -> None:
    mapping = compiled(SERIAL, SERIAL_HEADER)

    first, second = (mapping.apply([SERIAL_ROW], [row]) for row in (2, 3))
    first.slots[0].holder["catenaXId"] = ASSET

    assert "catenaXId" not in second.payload


def test_optional_properties_with_empty_cells_are_left_out() -> None:
    draft = applied(SERIAL, SERIAL_HEADER, _serial(Cliente="", VAN="VAN-1"))

    part = draft.payload["partTypeInformation"]
    local = draft.payload["localIdentifiers"]
    assert isinstance(part, dict)
    assert isinstance(local, list)
    assert "customerPartId" not in part
    assert {"key": "van", "value": "VAN-1"} == local[2]
    assert ((), ()) == (draft.asset_ids, draft.findings)


def test_every_mistake_of_a_row_is_told_once_and_in_place() -> None:
    draft = applied(
        SERIAL, SERIAL_HEADER, _serial(Serie="", Parte="A-9", Fecha="31/02/2026 08:30")
    )

    assert {
        ("cell_date_impossible", 2, "Fecha"),
        ("cell_not_listed", 2, "Parte"),
        ("cell_empty", 2, "Serie"),
    } == {*told(draft)}
    assert 3 == len(draft.findings)
    assert {"feed.csv"} == {finding.where.source for finding in draft.findings}
    assert draft.identity is None


def test_a_finding_of_a_cell_is_worded_in_both_languages() -> None:
    (finding,) = applied(SERIAL, SERIAL_HEADER, _serial(Parte="A-9")).findings

    assert "/partTypeInformation/nameAtManufacturer" == finding.path
    assert (
        "“A-9” in “Parte” is not in the lookup table nombres\n"
        "  why: “nameAtManufacturer” is taken from that table\n"
        "  fix: add “A-9” to the table nombres, or correct the cell"
    ) == str(finding.text())
    assert "«A-9» en «Parte» no está en la tabla nombres" == finding.text("es").what


def test_identifiers_are_not_tidied_but_blanks_around_them_are_told() -> None:
    draft = applied(SERIAL, SERIAL_HEADER, _serial(Serie=" S-1"))

    assert draft.identity
    assert " S-1" == draft.identity.instance
    assert [("cell_blanks", 2, "Serie")] == told(draft)
    assert Severity.WARNING == draft.findings[0].severity


SITES = SERIAL.replace(
    "  partTypeInformation:\n",
    "    sites:\n      - catenaXsiteId: {column: Planta}\n"
    "        function: {constant: production}\n  partTypeInformation:\n",
)


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("BPNS00000000PUE1", [{"catenaXsiteId": "BPNS00000000PUE1", "function": "production"}]),
        ("", None),
    ],
)
def test_an_item_of_which_all_cells_are_empty_is_left_out(site: str, expected: object) -> None:
    draft = applied(SITES, (*SERIAL_HEADER, "Planta"), (*SERIAL_ROW, site))

    made = draft.payload["manufacturingInformation"]
    assert isinstance(made, dict)
    assert (expected, ()) == (made.get("sites"), draft.findings)


CLASSES = SERIAL.replace(
    "    customerPartId: {column: Cliente}\nlookups",
    "    partClassification:\n"
    "      - classificationStandard: {column: Norma}\n"
    "        classificationID: {column: Clase}\nlookups",
)


def test_an_optional_object_with_some_cells_must_have_the_required_ones() -> None:
    header = (*SERIAL_HEADER, "Norma", "Clase")

    whole, none, half = (
        applied(CLASSES, header, (*SERIAL_ROW, *cells))
        for cells in (("ECLASS", "27"), ("", " "), ("ECLASS", ""))
    )

    assert ([], []) == (told(whole), told(none))
    assert [("cell_empty", 2, "Clase")] == told(half)


def test_a_default_keeps_an_optional_object() -> None:
    text = CLASSES.replace("{column: Norma}", "{column: Norma, default: ECLASS}")

    draft = applied(text, (*SERIAL_HEADER, "Norma", "Clase"), (*SERIAL_ROW, "", ""))

    assert [("cell_empty", 2, "Clase")] == told(draft)


def _line(**cells: str) -> tuple[str, ...]:
    given = {
        "Padre": "P-1",
        "Serie": "1",
        "Hija": "H-1",
        "Serie hija": "",
        "Lote": "L-1",
        "Id": "",
        "Cantidad": "1,5",
        "Unidad": "KG",
        "Fecha": "05/03/2026",
        "Fabricante": OWN,
    }
    return tuple({**given, **cells}[name] for name in BOM_HEADER)


def test_rows_of_one_parent_become_one_bill_of_materials() -> None:
    piece = _line(
        **{"Hija": "H-2", "Serie hija": "77", "Lote": "", "Cantidad": "1", "Unidad": "PZA"}
    )

    draft = applied(BOM, BOM_HEADER, _line(), piece)

    line = {"createdOn": "2026-03-05", "businessPartner": OWN, "hasAlternatives": False}
    assert [
        {"quantity": {"value": 1.5, "unit": "unit:kilogram"}, **line},
        {"quantity": {"value": 1, "unit": "unit:piece"}, **line},
    ] == draft.payload["childItems"]
    assert IdentityKey(TwinType.PART_INSTANCE, OWN, "P-1", "partInstanceId", "1") == draft.identity


def test_children_are_referred_to_by_the_key_that_their_row_fills() -> None:
    piece = _line(**{"Hija": "H-2", "Serie hija": "77", "Lote": ""})

    draft = applied(BOM, BOM_HEADER, _line(), piece)

    items = draft.payload["childItems"]
    assert isinstance(items, list)
    batch = IdentityKey(TwinType.PART_INSTANCE, OWN, "H-1", "batchId", "L-1")
    serial = IdentityKey(TwinType.PART_INSTANCE, OWN, "H-2", "partInstanceId", "77")
    assert (
        Slot(items[0], "catenaXId", batch, 2, "Lote"),
        Slot(items[1], "catenaXId", serial, 3, "Serie hija"),
        Slot(draft.payload, "catenaXId", None, 2, ""),
    ) == draft.slots


def test_a_child_with_an_id_of_its_source_needs_no_keys() -> None:
    draft = applied(BOM, BOM_HEADER, _line(Id=ASSET))

    items = draft.payload["childItems"]
    assert isinstance(items, list)
    assert (ASSET, [None]) == (items[0]["catenaXId"], [slot.identity for slot in draft.slots])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"Cantidad": "uno"}, ("cell_not_number", 3, "Cantidad")),
        ({"Unidad": "LB"}, ("cell_not_listed", 3, "Unidad")),
        ({"Hija": ""}, ("cell_empty", 3, "Hija")),
        ({"Lote": ""}, ("cell_empty", 3, "Serie hija, Lote")),
        ({"Fabricante": ""}, ("cell_empty", 3, "Fabricante")),
        ({"Id": "77"}, ("global_asset_id_malformed", 3, "Id")),
    ],
)
def test_a_mistake_in_a_line_names_the_row_of_that_line(
    cells: dict[str, str], expected: tuple[str, int, str]
) -> None:
    draft = applied(BOM, BOM_HEADER, _line(), _line(**cells))

    assert expected in told(draft)
    assert 1 == len(draft.findings)


def test_a_finding_in_an_item_points_to_its_index() -> None:
    draft = applied(BOM, BOM_HEADER, _line(), _line(Cantidad="uno"))

    assert "/childItems/1/quantity/value" == draft.findings[0].path


VANNED = "  partInstanceId: {column: Serie}\n  assetIds: {van: {column: VAN}}\n"
HEADED = BOM.replace("  partInstanceId: {column: Serie}\n", VANNED)


def test_rows_must_agree_on_what_stands_for_the_whole_record() -> None:
    header = (*BOM_HEADER, "VAN")

    draft = applied(HEADED, header, (*_line(), "V-1"), (*_line(), "V-1"), (*_line(), "V-2"))

    assert [("cell_rows_disagree", 4, "VAN")] == told(draft)
    assert {"first": "V-1", "row": "2"}.items() <= draft.findings[0].params.items()


def test_a_value_of_the_payload_leads_back_to_its_cell() -> None:
    serial, bom = compiled(SERIAL, SERIAL_HEADER), compiled(BOM, BOM_HEADER)

    places = [
        serial.origin("/manufacturingInformation/date", [7]),
        serial.origin("/localIdentifiers/1/value", [7]),
        serial.origin("/manufacturingInformation/country", [7]),
        serial.origin("/unknown", [7]),
        bom.origin("/childItems/1/quantity/value", [7, 8]),
        bom.origin("/childItems/1", [7, 8]),
        bom.origin("/childItems/9/quantity/value", [7, 8]),
        bom.origin("/childItems/1/quantity/value"),
    ]

    items = "Id, Hija"
    assert [
        Location(row=7, column="Fecha"),
        Location(row=7, column="Serie, VAN"),
        Location(row=7),
        Location(row=7),
        Location(row=8, column="Cantidad"),
        Location(row=8, column=places[5].column),
        Location(row=7, column="Cantidad"),
        Location(column="Cantidad"),
    ] == places
    assert all(name in (places[5].column or "") for name in items.split(", "))


def test_a_header_without_a_column_is_refused_with_the_likeliest_one() -> None:
    with pytest.raises(DataError) as refused:
        compiled(SERIAL, ("serie", "Parte", "Cliente", "Fecha", "VAN"))

    assert (
        "the source has no column: Serie\n"
        "  why: the mapping reads it; most like it is: serie\n"
        "  fix: correct the header in the source, or the column in the mapping; "
        "capitals and accents count"
    ) == str(refused.value)


def test_a_table_in_a_file_is_looked_up_like_a_written_one() -> None:
    text = SERIAL.replace("{A-1: Bomba, A-2: Eje}", "{file: n.csv, key: a, value: b}")

    mapping = compiled(text, SERIAL_HEADER, {"nombres": {"A-1": "Bomba de agua"}})

    part = mapping.apply([SERIAL_ROW], [2]).payload["partTypeInformation"]
    assert isinstance(part, dict)
    assert "Bomba de agua" == part["nameAtManufacturer"]


KINDS = SERIAL.replace("type: PartInstance", "type: {column: Clase, lookup: tipos}").replace(
    "lookups:\n", "lookups:\n  tipos: {I: PartInstance, T: PartType, X: Part}\n"
)


@pytest.mark.parametrize(
    ("kind", "serial", "expected"),
    [
        ("I", "S-1", IdentityKey(TwinType.PART_INSTANCE, OWN, "A-1", "partInstanceId", "S-1")),
        ("T", "S-1", IdentityKey(TwinType.PART_TYPE, OWN, "A-1")),
        ("T", "", IdentityKey(TwinType.PART_TYPE, OWN, "A-1")),
        ("I", "", None),
        ("X", "S-1", None),
        ("", "S-1", None),
    ],
)
def test_the_kind_of_twin_may_stand_in_the_row(
    kind: str, serial: str, expected: IdentityKey | None
) -> None:
    draft = applied(KINDS, (*SERIAL_HEADER, "Clase"), (*_serial(Serie=serial), kind))

    assert expected == draft.identity
    assert bool(draft.findings) is (expected is None)


GIVEN = SERIAL.replace("  assetIds:\n", "  id: {column: Id}\n  assetIds:\n")


@pytest.mark.parametrize(
    ("given", "expected", "codes"),
    [(ASSET, ASSET, []), ("", None, []), ("77", None, [("global_asset_id_malformed", 2, "Id")])],
)
def test_an_id_of_the_source_travels_with_the_draft(
    given: str, expected: str | None, codes: list[object]
) -> None:
    draft = applied(GIVEN, (*SERIAL_HEADER, "Id"), (*SERIAL_ROW, given))

    assert (expected, codes) == (draft.given_id, told(draft))
    assert draft.identity
