"""What whoever follows a new version of a model is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.aspect.difference import Change, Difference, differences
from connector.aspect.library import ModelLibrary, shipped_folder
from connector.identifiers import SemanticId
from tests.unit.aspect.model_files import read_thing, thing

LIBRARY = ModelLibrary([shipped_folder()])


def between(root: Path, old: str, new: str) -> list[tuple[str, str, str, str]]:
    found = differences(read_thing(root / "old", old), read_thing(root / "new", new))
    return [(d.change.value, d.path, d.before, d.after) for d in found]


def aspect(*properties: str, more: str = "") -> str:
    """Return an aspect whose properties are texts; a ``?`` behind one makes it optional."""
    used = " ".join(
        f"[ samm:property :{p[:-1]} ; samm:optional true ]" if p.endswith("?") else f":{p}"
        for p in properties
    )
    declared = "\n".join(
        f":{p.rstrip('?')} a samm:Property ; samm:characteristic samm-c:Text ." for p in properties
    )
    return f":Thing a samm:Aspect ; samm:properties ( {used} ) .\n{declared}\n{more}"


def test_a_version_beside_itself_shows_no_difference() -> None:
    assert [] == [
        semantic_id
        for semantic_id in LIBRARY.list()
        if differences(LIBRARY.get(semantic_id).model, LIBRARY.get(semantic_id).model)
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (("a",), ("a", "zeta"), ("added_required", "zeta", "", "xsd:string")),
        (("a",), ("a", "zeta?"), ("added_optional", "zeta", "", "xsd:string")),
        (("a", "zeta"), ("a",), ("removed", "zeta", "xsd:string", "")),
        (("a?",), ("a",), ("now_required", "a", "", "")),
        (("a",), ("a?",), ("now_optional", "a", "", "")),
        (("catenaXsiteId",), ("siteId",), ("renamed", "siteId", "catenaXsiteId", "siteId")),
    ],
)
def test_what_comes_goes_or_turns_is_told(
    tmp_path: Path, old: tuple[str, ...], new: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert [expected] == between(tmp_path, aspect(*old), aspect(*new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "samm:Characteristic ; samm:dataType xsd:string",
            "samm:Characteristic ; samm:dataType xsd:decimal",
            [("type", "value", "xsd:string", "xsd:decimal")],
        ),
        (
            "samm:Characteristic ; samm:dataType xsd:string",
            "samm-c:List ; samm:dataType xsd:string",
            [("type", "value", "xsd:string", "list of xsd:string")],
        ),
        (
            'samm-c:Enumeration ; samm:dataType xsd:string ; samm-c:values ( "a" "b" )',
            'samm-c:Enumeration ; samm:dataType xsd:string ; samm-c:values ( "b" "c" )',
            [("values_removed", "value", "a", "b, c"), ("values_added", "value", "", "c")],
        ),
        (
            "samm-c:Quantifiable ; samm:dataType xsd:decimal ; samm-c:unit unit:gram",
            "samm-c:Quantifiable ; samm:dataType xsd:decimal ; samm-c:unit unit:kilogram",
            [("unit", "value", "unit:gram", "unit:kilogram")],
        ),
        (
            """samm-c:Trait ; samm-c:baseCharacteristic samm-c:Text ; samm-c:constraint
            [ a samm-c:RegularExpressionConstraint ; samm:value "^a$" ]""",
            """samm-c:Trait ; samm-c:baseCharacteristic samm-c:Text ; samm-c:constraint
            [ a samm-c:LengthConstraint ; samm-c:maxValue "9"^^xsd:nonNegativeInteger ]""",
            [("pattern", "value", "^a$", ""), ("limits", "value", "", "length […, 9]")],
        ),
    ],
)
def test_what_a_value_demands_is_compared(
    tmp_path: Path, old: str, new: str, expected: list[tuple[str, ...]]
) -> None:
    assert expected == between(tmp_path, thing(f"[ a {old} ]"), thing(f"[ a {new} ]"))


def test_what_stands_elsewhere_now_has_moved(tmp_path: Path) -> None:
    inner = """
        :Thing a samm:Aspect ; samm:properties ( :a :box {} ) .
        :a a samm:Property ; samm:characteristic samm-c:Text .
        :weight a samm:Property ; samm:characteristic samm-c:Text .
        :box a samm:Property ; samm:characteristic [
            a samm-c:SingleEntity ; samm:dataType :Box ] .
        :Box a samm:Entity ; samm:properties ( :a {} ) ."""

    found = between(tmp_path, inner.format(":weight", ""), inner.format("", ":weight"))

    assert [("moved", "box.weight", "weight", "")] == found


def test_a_recursive_model_is_compared_once_at_each_place(tmp_path: Path) -> None:
    tree = """
        :Thing a samm:Aspect ; samm:properties ( :children ) .
        :children a samm:Property ; samm:characteristic [ a samm-c:List ; samm:dataType :E ] .
        :E a samm:Entity ; samm:properties (
            [ samm:property :children ; samm:optional true ] {} ) .
        :name a samm:Property ; samm:characteristic samm-c:Text ."""

    found = between(tmp_path, tree.format(""), tree.format(":name"))

    assert [("added_required", "children[].name", "", "xsd:string")] == found


def test_serial_part_four_names_the_asset_and_the_date_anew() -> None:
    old, new = (
        LIBRARY.get(SemanticId(f"urn:samm:io.catenax.serial_part:{v}.0.0#SerialPart")).model
        for v in (3, 4)
    )

    found = {(d.change, d.path): d for d in differences(old, new)}

    assert {
        (Change.ADDED_REQUIRED, "globalAssetId"),
        (Change.REMOVED, "catenaXId"),
        (Change.ADDED_REQUIRED, "manufacturingInformation.productionDate"),
    } <= found.keys()


@pytest.mark.parametrize("change", Change)
def test_a_change_breaks_unless_every_old_payload_stays_good(change: Change) -> None:
    harmless = {"added_optional", "now_optional", "values_added", "unit"}

    assert (change.value not in harmless) == Difference(change, "a").breaks
