"""Every model shows by an example what a payload looks like."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from connector.aspect.example import example_of
from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.pattern_samples import samples
from connector.aspect.patterns import matches
from connector.aspect.schema import schema_of
from connector.aspect.validation import Validator
from connector.errors import DataError
from connector.identifiers import SemanticId
from tests.unit.aspect.model_files import (
    Case,
    published_cases,
    published_folder,
    read_thing,
    thing,
)

LIBRARY = ModelLibrary([shipped_folder()])
SIZES = pytest.mark.parametrize("full", [False, True], ids=["minimal", "full"])


@SIZES
@pytest.mark.parametrize("semantic_id", LIBRARY.list())
def test_a_shipped_model_has_an_example_that_is_strictly_valid(
    semantic_id: SemanticId, full: bool
) -> None:
    compiled = LIBRARY.get(semantic_id)

    assert [] == compiled.strict.findings(example_of(compiled.model, full=full))


@SIZES
@pytest.mark.parametrize("case", published_cases())
def test_a_published_model_has_an_example_that_is_valid(case: Case, full: bool) -> None:
    folder = published_folder()
    assert folder is not None
    compiled = ModelLibrary([folder / "models"]).get(case.semantic_id)

    assert [] == compiled.findings(example_of(compiled.model, full=full))


def made(root: Path, body: str, *, full: bool = True) -> dict[str, object]:
    model = read_thing(root, body)
    example = example_of(model, full=full)
    assert Validator(schema_of(model), lambda: model).is_valid(example)
    return example


def trait(datatype: str, *constraints: str) -> str:
    limits = " , ".join(f"[ a samm-c:{constraint} ]" for constraint in constraints)
    return f"""
        :C a samm-c:Trait ; samm-c:baseCharacteristic :B ; samm-c:constraint {limits} .
        :B a samm:Characteristic ; samm:dataType {datatype} ."""


@pytest.mark.parametrize(
    ("datatype", "constraints"),
    [
        ("xsd:string", ['RegularExpressionConstraint ; samm:value "^[A-Z]{3}-[0-9]{4,}$"']),
        (
            "xsd:string",
            [
                'RegularExpressionConstraint ; samm:value "^(a|bc)*$"',
                'LengthConstraint ; samm-c:minValue "7"^^xsd:nonNegativeInteger',
            ],
        ),
        ("xsd:string", ['LengthConstraint ; samm-c:minValue "300"^^xsd:nonNegativeInteger']),
        (
            "xsd:decimal",
            [
                """RangeConstraint ; samm-c:minValue "0.25"^^xsd:decimal ;
                samm-c:maxValue "0.26"^^xsd:decimal ;
                samm-c:lowerBoundDefinition samm-c:GREATER_THAN ;
                samm-c:upperBoundDefinition samm-c:LESS_THAN"""
            ],
        ),
        (
            "xsd:integer",
            [
                """RangeConstraint ; samm-c:minValue "1233"^^xsd:integer ;
                samm-c:lowerBoundDefinition samm-c:GREATER_THAN"""
            ],
        ),
        (
            "xsd:date",
            [
                """RangeConstraint ; samm-c:minValue "2030-01-01"^^xsd:date ;
                samm-c:lowerBoundDefinition samm-c:GREATER_THAN"""
            ],
        ),
        ("rdf:langString", ['LanguageConstraint ; samm-c:languageCode "es"']),
    ],
)
def test_a_value_is_found_within_its_limits(
    tmp_path: Path, datatype: str, constraints: list[str]
) -> None:
    assert {"value"} == made(tmp_path, thing(":C", trait(datatype, *constraints))).keys()


def test_the_models_own_example_is_taken_where_it_is_valid(tmp_path: Path) -> None:
    code = "[ a samm:Characteristic ; samm:dataType xsd:int ]"
    good = thing(code, ":value samm:exampleValue 4711 .")
    bad = thing(code, ':value samm:exampleValue "4711.5"^^xsd:int .')

    assert {"value": 4711} == made(tmp_path, good)
    assert {"value": 4711.5} != made(tmp_path, bad)


TREE = """
    :Thing a samm:Aspect ; samm:properties ( :name [ samm:property :parts ; samm:optional true ]
        [ samm:property :hidden ; samm:notInPayload true ] ) .
    :name a samm:Property ; samm:characteristic samm-c:Text .
    :hidden a samm:Property ; samm:characteristic samm-c:Text .
    :parts a samm:Property ; samm:characteristic [ a samm-c:List ; samm:dataType :Part ] .
    :Part a samm:Entity ; samm:properties ( :name
        [ samm:property :parts ; samm:optional true ] :either ) .
    :either a samm:Property ; samm:characteristic [ a samm-c:Either ;
        samm-c:left [ a samm-c:SingleEntity ; samm:dataType :Part ] ;
        samm-c:right samm-c:Boolean ] .
    """


def test_a_minimal_example_holds_what_is_required_and_a_full_one_everything_once(
    tmp_path: Path,
) -> None:
    part = {"name": "example", "parts": [], "either": {"right": True}}

    assert {"name": "example"} == made(tmp_path, TREE, full=False)
    assert {"name": "example", "parts": [part]} == made(tmp_path, TREE)


def test_a_list_holds_as_many_items_as_it_must_and_no_two_alike_in_a_set(tmp_path: Path) -> None:
    body = """:C a samm-c:Trait ; samm-c:baseCharacteristic [
            a samm-c:Set ; samm:dataType xsd:string ] ;
        samm-c:constraint [ a samm-c:LengthConstraint ;
            samm-c:minValue "3"^^xsd:nonNegativeInteger ] ."""

    value = made(tmp_path, thing(":C", body))["value"]

    assert isinstance(value, list)
    assert 3 == len(set(value))


def test_an_enumeration_of_entity_instances_shows_the_first(tmp_path: Path) -> None:
    body = """
        :C a samm-c:Enumeration ; samm:dataType :Level ; samm-c:values ( :Low ) .
        :Level a samm:Entity ; samm:properties ( :code ) .
        :code a samm:Property ; samm:characteristic [
            a samm:Characteristic ; samm:dataType xsd:int ] .
        :Low a :Level ; :code 7 ."""

    assert {"value": {"code": 7}} == made(tmp_path, thing(":C", body))


def test_what_nothing_satisfies_is_named(tmp_path: Path) -> None:
    endless = """:C a samm:Characteristic ; samm:dataType :E .
        :E a samm:Entity ; samm:properties ( :again ) .
        :again a samm:Property ; samm:characteristic :C ."""
    nothing = trait("xsd:string", 'RegularExpressionConstraint ; samm:value "^a$(?!)"')

    for body, name in ((endless, "value.again"), (nothing, "value")):
        with pytest.raises(DataError) as raised:
            made(tmp_path, thing(":C", body))
        assert ("aspect:example_impossible", name) == (
            raised.value.code,
            raised.value.params["name"],
        )


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[a-z]+@[a-z]+\.(com|mx)$",
        r"^\d{4}-\d{2}(?:-\d{2})?$",
        r"^[^0-9]{5,9}$",
        r"^(?:\d{4})\/?\w*$",
        r"^\u0041\x42\.\S\s\D$",
        r"[a-fA-F0-9]{64}",
        r"^a{2}b{0,1}c{3,}$|^z$",
        r"^[\w.-]+$",
        "",
    ],
)
def test_a_pattern_yields_texts_that_match_it(pattern: str) -> None:
    found = list(islice(samples(pattern), 50))

    assert [] != found
    assert [] == [text for text in found if not matches(pattern, text)]


@pytest.mark.parametrize("pattern", ["(", "[", "a{", "(?x)", ")", "[a-", "\\"])
def test_what_is_no_pattern_yields_nothing(pattern: str) -> None:
    assert [] == list(samples(pattern))
