"""What a person at a plant reads when a payload does not satisfy its model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.schema import schema_of
from connector.aspect.validation import Validator
from connector.errors import Finding, SetupError
from connector.identifiers import SemanticId
from tests.unit.aspect.model_files import read_thing, thing

SERIAL_PART = SemanticId("urn:samm:io.catenax.serial_part:3.0.0#SerialPart")
BATTERY = SemanticId("urn:samm:io.catenax.traction_battery_code:2.0.0#TractionBatteryCode")
LIBRARY = ModelLibrary([shipped_folder()])


def part(**changes: object) -> dict[str, Any]:
    payload = {
        "catenaXId": "urn:uuid:7d1b7a52-8f6e-4f0e-9c57-1f6a1c9f1c11",
        "localIdentifiers": [{"key": "partInstanceId", "value": "P1-26-000417"}],
        "manufacturingInformation": {"date": "2026-03-17T06:12:09Z", "country": "MEX"},
        "partTypeInformation": {"manufacturerPartId": "8000-4711", "nameAtManufacturer": "Hub"},
    }
    return payload | changes


def of_part(**changes: object) -> list[Finding]:
    return LIBRARY.get(SERIAL_PART).findings(part(**changes))


def validator(root: Path, characteristic: str, more: str = "") -> Validator:
    model = read_thing(root, thing(characteristic, more))
    return Validator(schema_of(model), lambda: model)


def codes(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.code.removeprefix("aspect:value_"), finding.path) for finding in found]


def test_a_valid_payload_has_no_findings() -> None:
    assert (True, []) == (LIBRARY.get(SERIAL_PART).is_valid(part()), of_part())


def test_unknown_keys_are_accepted_as_published() -> None:
    assert [] == of_part(internalNote="x")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"catenaXId": None}, [("null", "/catenaXId")]),
        ({"catenaXId": 7}, [("no_text", "/catenaXId")]),
        ({"catenaXId": "P1"}, [("no_uuid", "/catenaXId")]),
        ({"catenaXId": ""}, [("empty", "/catenaXId")]),
        ({"localIdentifiers": {}}, [("no_list", "/localIdentifiers")]),
        ({"localIdentifiers": [3]}, [("no_object", "/localIdentifiers/0")]),
        (
            {"localIdentifiers": [{"key": "van", "value": "1"}] * 2},
            [("repeated", "/localIdentifiers")],
        ),
        (
            {"localIdentifiers": [{"key": "serial", "value": "1"}]},
            [("not_listed", "/localIdentifiers/0/key")],
        ),
        (
            {"localIdentifiers": [{}]},
            [("missing", "/localIdentifiers/0/key"), ("missing", "/localIdentifiers/0/value")],
        ),
        (
            {"manufacturingInformation": {"date": "17/03/2026"}},
            [("no_date_or_datetime", "/manufacturingInformation/date")],
        ),
        (
            {"manufacturingInformation": {"date": "2026-03-17T06:12:09"}},
            [("without_zone", "/manufacturingInformation/date")],
        ),
        (
            {"manufacturingInformation": {"date": "2026-03-17", "country": "Mexico"}},
            [("no_country", "/manufacturingInformation/country")],
        ),
        (
            {
                "manufacturingInformation": {
                    "date": "2026-03-17",
                    "sites": [{"catenaXsiteId": "PUE", "function": "Fertigung"}],
                }
            },
            [
                ("no_bpns", "/manufacturingInformation/sites/0/catenaXsiteId"),
                ("not_listed", "/manufacturingInformation/sites/0/function"),
            ],
        ),
    ],
)
def test_each_mistake_is_found_once_where_it_lies(
    changes: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    assert expected == codes(of_part(**changes))


def test_what_is_missing_is_named_even_where_all_is() -> None:
    found = LIBRARY.get(SERIAL_PART).findings({})

    assert [
        ("missing", "/catenaXId"),
        ("missing", "/localIdentifiers"),
        ("missing", "/manufacturingInformation"),
        ("missing", "/partTypeInformation"),
    ] == codes(found)


@pytest.mark.parametrize("payload", [None, 3, "text", [], True])
def test_a_payload_that_is_no_object_is_one_finding(payload: object) -> None:
    found = LIBRARY.get(SERIAL_PART).findings(payload)

    assert 1 == len(found)
    assert "payload" == found[0].params["name"]


def test_a_missing_zone_is_explained_in_both_languages() -> None:
    (found,) = of_part(manufacturingInformation={"date": "2026-03-17T06:12:09"})

    assert """manufacturingInformation.date is "2026-03-17T06:12:09", which lacks the time zone
  why: without a zone nobody abroad knows which moment is meant
  fix: name the time zone of the source in the mapping; in UTC it would read 2026-03-17T06:12:09Z\
""" == str(found.text("en"))
    assert "indique en el mapeo la zona horaria del origen" in found.text("es").fix


def test_three_capitals_are_a_country_only_where_the_property_says_so(tmp_path: Path) -> None:
    body = """
        :Thing a samm:Aspect ; samm:properties ( :currency :originCountry ) .
        :currency a samm:Property ; samm:characteristic :C ; samm:exampleValue "MXN" .
        :originCountry a samm:Property ; samm:characteristic :C .
        """
    model = read_thing(tmp_path, body + _pattern("^[A-Z]{3}$"))

    found = Validator(schema_of(model), lambda: model).findings(
        {"currency": "peso", "originCountry": "Mexico"}
    )

    assert [("pattern_example", "/currency"), ("no_country", "/originCountry")] == codes(found)


def test_a_word_outside_a_list_names_the_words_of_the_list() -> None:
    (found,) = of_part(localIdentifiers=[{"key": "serial", "value": "1"}])

    assert "manufacturerId, partInstanceId, batchId, van, customKey:…" == found.params["allowed"]


def test_a_long_list_of_words_is_cut(tmp_path: Path) -> None:
    words = " ".join(f'"word{n}"' for n in range(40))
    judge = validator(
        tmp_path,
        f"[ a samm-c:Enumeration ; samm:dataType xsd:string ; samm-c:values ( {words} ) ]",
    )

    (found,) = judge.findings({"value": "x"})

    assert str(found.params["allowed"]).endswith("word11, … (+28)")


def test_a_long_value_is_cut() -> None:
    (found,) = of_part(catenaXId="x" * 10_000)

    assert len(str(found.params["value"])) <= 61


def test_no_finding_shows_a_regular_expression_where_the_form_has_a_name() -> None:
    found = of_part(
        catenaXId="x",
        manufacturingInformation={"date": "x", "country": "x"},
        localIdentifiers=[{"key": "x", "value": ""}],
    )

    assert 4 == len(found)
    assert [] == [f for f in found if "pattern" in f.params]


def test_a_form_without_a_name_is_shown_by_the_example_of_the_model() -> None:
    payload = {"tractionBatteryCode": "x", "productType": "pack"}

    (found,) = LIBRARY.get(BATTERY).findings(payload)

    assert "write it like PUEPB010000471R350000012" == found.text("en").fix


@pytest.mark.parametrize(
    ("datatype", "constraint", "value", "expected"),
    [
        ("xsd:decimal", 'RangeConstraint ; samm-c:minValue "1"^^xsd:decimal', 0, "under"),
        ("xsd:decimal", 'RangeConstraint ; samm-c:maxValue "1"^^xsd:decimal', 2, "over"),
        (
            "xsd:decimal",
            """RangeConstraint ; samm-c:minValue "1"^^xsd:decimal ;
            samm-c:lowerBoundDefinition samm-c:GREATER_THAN""",
            1,
            "not_over",
        ),
        (
            "xsd:decimal",
            """RangeConstraint ; samm-c:maxValue "1"^^xsd:decimal ;
            samm-c:upperBoundDefinition samm-c:LESS_THAN""",
            1,
            "not_under",
        ),
        ("xsd:string", "LengthConstraint ; samm-c:minValue 2", "a", "too_short"),
        ("xsd:string", "LengthConstraint ; samm-c:minValue 1", "", "empty"),
        ("xsd:string", "LengthConstraint ; samm-c:maxValue 2", "abc", "too_long"),
        ("xsd:decimal", "FixedPointConstraint ; samm-c:scale 2", "1.5", "no_number"),
        ("xsd:boolean", "FixedPointConstraint ; samm-c:scale 2", "true", "no_boolean"),
    ],
)
def test_a_broken_constraint_is_worded(
    tmp_path: Path, datatype: str, constraint: str, value: object, expected: str
) -> None:
    trait = f""":C a samm-c:Trait ; samm-c:baseCharacteristic :B ;
        samm-c:constraint [ a samm-c:{constraint} ] .
        :B a samm:Characteristic ; samm:dataType {datatype} ."""

    found = validator(tmp_path, ":C", trait).findings({"value": value})

    assert [(expected, "/value")] == codes(found)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, [("either", "/value")]),
        ({"left": "a", "right": True}, [("either", "/value")]),
        ({"left": "a", "middle": 1}, [("unknown", "/value")]),
        ({"left": 3}, [("no_text", "/value/left")]),
    ],
)
def test_an_either_is_explained(
    tmp_path: Path, value: object, expected: list[tuple[str, str]]
) -> None:
    choice = ":C a samm-c:Either ; samm-c:left samm-c:Text ; samm-c:right samm-c:Boolean ."

    assert expected == codes(validator(tmp_path, ":C", choice).findings({"value": value}))


def test_lists_of_a_wrong_length_are_explained(tmp_path: Path) -> None:
    body = """:C a samm-c:Trait ; samm-c:constraint [ a samm-c:LengthConstraint ;
            samm-c:minValue 1 ; samm-c:maxValue 2 ] ;
        samm-c:baseCharacteristic [ a samm-c:List ; samm:dataType xsd:string ] ."""
    judge = validator(tmp_path, ":C", body)

    assert [("too_few", "/value")] == codes(judge.findings({"value": []}))
    assert [("too_many", "/value")] == codes(judge.findings({"value": ["a"] * 3}))


def test_what_json_does_not_know_is_refused() -> None:
    judge = LIBRARY.get(SERIAL_PART)

    assert [False, False] == [judge.is_valid(part(catenaXId=float("nan"))), judge.is_valid({1: 2})]
    assert ["aspect:value_no_json"] == [f.code for f in judge.findings(part() | {3: "x"})]


def test_findings_are_bounded() -> None:
    found = of_part(localIdentifiers=[{"key": "x", "value": n} for n in range(500)])

    assert 100 == len(found)


def test_a_payload_nested_beyond_explanation_is_one_finding() -> None:
    payload: dict[str, object] = {"tractionBatteryCode": "x", "productType": "pack"}
    for _ in range(900):
        code = "PUEPB010000471R350000012"
        payload = {
            "tractionBatteryCode": code,
            "productType": "pack",
            "subcomponents": [payload],
        }

    assert ["aspect:value_too_deep"] == [f.code for f in LIBRARY.get(BATTERY).findings(payload)]


def test_a_pattern_beyond_ecma_262_still_counts(tmp_path: Path) -> None:
    judge = validator(tmp_path, ":C", _pattern("(?i)^abc$"))

    assert [True, False] == [judge.is_valid({"value": text}) for text in ("ABC", "x")]


def test_a_pattern_that_is_none_is_said_to_be_broken(tmp_path: Path) -> None:
    judge = validator(tmp_path, ":C", _pattern("^(abc$"))

    with pytest.raises(SetupError) as caught:
        judge.is_valid({"value": "abc"})

    assert "aspect:schema_pattern_broken" == caught.value.code


def _pattern(pattern: str) -> str:
    return f""":C a samm-c:Trait ; samm-c:baseCharacteristic samm-c:Text ;
        samm-c:constraint [ a samm-c:RegularExpressionConstraint ; samm:value "{pattern}" ] ."""
