"""Payloads as RDF: nothing is lost on the way there, nor on the way back."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from rdflib import RDF, XSD, BNode, Graph, Literal, URIRef

from connector.aspect.example import example_of
from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.lift import Lift
from connector.aspect.rdf.forms import Form
from connector.aspect.rdf.graph import parsed
from connector.aspect.rdf.terms import DEPTH_MAX, KEYS, NULL
from connector.errors import DataError
from tests.unit.aspect.model_files import (
    Case,
    published_cases,
    published_folder,
    read_thing,
    thing,
)

CASES = published_cases()
OWN = "urn:samm:org.example.thing:1.0.0#"
RICH = """
:Thing a samm:Aspect ; samm:properties (
    :plain [ samm:property :renamed ; samm:payloadName "amount" ; samm:optional true ]
    :many :texts :said :day :flag :whole :either :child ) .
:plain a samm:Property ; samm:characteristic samm-c:Text .
:renamed a samm:Property ; samm:characteristic :Amount .
:Amount a samm:Characteristic ; samm:dataType xsd:decimal .
:many a samm:Property ; samm:characteristic [ a samm-c:List ; samm-c:elementCharacteristic
    [ a samm-c:List ; samm:dataType xsd:double ] ] .
:texts a samm:Property ; samm:characteristic [ a samm-c:List ; samm:dataType rdf:langString ] .
:said a samm:Property ; samm:characteristic samm-c:MultiLanguageText .
:day a samm:Property ; samm:characteristic [ a samm:Characteristic ; samm:dataType xsd:date ] .
:flag a samm:Property ; samm:characteristic samm-c:Boolean .
:whole a samm:Property ; samm:characteristic
    [ a samm:Characteristic ; samm:dataType xsd:unsignedByte ] .
:either a samm:Property ; samm:characteristic
    [ a samm-c:Either ; samm-c:left :Amount ; samm-c:right :ChildCharacteristic ] .
:child a samm:Property ; samm:characteristic :ChildCharacteristic .
:ChildCharacteristic a samm:Characteristic ; samm:dataType :Child .
:Child a samm:Entity ; samm:properties (
    [ samm:property :inner ; samm:payloadName "plain" ]
    [ samm:property :child ; samm:optional true ] ) .
:inner a samm:Property ; samm:characteristic
    [ a samm:Characteristic ; samm:dataType xsd:dateTime ] .
"""


@pytest.fixture(autouse=True)
def _quiet() -> None:
    # Payloads may hold texts that no datatype allows; rdflib says so with a traceback each.
    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)


@pytest.fixture
def lift(tmp_path: Path) -> Lift:
    return Lift(read_thing(tmp_path, RICH))


@cache
def _published() -> ModelLibrary:
    folder = published_folder()
    assert folder is not None
    return ModelLibrary([folder / "models"])


def canonical(payload: Any) -> bytes:
    return rfc8785.dumps(payload)


def leaves(value: object) -> int:
    if isinstance(value, dict | list):
        return sum(map(leaves, value.values() if isinstance(value, dict) else value))
    return 1


def literals(graph: Graph) -> Iterator[object]:
    yield from (o for o in graph.objects(unique=False) if isinstance(o, Literal))
    yield from (o for o in graph.objects(unique=False) if o == URIRef(NULL))


def said(graph: Graph) -> Counter[tuple[str, str]]:
    """Return what a graph says without the names of its nodes, which differ by form."""
    return Counter(
        (str(p), "" if isinstance(o, BNode) else repr(o)) for p, o in graph.predicate_objects()
    )


def value_of(lift: Lift, payload: object, name: str) -> Any:
    (found,) = lift.graph(payload).objects(None, URIRef(OWN + name))
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_published_payload_comes_back_the_same_from_every_form(case: Case) -> None:
    lift, payload = Lift(_published().get(case.semantic_id).model), case.payload
    texts = {form: lift.text(payload, form) for form in Form}

    assert canonical(payload) == canonical(lift.payload(lift.graph(payload)))
    assert {form: canonical(payload) for form in Form} == {
        form: canonical(lift.payload_from_text(text, form)) for form, text in texts.items()
    }


@pytest.mark.parametrize("case", CASES)
def test_every_leaf_of_a_published_payload_is_in_the_graph(case: Case) -> None:
    lift = Lift(_published().get(case.semantic_id).model)

    assert leaves(case.payload) == len(list(literals(lift.graph(case.payload))))


@pytest.mark.parametrize("case", CASES)
def test_no_leaf_of_a_valid_published_payload_is_foreign_to_its_model(case: Case) -> None:
    compiled = _published().get(case.semantic_id)
    graph = Lift(compiled.model).graph(case.payload)
    known = {str(p.urn) for p in compiled.model.properties} | {
        str(p.urn) for e in compiled.model.entities.values() for p in e.properties
    }
    sides = {"urn:samm:org.eclipse.esmf.samm:characteristic:2.1.0#left"}
    sides |= {"urn:samm:org.eclipse.esmf.samm:characteristic:2.1.0#right"}
    used = {str(p) for p in graph.predicates() if not str(p).startswith(str(RDF))}

    assert set() == used - known - sides


@pytest.mark.parametrize("case", CASES)
def test_every_edited_payload_comes_back_the_same(case: Case) -> None:
    lift = Lift(_published().get(case.semantic_id).model)
    edited = [payload for payload, _ in case.mutants() if isinstance(payload, dict)]

    assert [] == [
        payload
        for payload in edited
        if canonical(payload) != canonical(lift.payload(lift.graph(payload)))
    ]


@pytest.mark.parametrize("case", CASES)
def test_the_three_forms_say_the_same(case: Case) -> None:
    lift = Lift(_published().get(case.semantic_id).model)
    graph = lift.graph(case.payload)

    assert {form: said(graph) for form in Form} == {
        form: said(parsed(lift.text(case.payload, form), form)) for form in Form
    }


def test_a_property_bears_its_own_urn_whatever_the_payload_calls_it(lift: Lift) -> None:
    assert Literal("1.50", datatype=XSD.decimal, normalize=False) == value_of(
        lift, {"amount": Decimal("1.50")}, "renamed"
    )


def test_a_payload_key_means_what_the_entity_around_it_means_by_it(lift: Lift) -> None:
    payload = {"plain": "a", "child": {"plain": "2026-01-01T00:00:00Z"}}

    assert Literal("a") == value_of(lift, payload, "plain")
    assert XSD.dateTime == value_of(lift, payload, "inner").datatype


@pytest.mark.parametrize(
    ("value", "text", "datatype"),
    [
        (5, "5", XSD.decimal),
        (1.0, "1.0", XSD.decimal),
        (0.1, "0.1", XSD.decimal),
        (1e3, "1000.0", XSD.decimal),
        (Decimal("1E+3"), "1000.0", XSD.decimal),
        (1e22, "10000000000000000000000.0", XSD.decimal),
        (1e-7, "0.0000001", XSD.decimal),
        (Decimal("0.1000000000000000000001"), "0.1000000000000000000001", XSD.decimal),
        (Decimal("1e5000"), "1E+5000", XSD.double),
    ],
)
def test_a_decimal_keeps_every_digit(lift: Lift, value: object, text: str, datatype: str) -> None:
    found = value_of(lift, {"amount": value}, "renamed")

    assert (text, datatype) == (str(found), found.datatype)


@pytest.mark.parametrize(
    ("value", "text", "datatype"),
    [
        (5, "5", XSD.unsignedByte),
        (5.0, "5", XSD.unsignedByte),
        (1.5, "1.5", XSD.decimal),
        (1e22, "10000000000000000000000.0", XSD.decimal),
        (256, "256", XSD.integer),
        ("5", "5", XSD.string),
        (True, "true", XSD.boolean),
    ],
)
def test_a_value_outside_of_its_type_bears_one_that_holds_it(
    lift: Lift, value: object, text: str, datatype: str
) -> None:
    found = value_of(lift, {"whole": value}, "whole")

    assert (text, datatype) == (str(found), found.datatype or XSD.string)


@pytest.mark.parametrize("value", [1, 1.5, 1e300, 0.1, -0.0, 10**20, Decimal("1.5") ** 60])
@pytest.mark.parametrize("key", ["amount", "whole", "plain", "beyond"])
def test_a_number_keeps_its_value_everywhere(lift: Lift, key: str, value: object) -> None:
    for form in Form:
        assert {key: value} == lift.payload_from_text(lift.text({key: value}, form), form)


def test_a_text_in_several_languages_is_one_literal_for_each(lift: Lift) -> None:
    graph = lift.graph({"said": {"en": "hub", "es-MX": "maza"}})

    assert {Literal("hub", lang="en"), Literal("maza", lang="es-MX")} == set(
        graph.objects(None, URIRef(f"{OWN}said"))
    )


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"many": []},
        {"many": [[], [1, 2.5], [3]]},
        {"texts": [{"en": "a"}, {"en": "b", "es": "c"}, {}]},
        {"said": {"en": "a"}, "texts": []},
        {"said": {"en": "a", "EN": "b"}},
        {"said": {"no language": "a"}},
        {"said": {"en": {"deeper": 1}}},
        {"said": []},
        {"either": {"left": 1.5}},
        {"either": {"right": {"plain": "2026-01-01T00:00:00Z"}}},
        {"either": "neither"},
        {"left": 1, "right": {"left": 2}},
        {"child": {"plain": "x", "child": {"plain": "y", "child": {"plain": "z"}}}},
        {"child": [{"plain": "x"}]},
        {"day": "never", "flag": False},
        {"beyond": {"a b": [None, [None], {}, {"": True}], "@id": "x", "urn:x:y": 1}},
        {
            "@context": {"plain": "urn:other"},
            "@type": ["a"],
            "": "",
            "é": '\x00\x1f\u2028"\\\n\r\t',
        },
        {"Thing": "name of a type", "xsd": "name of a prefix", "@graph": []},
    ],
    ids=str,
)
@pytest.mark.parametrize("form", Form)
def test_whatever_json_says_comes_back(lift: Lift, form: Form, payload: dict[str, object]) -> None:
    assert payload == lift.payload(lift.graph(payload))
    assert payload == lift.payload_from_text(lift.text(payload, form), form)


def test_json_ld_reads_like_the_payload(lift: Lift) -> None:
    payload = {
        "plain": "a",
        "amount": 1.5,
        "whole": 5,
        "flag": True,
        "said": {"en": "hub"},
        "many": [[0.5]],
        "child": {"plain": "2026-01-01T00:00:00Z"},
        "beyond": None,
    }

    document = lift.jsonld(payload)
    del document["@context"]

    assert {
        "@type": "Thing",
        "plain": "a",
        "amount": "1.5",
        "whole": 5,
        "flag": True,
        "said": {"en": "hub"},
        "child": {"@type": "Child", "plain": "2026-01-01T00:00:00Z"},
        "urn:eslabon:key:beyond": {"@id": NULL},
    } == {key: value for key, value in document.items() if key != "many"}


def test_the_context_holds_each_type_once_even_where_it_contains_itself(lift: Lift) -> None:
    context: Any = lift.jsonld({})["@context"]

    assert {"@version", "xsd", "Thing", "Child"} == set(context)
    assert {"@id": f"{OWN}inner", "@type": "xsd:dateTime"} == context["Child"]["@context"]["plain"]
    assert {"@id": f"{OWN}renamed", "@type": "xsd:decimal"} == context["Thing"]["@context"][
        "amount"
    ]


def test_the_same_payload_gives_the_same_text(lift: Lift) -> None:
    payload = {"many": [[1.0]], "child": {"plain": "x"}}

    assert lift.text(payload, Form.NQUADS) == lift.text(
        json.loads(json.dumps(payload)), Form.NQUADS
    )


def test_a_payload_nested_as_deeply_as_is_allowed_comes_back(lift: Lift) -> None:
    payload: dict[str, object] = {"plain": "end"}
    for _ in range(DEPTH_MAX - 1):
        payload = {"child": payload}

    assert payload == lift.payload(lift.graph(payload))


@pytest.mark.parametrize("form", Form)
def test_a_payload_nested_too_deeply_is_refused(lift: Lift, form: Form) -> None:
    payload: dict[str, object] = {}
    for _ in range(DEPTH_MAX + 1):
        payload = {"child": payload}

    with pytest.raises(DataError) as caught:
        lift.text(payload, form)

    assert "aspect:lift_too_deep" == caught.value.code


@pytest.mark.parametrize("payload", [[], "x", 1, None])
def test_what_is_no_object_is_refused(lift: Lift, payload: object) -> None:
    with pytest.raises(DataError) as caught:
        lift.jsonld(payload)

    assert "aspect:lift_no_object" == caught.value.code


@pytest.mark.parametrize(
    ("turtle", "code"),
    [
        ("", "lift_root_missing"),
        ("[] a t:Thing . [] a t:Thing .", "lift_root_missing"),
        ("[] a t:Thing ; t:plain 'a', 'b' .", "lift_values_many"),
        ("[] a t:Thing ; t:inner 'a' .", "lift_predicate_unknown"),
        ("[] a t:Thing ; t:renamed 'NaN'^^xsd:double .", "lift_literal_broken"),
        ("[] a t:Thing ; t:renamed 'one'^^xsd:integer .", "lift_literal_broken"),
        ("[] a t:Thing ; t:flag 'maybe'^^xsd:boolean .", "lift_literal_broken"),
        ("[] a t:Thing ; t:many [ rdf:first 1 ] .", "lift_list_broken"),
        ("[] a t:Thing ; t:many _:c . _:c rdf:first 1 ; rdf:rest _:c .", "lift_list_broken"),
        ("_:t a t:Thing ; t:child _:t .", "lift_too_deep"),
    ],
)
def test_a_graph_that_holds_no_payload_is_refused(lift: Lift, turtle: str, code: str) -> None:
    prefixes = f"@prefix t: <{OWN}> . @prefix xsd: <{XSD}> . @prefix rdf: <{RDF}> .\n"

    with pytest.raises(DataError) as caught:
        lift.payload_from_text(prefixes + turtle, Form.TURTLE)

    assert f"aspect:{code}" == caught.value.code


def test_two_properties_under_one_name_do_not_mix(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        """
        :Thing a samm:Aspect ; samm:properties (
            [ samm:property :one ; samm:payloadName "a" ]
            [ samm:property :one ; samm:payloadName "b" ] ) .
        :one a samm:Property ; samm:characteristic samm-c:Text .
        """,
    )
    lift = Lift(model)

    assert {"a": "1", "b": "2"} == lift.payload(lift.graph({"a": "1", "b": "2"}))


def test_values_of_an_entity_enumeration_are_nodes_of_that_entity(tmp_path: Path) -> None:
    lift = Lift(
        read_thing(
            tmp_path,
            thing(
                "[ a samm-c:Enumeration ; samm:dataType :Level ; samm-c:values ( :High ) ]",
                """
                :Level a samm:Entity ; samm:properties ( :rank ) .
                :rank a samm:Property ; samm:characteristic
                    [ a samm:Characteristic ; samm:dataType xsd:short ] .
                :High a :Level ; :rank "3"^^xsd:short .
                """,
            ),
        )
    )
    payload = {"value": {"rank": 3, "more": "x"}}

    assert payload == lift.payload(lift.graph(payload))
    assert XSD.short == value_of(lift, payload, "rank").datatype
    assert 1 == len(list(lift.graph(payload).subjects(RDF.type, URIRef(f"{OWN}Level"))))


@pytest.mark.parametrize("semantic_id", ModelLibrary([shipped_folder()]).list())
def test_every_shipped_model_lifts_an_example_of_all_that_it_knows(semantic_id: Any) -> None:
    model = ModelLibrary([shipped_folder()]).get(semantic_id).model
    lift, payload = Lift(model), example_of(model, full=True)
    graph = lift.graph(payload)

    assert canonical(payload) == canonical(lift.payload(graph))
    assert leaves(payload) == len(list(literals(graph)))
    assert [] == [str(p) for p in graph.predicates() if str(p).startswith(KEYS)]
