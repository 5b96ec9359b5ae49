"""What the strict profile demands beyond the official one, and how it grades a breach."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.aspect.explanation import draft_04
from connector.aspect.lexical import FORMATS, instant
from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.schema import schema_of
from connector.aspect.strict import strict_schema_of
from connector.aspect.validation import Profile, Validator
from connector.errors import Severity
from connector.identifiers import SemanticId
from connector.texts import LANGUAGES
from tests.unit.aspect.model_files import (
    Case,
    published_cases,
    published_folder,
    read_thing,
    thing,
)
from tests.unit.aspect.test_validation import SERIAL_PART, codes, part

LIBRARY = ModelLibrary([shipped_folder()])
PLAIN = ":C a samm:Characteristic ; samm:dataType {} ."
FIXED = "FixedPointConstraint ; samm-c:scale 2 ; samm-c:integer 3"
TRAIT = """:C a samm-c:Trait ; samm-c:baseCharacteristic :B ;
    samm-c:constraint [ a samm-c:{constraint} ] .
    :B a samm:Characteristic ; samm:dataType {datatype} ."""
LIST_TRAIT = """:C a samm-c:Trait ; samm-c:baseCharacteristic :B ;
    samm-c:constraint [ a samm-c:{constraint} ] .
    :B a samm-c:List ; samm:dataType {datatype} ."""


def both(root: Path, body: str) -> tuple[Validator, Validator]:
    """Return the official and the strict validator of a thing with one value."""
    model = read_thing(root, thing(":C", body))
    official = Validator(schema_of(model), lambda: model)
    return official, Validator(strict_schema_of(model), lambda: model, Profile.STRICT)


def judged(root: Path, body: str, value: object) -> tuple[bool, list[tuple[str, str]]]:
    """Return whether a value passes officially, and what the strict profile finds."""
    official, strict = both(root, body)
    payload = {"value": value}
    found = strict.findings(payload)
    assert strict.is_valid(payload) == (found == [])
    assert strict.is_valid(payload) == draft_04(strict.schema, strict=True).is_valid(payload)
    assert "<" not in "".join(str(f.text(lang)) for f in found for lang in LANGUAGES)
    return official.is_valid(payload), codes(found)


@pytest.mark.parametrize(
    ("datatype", "value", "code"),
    [
        ("xsd:integer", 1.5, "not_whole"),
        ("xsd:int", 1e-300, "not_whole"),
        ("xsd:positiveInteger", 2.25, "not_whole"),
        ("xsd:dateTime", "xx2026-01-01T00:00:00yy", "no_datetime"),
        ("xsd:dateTime", "2026-02-30T00:00:00Z", "no_such_day"),
        ("xsd:date", "2026-02-30", "no_date"),
        ("xsd:date", "17/03/2026", "no_date"),
        ("xsd:time", "06:12", "no_time"),
        ("xsd:dateTimeStamp", "2026-03-17T06:12:09", "no_datetime"),
        ("xsd:duration", "12 h", "no_duration"),
        ("xsd:anyURI", "no address", "no_uri"),
        ("xsd:base64Binary", "ñ", "no_base64"),
        ("xsd:gMonthDay", "--02-30", "no_such_day"),
        ("xsd:gYear", "in 2026", "pattern"),
        ("samm:curie", "about unit:piece", "no_unit"),
        ("xsd:hexBinary", "no hex", "pattern"),
        ("rdf:langString", {"en": 3}, "no_text"),
        ("rdf:langString", {"not a tag": "Nut"}, "no_language"),
        ("rdf:langString", {}, "empty"),
    ],
)
def test_a_value_that_is_officially_let_pass_is_found(
    tmp_path: Path, datatype: str, value: object, code: str
) -> None:
    path = "/value/en" if code == "no_text" else "/value"

    assert (True, [(code, path)]) == judged(tmp_path, PLAIN.format(datatype), value)


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        *(("xsd:integer", n) for n in (1, 1.0, -0.0, 2**70, 1e300)),
        ("xsd:decimal", 1.5),
        ("xsd:dateTime", "2026-03-17T06:12:09.5"),
        ("xsd:dateTime", "-0044-03-15T24:00:00Z"),
        ("xsd:date", "2024-02-29"),
        ("xsd:time", "06:12:09-06:00"),
        ("xsd:dateTimeStamp", "2026-03-17T06:12:09+14:00"),
        ("xsd:duration", "P1Y2M3DT4H5M6.5S"),
        ("xsd:anyURI", "urn:bpn:BPNL00000000PUE1"),
        ("xsd:anyURI", "https://example.com/a%20b?c#d"),
        ("xsd:base64Binary", "RXNsYWLDs24="),
        ("xsd:gMonthDay", "--02-29"),
        ("rdf:langString", {"en": "Nut", "es-MX": "Tuerca"}),
    ],
)
def test_a_value_that_the_model_means_passes(tmp_path: Path, datatype: str, value: object) -> None:
    assert (True, []) == judged(tmp_path, PLAIN.format(datatype), value)


@pytest.mark.parametrize(
    ("datatype", "constraint", "good", "bad", "code"),
    [
        (
            "xsd:string",
            'RegularExpressionConstraint ; samm:value "[A-Z]{2}"',
            "MX",
            "xMXx",
            "pattern",
        ),
        ("xsd:string", 'RegularExpressionConstraint ; samm:value "^a|b$"', "b", "ax", "pattern"),
        (
            "xsd:date",
            'RangeConstraint ; samm-c:minValue "2026-01-01"^^xsd:date',
            "2026-01-01",
            "2025-12-31",
            "too_early",
        ),
        (
            "xsd:dateTime",
            """RangeConstraint ; samm-c:maxValue "2026-01-01T00:00:00Z"^^xsd:dateTime ;
            samm-c:upperBoundDefinition samm-c:LESS_THAN""",
            "2026-01-01T00:59:59+01:00",
            "2025-12-31T23:00:00-01:00",
            "too_late",
        ),
        (
            "xsd:gYear",
            'RangeConstraint ; samm-c:minValue "1990"^^xsd:gYear',
            "1990",
            "1989",
            "too_early",
        ),
        ("xsd:decimal", FIXED, 999.25, 0.125, "decimals"),
        ("xsd:decimal", FIXED, -1.5, 1000, "digits"),
        ("xsd:string", "EncodingConstraint ; samm:value samm:US-ASCII", "nut", "niñez", "pattern"),
        ("xsd:string", "EncodingConstraint ; samm:value samm:UTF-8", "niñez", None, ""),
        (
            "rdf:langString",
            'LanguageConstraint ; samm-c:languageCode "de"',
            {"de": "Mutter", "de-AT": "Mutter"},
            {"en": "nut"},
            "no_language",
        ),
    ],
)
def test_a_constraint_holds_where_the_official_form_has_no_word_for_it(
    tmp_path: Path, datatype: str, constraint: str, good: object, bad: object, code: str
) -> None:
    body = TRAIT.format(datatype=datatype, constraint=constraint)

    assert (True, []) == judged(tmp_path, body, good)
    if code:
        assert (True, [(code, "/value")]) == judged(tmp_path, body, bad)


def test_a_constraint_on_a_list_holds_for_its_items(tmp_path: Path) -> None:
    constraint = 'RegularExpressionConstraint ; samm:value "^[A-Z]+$"'
    body = LIST_TRAIT.format(datatype="xsd:string", constraint=constraint)

    assert (True, [("pattern", "/value/1")]) == judged(tmp_path, body, ["A", "b"])


def test_of_two_patterns_both_hold(tmp_path: Path) -> None:
    body = """:C a samm-c:Trait ; samm-c:baseCharacteristic samm-c:Text ; samm-c:constraint
        [ a samm-c:RegularExpressionConstraint ; samm:value "^a.*$" ] ,
        [ a samm-c:RegularExpressionConstraint ; samm:value "^.*b$" ] ."""

    assert (True, []) == judged(tmp_path, body, "ab")
    assert (True, [("pattern", "/value")]) == judged(tmp_path, body, "xb")


def test_a_range_does_not_lift_the_bounds_of_its_type(tmp_path: Path) -> None:
    limit = 'RangeConstraint ; samm-c:maxValue "1000"^^xsd:byte'

    body = TRAIT.format(datatype="xsd:byte", constraint=limit)

    assert (True, [("over", "/value")]) == judged(tmp_path, body, 500)


def test_unknown_keys_and_empty_lists_are_warnings() -> None:
    found = LIBRARY.strict(SERIAL_PART).findings(
        part(manufacturerId="BPNL00000000PUE1", localIdentifiers=[])
    )

    assert {("unread", ""), ("list_empty", "/localIdentifiers")} == set(codes(found))
    assert {Severity.WARNING} == {finding.severity for finding in found}


def test_a_warning_does_not_hide_an_error_beside_it() -> None:
    found = LIBRARY.strict(SERIAL_PART).findings(
        {k: v for k, v in part(extra=1).items() if k != "catenaXId"}
    )

    assert [("missing", "/catenaXId"), ("unread", "")] == codes(found)
    assert [Severity.ERROR, Severity.WARNING] == [finding.severity for finding in found]


INHERITANCE = """
    :C a samm-c:SingleEntity ; samm:dataType :Car .
    :Vehicle a samm:AbstractEntity ; samm:properties ( :wheels ) .
    :Car a samm:Entity ; samm:extends :Vehicle ; samm:properties ( :doors ) .
    :wheels a samm:Property ; samm:characteristic samm-c:Text .
    :doors a samm:Property ; samm:characteristic samm-c:Text .
    """


def test_inherited_keys_are_known_and_required(tmp_path: Path) -> None:
    assert (True, []) == judged(tmp_path, INHERITANCE, {"wheels": "4", "doors": "5"})
    assert (True, [("unread", "/value")]) == judged(
        tmp_path, INHERITANCE, {"wheels": "4", "doors": "5", "wings": "2"}
    )
    assert (False, [("missing", "/value/wheels")]) == judged(tmp_path, INHERITANCE, {"doors": "5"})


def test_a_recursive_model_is_strict_at_every_depth(tmp_path: Path) -> None:
    body = """
        :C a samm:Characteristic ; samm:dataType :Node .
        :Node a samm:Entity ; samm:properties ( :name
            [ samm:property :children ; samm:optional true ] ) .
        :name a samm:Property ; samm:characteristic samm-c:Text .
        :children a samm:Property ; samm:characteristic [ a samm-c:List ; samm:dataType :Node ] .
        """
    payload = {"name": "a", "children": [{"name": "b", "children": [{"name": "c", "wings": 1}]}]}

    assert (True, [("unread", "/value/children/0/children/0")]) == judged(tmp_path, body, payload)


@pytest.mark.parametrize("case", published_cases())
def test_the_strict_profile_lets_nothing_pass_that_the_official_one_does_not(case: Case) -> None:
    folder = published_folder()
    assert folder is not None
    compiled = ModelLibrary([folder / "models"]).get(case.semantic_id)

    assert [] == [p for p, ok in case.mutants() if not ok and compiled.strict.is_valid(p)]
    assert compiled.is_valid(case.payload) or not compiled.strict.is_valid(case.payload)


@pytest.mark.parametrize("semantic_id", LIBRARY.list())
def test_every_shipped_model_has_a_strict_form(semantic_id: SemanticId) -> None:
    assert not LIBRARY.strict(semantic_id).is_valid({})


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026", "2026-01-02"),
        ("2026-03", "2026-03-17"),
        ("-0001-12-31", "0001-01-01"),
        ("2026-03-17T06:00:00+14:00", "2026-03-17T06:00:00Z"),
        ("2026-03-17T06:00:00Z", "2026-03-17T06:00:00.001Z"),
        ("2024-02-29", "2024-03-01"),
        ("12026-01-01", "12026-01-02"),
    ],
)
def test_moments_lie_on_one_scale(earlier: str, later: str) -> None:
    first, second = instant(earlier), instant(later)

    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize("text", ["", "x", "2026-13", "2026-02-30", "2026-01-01T24:00:01", "٢٠٢٦"])
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_moment_and_no_address_is_of_no_format(name: str, text: str) -> None:
    is_empty_binary = (name, text) == ("xsd:base64Binary", "")

    assert is_empty_binary is FORMATS[name](text)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("23:59:60Z", True),
        ("22:59:60-01:00", True),
        ("23:59:60-01:00", False),
        ("22:59:60Z", False),
        ("24:00:00Z", False),
    ],
)
def test_a_leap_second_ends_a_day_of_utc(text: str, is_one: bool) -> None:
    assert is_one is FORMATS["time"](text)
