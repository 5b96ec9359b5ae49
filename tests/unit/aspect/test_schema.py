"""The rules from SAMM to JSON Schema, also those that no published model exercises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from connector.aspect.schema import schema_of
from tests.unit.aspect.model_files import read_thing, thing

REF = "#/components/schemas/"
LONG = 2**63
ZONED = r"(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"


def schema(root: Path, body: str) -> dict[str, Any]:
    made: dict[str, Any] = schema_of(read_thing(root, body))
    jsonschema.Draft4Validator.check_schema(made)
    return made


def definition(root: Path, characteristic: str, more: str = "", name: str = "C") -> dict[str, Any]:
    """Return the definition of a characteristic without its names."""
    found = schema(root, thing(characteristic, more))["components"]["schemas"][name]
    return {k: v for k, v in found.items() if k not in {"x-samm-aspect-model-urn", "description"}}


@pytest.mark.parametrize(
    ("datatype", "expected"),
    [
        ("xsd:string", {"type": "string"}),
        ("xsd:boolean", {"type": "boolean"}),
        ("xsd:decimal", {"type": "number"}),
        ("xsd:integer", {"type": "number"}),
        ("xsd:float", {"type": "number"}),
        ("xsd:double", {"type": "number"}),
        ("xsd:byte", {"type": "number", "minimum": -128, "maximum": 127}),
        ("xsd:short", {"type": "number", "minimum": -32768, "maximum": 32767}),
        ("xsd:int", {"type": "number", "minimum": -(2**31), "maximum": 2**31 - 1}),
        ("xsd:long", {"type": "number", "minimum": -LONG, "maximum": LONG - 1}),
        ("xsd:unsignedByte", {"type": "number", "minimum": 0, "maximum": 255}),
        ("xsd:unsignedShort", {"type": "number", "minimum": 0, "maximum": 65535}),
        ("xsd:unsignedInt", {"type": "number", "minimum": 0, "maximum": 2**32 - 1}),
        ("xsd:unsignedLong", {"type": "number", "minimum": 0, "maximum": 2 * LONG - 1}),
        ("xsd:positiveInteger", {"type": "number", "minimum": 1}),
        ("xsd:nonNegativeInteger", {"type": "number", "minimum": 0}),
        ("xsd:negativeInteger", {"type": "number", "maximum": -1}),
        ("xsd:nonPositiveInteger", {"type": "number", "maximum": 0}),
        ("xsd:date", {"type": "string", "format": "date"}),
        ("xsd:time", {"type": "string", "format": "time"}),
        ("xsd:dateTimeStamp", {"type": "string", "format": "date-time"}),
        ("xsd:duration", {"type": "string", "format": "duration"}),
        ("xsd:anyURI", {"type": "string", "format": "uri"}),
        ("xsd:gYear", {"type": "string", "pattern": f"-?([1-9][0-9]{{3,}}|0[0-9]{{3}}){ZONED}"}),
        ("xsd:gMonth", {"type": "string", "pattern": f"--(0[1-9]|1[0-2]){ZONED}"}),
        ("xsd:gDay", {"type": "string", "pattern": f"---(0[1-9]|[12][0-9]|3[01]){ZONED}"}),
        ("xsd:gMonthDay", {"type": "string"}),
        ("xsd:yearMonthDuration", {"type": "string", "pattern": "-?P[0-9]+(Y([0-9]+M)?|M)"}),
        ("xsd:dayTimeDuration", {"type": "string", "pattern": "[^YM]*[DT].*"}),
        ("xsd:hexBinary", {"type": "string", "pattern": "([0-9a-fA-F])([0-9a-fA-F])*"}),
        ("xsd:base64Binary", {"type": "string"}),
        ("samm:curie", {"type": "string", "pattern": "[a-zA-Z]*:[a-zA-Z]+"}),
        ("rdf:langString", {"type": "object"}),
    ],
)
def test_a_datatype_demands(tmp_path: Path, datatype: str, expected: dict[str, object]) -> None:
    body = f":C a samm:Characteristic ; samm:dataType {datatype} ."

    assert expected == definition(tmp_path, ":C", body)


@pytest.mark.parametrize("kind", ["Code", "Quantifiable", "Measurement", "Duration"])
def test_a_plain_characteristic_is_its_datatype(tmp_path: Path, kind: str) -> None:
    body = f":C a samm-c:{kind} ; samm:dataType xsd:float ; samm-c:unit unit:metre ."

    assert {"type": "number"} == definition(tmp_path, ":C", body)


def test_a_structured_value_is_its_datatype(tmp_path: Path) -> None:
    body = """:C a samm-c:StructuredValue ; samm:dataType xsd:date ;
        samm-c:deconstructionRule "(.*)" ; samm-c:elements ( ) ."""

    assert {"type": "string", "format": "date"} == definition(tmp_path, ":C", body)


def test_root_and_properties_bear_urn_description_and_draft(tmp_path: Path) -> None:
    body = (
        thing("samm-c:Text")
        + ':value samm:description "What."@en . :Thing samm:description "T"@en .'
    )

    made = schema(tmp_path, body)

    assert "http://json-schema.org/draft-04/schema" == made["$schema"]
    assert ("urn:samm:org.example.thing:1.0.0#Thing", "T") == (
        made["x-samm-aspect-model-urn"],
        made["description"],
    )
    assert {
        "value": {
            "description": "What.",
            "x-samm-aspect-model-urn": "urn:samm:org.example.thing:1.0.0#value",
            "$ref": f"{REF}Text",
        }
    } == made["properties"]
    assert ["value"] == made["required"]


def test_an_aspect_without_properties_has_neither_definitions_nor_required(tmp_path: Path) -> None:
    made = schema(tmp_path, ":Thing a samm:Aspect ; samm:properties ( ) .")

    assert set() == {"components", "required"} & made.keys()


def test_what_is_optional_abstract_or_not_in_the_payload_is_not_required(tmp_path: Path) -> None:
    made = schema(
        tmp_path,
        """
        :Thing a samm:Aspect ; samm:properties (
            [ samm:property :a ; samm:optional true ]
            [ samm:property :b ; samm:notInPayload true ] :c :d ) .
        :a a samm:Property ; samm:characteristic samm-c:Text .
        :b a samm:Property ; samm:characteristic samm-c:Text .
        :c a samm:AbstractProperty .
        :d a samm:Property ; samm:characteristic samm-c:Text .
        """,
    )

    assert (["a", "d"], ["d"]) == (list(made["properties"]), made["required"])


@pytest.mark.parametrize(
    ("kind", "unique"),
    [("Collection", False), ("List", False), ("Set", True), ("SortedSet", True)],
)
def test_a_collection_is_an_array(tmp_path: Path, kind: str, unique: bool) -> None:
    body = f":C a samm-c:{kind} ; samm:dataType xsd:date ."
    expected = {"type": "array", "items": {"type": "string", "format": "date"}}

    assert expected | ({"uniqueItems": True} if unique else {}) == definition(tmp_path, ":C", body)


def test_an_element_characteristic_stands_in_the_items_with_its_constraints(
    tmp_path: Path,
) -> None:
    body = """
        :C a samm-c:List ; samm-c:elementCharacteristic :Short .
        :Short a samm-c:Trait ; samm-c:baseCharacteristic samm-c:Text ;
            samm-c:constraint [ a samm-c:LengthConstraint ;
                samm-c:maxValue "9"^^xsd:nonNegativeInteger ] ."""

    items = definition(tmp_path, ":C", body)["items"]

    assert ("string", 9) == (items["type"], items["maxLength"])


def test_a_list_of_entities_refers_to_the_entity(tmp_path: Path) -> None:
    body = ":C a samm-c:List ; samm:dataType :E . :E a samm:Entity ; samm:properties ( ) ."

    assert {"$ref": f"{REF}E"} == definition(tmp_path, ":C", body)["items"]


def test_a_single_entity_refers_and_a_plain_characteristic_holds_its_entity(
    tmp_path: Path,
) -> None:
    entity = ":E a samm:Entity ; samm:properties ( :p ) ."
    p = ":p a samm:Property ; samm:characteristic samm-c:Text ."
    single = definition(
        tmp_path, ":C", f":C a samm-c:SingleEntity ; samm:dataType :E . {entity} {p}"
    )
    plain = definition(
        tmp_path, ":C", f":C a samm:Characteristic ; samm:dataType :E . {entity} {p}"
    )

    assert {"type": "object", "allOf": [{"$ref": f"{REF}E"}]} == single
    assert ("object", ["p"], ["p"]) == (
        plain["type"],
        list(plain["properties"]),
        plain["required"],
    )


def test_an_entity_that_extends_holds_its_own_and_refers_to_the_other(tmp_path: Path) -> None:
    made = schema(
        tmp_path,
        thing(
            ":C",
            """
            :C a samm-c:SingleEntity ; samm:dataType :Car .
            :Vehicle a samm:AbstractEntity ; samm:properties ( :wheels ) .
            :Car a samm:Entity ; samm:extends :Vehicle ; samm:properties ( :doors ) .
            :Bike a samm:Entity ; samm:extends :Vehicle ; samm:properties ( ) .
            :wheels a samm:Property ; samm:characteristic samm-c:Text .
            :doors a samm:Property ; samm:characteristic samm-c:Text .
            """,
        ),
    )["components"]["schemas"]

    assert [{"$ref": f"{REF}Vehicle"}] == made["Car"]["allOf"]
    assert (["doors"], ["wheels"]) == (made["Car"]["required"], made["Vehicle"]["required"])
    assert "Bike" in made


@pytest.mark.parametrize(
    ("datatype", "values", "expected"),
    [
        ("xsd:string", '"b" "a" "b"', ["b", "a", "b"]),
        ("xsd:integer", '"2"^^xsd:integer 7', [2, 7]),
        ("xsd:decimal", '"1.50"^^xsd:decimal', [1.5]),
        ("xsd:boolean", 'true "false"^^xsd:boolean', [True, False]),
        ("xsd:float", '"2147483647"^^xsd:float "0.1"^^xsd:float', [2147483600, 0.1]),
        ("samm:curie", 'unit:metre "unit:inch"^^samm:curie', ["unit:metre", "unit:inch"]),
        ("rdf:langString", '"Tuerca"@es "Nut"@en', [{"es": "Tuerca"}, {"en": "Nut"}]),
    ],
)
def test_an_enumeration_lists_its_values(
    tmp_path: Path, datatype: str, values: str, expected: list[object]
) -> None:
    kind = "State" if datatype == "xsd:string" else "Enumeration"
    body = f":C a samm-c:{kind} ; samm:dataType {datatype} ; samm-c:values ( {values} ) ."

    found = definition(tmp_path, ":C", body)["enum"]

    assert list(map(repr, expected)) == list(map(repr, found))


def test_an_enumeration_of_entity_instances_fixes_what_they_assert(tmp_path: Path) -> None:
    made = schema(
        tmp_path,
        thing(
            ":C",
            """
            :C a samm-c:Enumeration ; samm:dataType :Level ;
                samm-c:values ( :Low :High :Nothing ) .
            :Level a samm:Entity ; samm:properties ( :code
                [ samm:property :names ; samm:optional true ]
                [ samm:property :inner ; samm:optional true ]
                [ samm:property :hidden ; samm:notInPayload true ] ) .
            :Detail a samm:Entity ; samm:properties ( :code ) .
            :code a samm:Property ; samm:characteristic :Number .
            :hidden a samm:Property ; samm:characteristic :Number .
            :names a samm:Property ; samm:characteristic [
                a samm-c:List ; samm:dataType xsd:string ] .
            :inner a samm:Property ; samm:characteristic [
                a samm-c:SingleEntity ; samm:dataType :Detail ] .
            :Number a samm:Characteristic ; samm:dataType xsd:integer .
            :Low a :Level ; :code 1 ; :hidden 9 .
            :High a :Level ; :code 2 ; :names ( "high" "alto" ) ; :inner [ a :Detail ; :code 3 ] .
            :Nothing a :Level .
            """,
        ),
    )["components"]["schemas"]
    two, three = ({"type": "number", "enum": [n]} for n in (2, 3))
    words = {"type": "string", "enum": ["high", "alto"]}

    assert [{"$ref": f"{REF}Low"}, {"$ref": f"{REF}High"}] == made["C"]["oneOf"]
    assert {
        "type": "object",
        "properties": {"code": {"type": "number", "enum": [1]}},
        "required": ["code"],
    } == made["Low"]
    assert {
        "code": two,
        "names": {"type": "array", "minItems": 2, "maxItems": 2, "items": words},
        "inner": {"type": "object", "properties": {"code": three}, "required": ["code"]},
    } == made["High"]["properties"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (':own "a" ; :old "b"', [({"own": "a"}, ["own"])]),
        (':old "b"', [({}, None)]),
        (':hidden "c"', [({}, None)]),
        ("samm:see <urn:example>", None),
    ],
)
def test_an_instance_is_bound_by_what_it_states_of_its_own_properties(
    tmp_path: Path, statement: str, expected: list[object] | None
) -> None:
    text = "a samm:Property ; samm:characteristic samm-c:Text"
    made = schema(
        tmp_path,
        thing(
            ":C",
            f"""
            :C a samm-c:Enumeration ; samm:dataType :E ; samm-c:values ( :I ) .
            :E a samm:Entity ; samm:extends :Parent ; samm:properties (
                :own [ samm:property :hidden ; samm:notInPayload true ] ) .
            :Parent a samm:Entity ; samm:properties ( :old ) .
            :own {text} . :old {text} . :hidden {text} .
            :I a :E ; {statement} .
            """,
        ),
    )["components"]["schemas"]
    options = [made["I"] for _ in made["C"].get("oneOf", ())]

    assert (expected or []) == [
        ({name: p["enum"][0] for name, p in o["properties"].items()}, o.get("required"))
        for o in options
    ]


def test_an_either_allows_one_side_and_nothing_else(tmp_path: Path) -> None:
    body = ":C a samm-c:Either ; samm-c:left samm-c:Text ; samm-c:right samm-c:Boolean ."

    found = definition(tmp_path, ":C", body)

    assert "type" not in found
    assert False is found["additionalProperties"]
    assert ["string", "boolean"] == [found["properties"][s]["type"] for s in ("left", "right")]
    assert [{"required": ["left"]}, {"required": ["right"]}] == found["oneOf"]


@pytest.mark.parametrize(
    ("datatype", "constraint", "expected"),
    [
        ("xsd:string", r'RegularExpressionConstraint ; samm:value "^\\d$"', {"pattern": r"^\d$"}),
        (
            "xsd:string",
            'LengthConstraint ; samm-c:minValue "1"^^xsd:nonNegativeInteger',
            {"minLength": 1},
        ),
        (
            "xsd:decimal",
            """RangeConstraint ; samm-c:minValue "0"^^xsd:decimal ;
            samm-c:lowerBoundDefinition samm-c:GREATER_THAN""",
            {"minimum": 0, "exclusiveMinimum": True},
        ),
        (
            "xsd:int",
            'RangeConstraint ; samm-c:maxValue "5"^^xsd:int',
            {"minimum": -(2**31), "maximum": 5, "exclusiveMaximum": False},
        ),
        (
            "xsd:float",
            'RangeConstraint ; samm-c:maxValue "2147483647"^^xsd:float',
            {"maximum": 2147483600, "exclusiveMaximum": False},
        ),
        (
            "xsd:date",
            'RangeConstraint ; samm-c:minValue "2026-01-01"^^xsd:date',
            {"format": "date"},
        ),
        ("xsd:decimal", "FixedPointConstraint ; samm-c:scale 2", {}),
        ("xsd:string", 'LanguageConstraint ; samm-c:languageCode "de"', {}),
        ("xsd:string", 'LocaleConstraint ; samm-c:localeCode "de-DE"', {}),
        ("xsd:string", "EncodingConstraint ; samm:value samm:UTF-8", {}),
    ],
)
def test_a_constraint_demands(
    tmp_path: Path, datatype: str, constraint: str, expected: dict[str, object]
) -> None:
    body = f""":C a samm-c:Trait ; samm-c:baseCharacteristic :B ;
        samm-c:constraint [ a samm-c:{constraint} ] .
        :B a samm:Characteristic ; samm:dataType {datatype} ."""

    found = definition(tmp_path, ":C", body)
    found.pop("type")

    assert expected == found


def test_a_length_of_a_list_counts_its_items(tmp_path: Path) -> None:
    body = """:C a samm-c:Trait ; samm-c:baseCharacteristic [
            a samm-c:List ; samm:dataType xsd:string ] ;
        samm-c:constraint [ a samm-c:LengthConstraint ;
            samm-c:minValue "1"^^xsd:nonNegativeInteger ;
            samm-c:maxValue "3"^^xsd:nonNegativeInteger ] ."""

    found = definition(tmp_path, ":C", body)

    assert (1, 3) == (found["minItems"], found["maxItems"])


def test_of_two_constraints_of_one_kind_the_last_wins(tmp_path: Path) -> None:
    body = """:C a samm-c:Trait ; samm-c:baseCharacteristic samm-c:Text ; samm-c:constraint
        [ a samm-c:RegularExpressionConstraint ; samm:value "a" ] ,
        [ a samm-c:RegularExpressionConstraint ; samm:value "b" ] ."""

    assert "b" == definition(tmp_path, ":C", body)["pattern"]


def test_a_trait_is_described_by_its_last_description(tmp_path: Path) -> None:
    body = """:C a samm-c:Trait ; samm:description "trait"@en ; samm-c:baseCharacteristic :B ;
        samm-c:constraint [ a samm-c:RangeConstraint ; samm:description "limit"@en ] .
        :B a samm:Characteristic ; samm:description "base"@en ; samm:dataType xsd:decimal ."""

    found = schema(tmp_path, thing(":C", body))["components"]["schemas"]["C"]

    assert ("limit", "urn:samm:org.example.thing:1.0.0#C") == (
        found["description"],
        found["x-samm-aspect-model-urn"],
    )


def test_elements_of_one_name_are_told_apart_by_a_number(tmp_path: Path) -> None:
    body = """
        :Text a samm-c:List ; samm:dataType :E .
        :E a samm:Entity ; samm:properties ( :p ) .
        :p a samm:Property ; samm:characteristic samm-c:Text ."""

    made = schema(tmp_path, thing(":Text", body))["components"]["schemas"]

    assert ({"Text", "E", "Text0"}, "array", "string") == (
        made.keys(),
        made["Text"]["type"],
        made["Text0"]["type"],
    )


def test_an_anonymous_characteristic_is_named_after_its_property(tmp_path: Path) -> None:
    body = thing("[ a samm:Characteristic ; samm:dataType xsd:date ]")

    made = schema(tmp_path, body)

    assert {"ValueCharacteristic"} == made["components"]["schemas"].keys()


def test_predefined_entities_are_known(tmp_path: Path) -> None:
    body = """
        :C a samm-c:TimeSeries ; samm:dataType :Reading .
        :Reading a samm:Entity ; samm:extends samm-e:TimeSeriesEntity ; samm:properties (
            [ samm:extends samm-e:value ; samm:characteristic samm-c:Boolean ] :file ) .
        :file a samm:Property ; samm:characteristic [
            a samm-c:SingleEntity ; samm:dataType samm-e:FileResource ] ."""

    made = schema(tmp_path, thing(":C", body))["components"]["schemas"]

    assert ["value", "file"] == made["Reading"]["required"]
    assert ["timestamp"] == made["TimeSeriesEntity"]["required"]
    assert ["resource", "mimeType"] == made["FileResource"]["required"]
