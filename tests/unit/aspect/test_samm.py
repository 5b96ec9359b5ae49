"""Reading SAMM: one vocabulary, elements found by use, and clear words where it fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connector.aspect.samm.folders import ModelFolders
from connector.aspect.samm.reader import read_model
from connector.aspect.samm.vocabulary import term
from connector.aspect.semantics import Kind, Shape
from connector.errors import SetupError
from connector.identifiers import SemanticId
from tests.unit.aspect.model_files import THING, read_thing, thing, write_turtle

BAMM = """
@prefix bamm: <urn:bamm:io.openmanufacturing:meta-model:{version}#> .
@prefix bamm-c: <urn:bamm:io.openmanufacturing:characteristic:{version}#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix : <urn:bamm:org.example.thing:1.0.0#> .
:Thing a bamm:Aspect ; bamm:name "Other" ; bamm:properties ( :value ) .
:value a bamm:Property ; bamm:name "other" ; bamm:characteristic bamm-c:Text .
"""
OTHER = "@prefix other: <urn:samm:org.example.other:2.0.0#> .\n"
OTHER_FOLDER = "org.example.other/2.0.0"


def refused(root: Path, body: str) -> SetupError:
    with pytest.raises(SetupError) as caught:
        read_thing(root, body)
    return caught.value


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_bamm_is_read_as_samm_and_its_names_are_not_heeded(tmp_path: Path, version: str) -> None:
    path = write_turtle(tmp_path, "")
    path.write_text(BAMM.format(version=version))

    model = read_model(THING, ModelFolders([tmp_path]))[0]

    assert THING == model.semantic_id
    assert [("value", Kind.STRING)] == [(p.name, p.kind) for p in model.properties]


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0", "2.2.0", "2.3.0"])
def test_the_version_of_the_meta_model_does_not_matter(version: str) -> None:
    uri = f"urn:samm:org.eclipse.esmf.samm:characteristic:{version}#Trait"

    assert "samm-c:Trait" == term(uri)


def test_properties_tell_how_they_are_used(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        """
        :Thing a samm:Aspect ; samm:description "A thing."@en , "Una cosa."@es ; samm:properties (
            :id
            [ samm:property :note ; samm:optional true ; samm:payloadName "remark" ]
            [ samm:property :secret ; samm:notInPayload true ] ) .
        :id a samm:Property ; samm:preferredName "Id"@en ; samm:description "Its id."@en ;
            samm:characteristic samm-c:Text ; samm:exampleValue "A-1" .
        :note a samm:Property ; samm:characteristic samm-c:Text .
        :secret a samm:Property ; samm:characteristic samm-c:Text .
        """,
    )
    first, second, third = model.properties

    assert "A thing." == model.description
    assert ("id", "Its id.", "A-1", True) == (
        first.name,
        first.description,
        first.example,
        first.required,
    )
    assert ("remark", f"{THING.split('#')[0]}#note", False) == (
        second.name,
        second.urn,
        second.required,
    )
    assert (False, False) == (third.in_payload, third.required)


def test_a_property_is_found_by_its_path_through_lists_and_entities(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        thing(
            ":Items",
            """
            :Items a samm-c:List ; samm:dataType :Item .
            :Item a samm:Entity ; samm:properties ( :count :day :kind ) .
            :count a samm:Property ; samm:characteristic [
                a samm-c:Quantifiable ; samm:dataType xsd:positiveInteger ] .
            :day a samm:Property ; samm:characteristic [
                a samm:Characteristic ; samm:dataType xsd:date ] .
            :kind a samm:Property ; samm:characteristic [
                a samm-c:Enumeration ; samm:dataType xsd:string ; samm-c:values ( "a" "b" ) ] .
            """,
        ),
    )
    paths = [("value",), ("value", "count"), ("value", "day"), ("value", "kind")]
    found = [model.property_at(path) for path in paths]
    kind = model.property_at(("value", "kind"))

    assert [Kind.LIST, Kind.INTEGER, Kind.DATE, Kind.ENUM] == [p.kind for p in found if p]
    assert ("a", "b") == (kind.values if kind else ())
    assert "CountCharacteristic" == (found[1].characteristic.name if found[1] else "")
    assert [None, None] == [model.property_at(p) for p in [("nothing",), ("value", "count", "x")]]


def test_an_entity_may_lead_back_to_itself(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        thing(
            ":Nodes",
            """
            :Nodes a samm-c:List ; samm:dataType :Node .
            :Node a samm:Entity ; samm:properties (
                :name [ samm:property :value ; samm:optional true ] ) .
            :name a samm:Property ; samm:characteristic samm-c:Text .
            """,
        ),
    )

    found = model.property_at(("value", "value", "value", "name"))

    assert "name" == (found.name if found else "")


def test_an_entity_inherits_and_its_siblings_are_known(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        thing(
            ":Car",
            """
            :Car a samm-c:SingleEntity ; samm:dataType :CarEntity .
            :Vehicle a samm:AbstractEntity ; samm:properties ( :wheels ) .
            :CarEntity a samm:Entity ; samm:extends :Vehicle ; samm:properties ( :doors ) .
            :Bike a samm:Entity ; samm:extends :Vehicle ; samm:properties ( ) .
            :wheels a samm:Property ; samm:characteristic samm-c:Text .
            :doors a samm:Property ; samm:characteristic samm-c:Text .
            """,
        ),
    )

    names = [p.name for p in model.properties_of(model.properties[0].characteristic)]

    assert ["doors", "wheels"] == names
    assert {"CarEntity", "Vehicle", "Bike"} == {e.name for e in model.entities.values()}


def test_only_an_anonymous_property_bears_the_name_of_that_it_extends(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        """
        :Thing a samm:Aspect ; samm:properties (
            [ samm:extends :value ; samm:characteristic samm-c:Boolean ] :own ) .
        :value a samm:AbstractProperty ; samm:description "Any."@en .
        :own a samm:Property ; samm:extends :other ; samm:characteristic samm-c:Timestamp .
        :other a samm:AbstractProperty .
        """,
    )

    assert [("value", Kind.BOOLEAN), ("own", Kind.DATETIME)] == [
        (p.name, p.kind) for p in model.properties
    ]


def test_a_trait_is_of_the_kind_of_what_it_narrows(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        thing(
            ":Share",
            """
            :Share a samm-c:Trait ; samm-c:baseCharacteristic :Number ; samm-c:constraint
                [ a samm-c:RangeConstraint ; samm-c:minValue "0"^^xsd:decimal ;
                  samm-c:maxValue "0.5"^^xsd:decimal ;
                  samm-c:upperBoundDefinition samm-c:LESS_THAN ] .
            :Number a samm:Characteristic ; samm:dataType xsd:decimal .
            """,
        ),
    )
    of = model.properties[0]
    (limit,) = of.characteristic.limits()

    assert (Kind.NUMBER, Shape.TRAIT) == (of.kind, of.characteristic.shape)
    assert (0, 0.5, False, True) == (
        limit.least,
        limit.most,
        limit.least_excluded,
        limit.most_excluded,
    )


def test_the_sides_of_an_either_are_its_properties(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        thing(
            ":Choice",
            ":Choice a samm-c:Either ; samm-c:left samm-c:Text ; samm-c:right samm-c:Boolean .",
        ),
    )
    right = model.property_at(("value", "right"))

    assert Kind.EITHER == model.properties[0].kind
    assert (Kind.BOOLEAN, False) == ((right.kind, right.required) if right else None)


def test_a_value_of_an_enumeration_may_be_described_by_itself(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        thing(
            ":Colour",
            """
            :Colour a samm-c:Enumeration ; samm:dataType xsd:string ;
                samm-c:values ( :red "blue" ) .
            :red a samm:Value ; samm:value "red" ; samm:description "Like blood."@en .
            """,
        ),
    )

    assert ("red", "blue") == model.properties[0].values


def test_times_in_an_enumeration_stay_as_they_are_written(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        thing(
            """[ a samm-c:Enumeration ; samm:dataType xsd:dateTime ;
                 samm-c:values ( "2026-01-01T00:00:00Z"^^xsd:dateTime ) ]"""
        ),
    )

    assert ("2026-01-01T00:00:00Z",) == model.properties[0].values


def test_an_element_is_found_by_its_use_in_whichever_file_of_its_folder(tmp_path: Path) -> None:
    write_turtle(
        tmp_path,
        ":A a samm:Characteristic ; samm:dataType xsd:date .",
        name="Many",
        folder=OTHER_FOLDER,
    )

    model = read_thing(tmp_path, OTHER + thing("other:A"))

    assert Kind.DATE == model.properties[0].kind


def test_a_declared_prefix_that_is_not_used_needs_no_file(tmp_path: Path) -> None:
    model = read_thing(tmp_path, OTHER + thing("samm-c:Text"))

    assert Kind.STRING == model.properties[0].kind


def test_the_first_tree_wins_element_by_element(tmp_path: Path) -> None:
    date = ":{0} a samm:Characteristic ; samm:dataType xsd:{1} ."
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    write_turtle(theirs, date.format("A", "date"), name="Mine", folder=OTHER_FOLDER)
    write_turtle(
        ours,
        date.format("A", "boolean") + date.format("B", "boolean"),
        name="All",
        folder=OTHER_FOLDER,
    )
    write_turtle(
        ours,
        OTHER
        + """
        :Thing a samm:Aspect ; samm:properties ( :a :b ) .
        :a a samm:Property ; samm:characteristic other:A .
        :b a samm:Property ; samm:characteristic other:B .
        """,
    )

    model = read_model(THING, ModelFolders([theirs, ours]))[0]

    assert [Kind.DATE, Kind.BOOLEAN] == [p.kind for p in model.properties]


def test_the_files_that_a_model_rests_on_are_told(tmp_path: Path) -> None:
    other = write_turtle(
        tmp_path,
        ":A a samm:Characteristic ; samm:dataType xsd:date .",
        name="A",
        folder=OTHER_FOLDER,
    )
    own = write_turtle(tmp_path, OTHER + thing("other:A"))

    files = read_model(THING, ModelFolders([tmp_path]))[1]

    assert {own, other} == set(files)


def test_a_latin_1_character_spoils_nothing_else(tmp_path: Path) -> None:
    path = write_turtle(tmp_path, thing("samm-c:Text") + '\n:Thing samm:description "ä"@en .\n')
    path.write_bytes(path.read_bytes() + "# süß\n".encode("latin-1"))

    model = read_model(THING, ModelFolders([tmp_path]))[0]

    assert "ä" == model.description


def test_a_blank_before_a_datatype_is_legal(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path,
        thing("samm-c:Boolean")
        + ':value samm:exampleValue "true" ^^xsd:boolean ; samm:description "a \\" ^^ b"@en .',
    )

    assert (True, 'a " ^^ b') == (model.properties[0].example, model.properties[0].description)


def test_an_example_that_is_no_boolean_harms_nothing(tmp_path: Path) -> None:
    model = read_thing(
        tmp_path, thing("samm-c:Boolean") + ':value samm:exampleValue "yes / no"^^xsd:boolean .'
    )

    assert "yes / no" == model.properties[0].example


def test_a_property_listed_twice_counts_once_and_is_warned_of(tmp_path: Path) -> None:
    with capture_logs() as logs:
        model = read_thing(
            tmp_path, thing("samm-c:Text").replace("( :value )", "( :value :value )")
        )

    assert ["value"] == [p.name for p in model.properties]
    assert ["model.property_repeated"] == [log["event"] for log in logs]


@pytest.mark.parametrize(
    ("usages", "optional"),
    [
        (":value [ samm:property :value ; samm:optional true ]", False),
        ("[ samm:property :value ; samm:notInPayload true ] :value", False),
        (":value [ samm:property :value ; samm:notInPayload true ]", False),
        ("[ samm:property :value ; samm:optional true ] " * 2, True),
    ],
)
def test_a_property_listed_twice_is_needed_where_either_place_needs_it(
    tmp_path: Path, usages: str, optional: bool
) -> None:
    model = read_thing(tmp_path, thing("samm-c:Text").replace("( :value )", f"( {usages} )"))

    assert [(True, optional)] == [(p.in_payload, p.optional) for p in model.properties]


def test_a_missing_dependency_names_element_file_and_folder(tmp_path: Path) -> None:
    error = refused(tmp_path, OTHER + thing("other:A"))

    assert "aspect:model_element_missing" == error.code
    assert "urn:samm:org.example.other:2.0.0#A" == error.params["element"]
    assert OTHER_FOLDER == error.params["folder"]
    assert "Thing.ttl" in str(error)


def test_broken_turtle_is_refused_with_its_line(tmp_path: Path) -> None:
    error = refused(tmp_path, "\n:Thing a samm:Aspect ;; samm:properties ( ( .\n")

    assert "aspect:model_turtle_broken" == error.code
    assert 9 <= int(str(error.params["line"])) <= 10


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("model_without_aspect", ":Thing a samm:Entity ; samm:properties ( ) ."),
        ("model_datatype_unknown", thing("[ a samm:Characteristic ; samm:dataType xsd:strin ]")),
        ("model_datatype_unknown", thing(":C", ":C a samm-c:List ; samm:dataType :C .")),
        ("model_statement_missing", thing(":C", ":C a samm:Characteristic .")),
        ("model_statement_missing", thing(":C", ":C a samm-c:Trait .")),
        ("model_characteristic_unknown", thing(":C", ":C a samm-c:Lst .")),
        (
            "model_characteristic_cycle",
            thing(":C", ":C a samm-c:Trait ; samm-c:baseCharacteristic :C ."),
        ),
        (
            "model_characteristic_cycle",
            thing(":C", ":C a samm-c:List ; samm-c:elementCharacteristic :D . "
            ":D a samm-c:Set ; samm-c:elementCharacteristic :C ."),
        ),
        (
            "model_inheritance_cycle",
            thing(":C", ":C a samm:Characteristic ; samm:dataType :E . "
            ":E a samm:Entity ; samm:extends :F ; samm:properties ( ) . "
            ":F a samm:AbstractEntity ; samm:extends :E ; samm:properties ( ) ."),
        ),
    ],
)  # fmt: skip
def test_an_incomplete_model_is_refused(tmp_path: Path, code: str, body: str) -> None:
    error = refused(tmp_path, body)

    assert f"aspect:{code}" == error.code
    assert "Thing.ttl" in str(error)
    assert "<" not in str(error).replace("<namespace>", "")


def test_a_name_that_leads_out_of_the_folders_finds_nothing(tmp_path: Path) -> None:
    write_turtle(tmp_path, thing("samm-c:Text"))

    with pytest.raises(SetupError) as caught:
        read_model(SemanticId("urn:samm:..:1.0.0#Thing"), ModelFolders([tmp_path / "inner"]))

    assert "aspect:model_element_missing" == caught.value.code


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = write_turtle(tmp_path, thing("samm-c:Text"))
    with path.open("ab") as file:
        file.truncate(17 * 1024 * 1024)

    with pytest.raises(SetupError) as caught:
        read_model(THING, ModelFolders([tmp_path]))

    assert "aspect:model_file_too_large" == caught.value.code
