"""Models from the command line: seen, added, compared, and payloads checked by them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from connector.aspect.library import ModelLibrary, shipped_folder
from connector.texts import LANGUAGES
from tests.unit.aspect.model_files import thing, write_turtle

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Eslabon

PART = "urn:samm:io.catenax.serial_part:3.0.0#SerialPart"
NEWER = "urn:samm:io.catenax.serial_part:4.0.0#SerialPart"
THING = "urn:samm:org.example.thing:1.0.0#Thing"
COUNT = ":value samm:exampleValue 7 . :C a samm:Characteristic ; samm:dataType xsd:int ."


@pytest.fixture(autouse=True)
def anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a folder without a configuration."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder tree with a model of one's own."""
    write_turtle(tmp_path / "tree", thing(":C", COUNT))
    return tmp_path / "tree"


def test_all_shipped_models_are_listed_without_a_configuration(eslabon: Eslabon) -> None:
    listed = eslabon("models", "list", "--json").json

    assert ModelLibrary([shipped_folder()]).list() == [model["urn"] for model in listed]
    assert {True} == {model["shipped"] for model in listed}


def test_ones_own_model_wins_over_ours_and_the_list_says_so(
    tmp_path: Path, eslabon: Eslabon
) -> None:
    body = thing(":C", COUNT).replace(":Thing", ":SerialPart")
    write_turtle(tmp_path / "own", body, name="SerialPart", folder="io.catenax.serial_part/3.0.0")
    listed = eslabon("models", "list", "--models", "own", "--json").json
    mine = next(model for model in listed if model["urn"] == PART)

    assert (False, 1) == (mine["shipped"], len(mine["wins_over"]))
    assert "wins over" in eslabon("models", "list", "--models", "own").out
    assert {"value": 7} == eslabon("models", "example", PART, "--models", "own").json


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_shows_the_tree_what_is_demanded_and_an_example(
    eslabon: Eslabon, language: str
) -> None:
    said = eslabon("models", "show", PART, "--lang", language)

    assert 0 == said.code
    for part in ("SerialPart 3.0.0", "catenaXsiteId", "^BPNS[a-zA-Z0-9]{12}$", '"country": "MEX"'):
        assert part in said.out
    assert "cli:" not in said.out


def test_a_page_in_html_needs_nothing_else(tmp_path: Path, eslabon: Eslabon) -> None:
    dangerous = thing(":C", COUNT + ':value samm:description "<script>x</script>"@en .')
    write_turtle(tmp_path / "tree", dangerous)
    said = eslabon("models", "show", THING, "--models", "tree", "--html")

    assert said.out.startswith("<!doctype html>")
    assert "&lt;script&gt;" in said.out
    assert None is re.search(r"<script|https?:|src=|@import", said.out)


def test_the_page_of_a_recursive_model_ends(eslabon: Eslabon) -> None:
    recursive = "urn:samm:io.catenax.traction_battery_code:2.0.0#TractionBatteryCode"
    shown = eslabon("models", "show", recursive, "--json").json

    assert any(line["repeats"] for line in shown["properties"])


@pytest.mark.parametrize("profile", [[], ["--strict"]])
def test_a_schema_is_printed_and_nothing_else(eslabon: Eslabon, profile: list[str]) -> None:
    older = eslabon("models", "schema", PART, *profile).json
    newer = eslabon("models", "schema", PART, "--draft", "2020-12", *profile).json

    jsonschema.Draft4Validator.check_schema(older)
    jsonschema.Draft202012Validator.check_schema(newer)
    assert ("draft-04", "2020-12") == (older["$schema"][23:31], newer["$schema"][30:37])
    assert bool(profile) == ("additionalProperties" in older)


def test_an_example_passes_the_check_that_it_is_made_for(tmp_path: Path, eslabon: Eslabon) -> None:
    files: list[Path] = []
    for size in ([], ["--full"]):
        files.append(tmp_path / f"{len(files)}.json")
        files[-1].write_text(eslabon("models", "example", NEWER, *size).out)
    said = eslabon("models", "check", "--model", NEWER, "--strict", *files)

    assert (0, "2 valid, 0 invalid\n") == (said.code, said.out)


def test_the_way_from_one_version_to_the_next_is_told(eslabon: Eslabon) -> None:
    changes = eslabon("models", "diff", PART, NEWER, "--json").json["changes"]
    said = eslabon("models", "diff", PART, NEWER, "--lang", "es").out

    assert ("added_required", True) in [
        (one["change"], one["breaks"]) for one in changes if one["path"] == "globalAssetId"
    ]
    assert "globalAssetId: nueva y obligatoria" in said
    assert "no difference" in eslabon("models", "diff", PART, PART).out


def test_added_models_are_found_from_then_on(tmp_path: Path, tree: Path, eslabon: Eslabon) -> None:
    first = eslabon("models", "add", tree, "--json")
    again = eslabon("models", "add", tree)
    write_turtle(tree, thing(":C", COUNT.replace("7", "8")))
    changed = eslabon("models", "add", tree, "--json")

    assert (0, 1) == (first.code, first.json["new"])
    assert "1 the same already" in again.out
    assert 1 == changed.json["replaced"]
    assert {"value": 8} == eslabon("models", "example", THING).json
    assert ["Thing.ttl"] == [path.name for path in (tmp_path / "models").rglob("*.*tl*")]


def test_models_are_added_where_the_configuration_says(
    plant: Path, tree: Path, eslabon: Eslabon
) -> None:
    (plant / "more").mkdir()
    with (plant / "eslabon.toml").open("a", encoding="utf-8") as file:
        file.write('\n[models]\nfolders = ["more"]\n')
    eslabon("models", "add", tree)

    assert (plant / "more/org.example.thing/1.0.0/Thing.ttl").is_file()
    assert {"value": 7} == eslabon("models", "example", THING).json


def test_a_folder_named_models_beside_the_configuration_counts(
    plant: Path, tree: Path, eslabon: Eslabon
) -> None:
    eslabon("models", "add", tree)

    assert (plant / "models/org.example.thing/1.0.0/Thing.ttl").is_file()
    assert {"value": 7} == eslabon("models", "example", THING).json


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (":Thing a", "aspect:model_turtle_broken"),
        (thing(":Missing"), "aspect:model_element_missing"),
    ],
)
def test_of_models_that_are_not_whole_none_is_added(
    tmp_path: Path, tree: Path, eslabon: Eslabon, body: str, code: str
) -> None:
    write_turtle(tree, body, folder="org.example.thing/2.0.0")
    said = eslabon("models", "add", tree, "--json")

    assert (1, [code]) == (said.code, [f["code"] for f in said.json["findings"]])
    assert not (tmp_path / "models").exists()
    assert "nothing was copied: 1 mistake(s)\n" == eslabon("models", "add", tree).out


def test_json_lines_are_judged_one_by_one(tmp_path: Path, eslabon: Eslabon) -> None:
    good = json.dumps(eslabon("models", "example", PART).json)
    (tmp_path / "p.jsonl").write_text(f'\ufeff{good}\n\n{{"catenaXId": 1}}\n{{no json\n{good}')
    said = eslabon("models", "check", "--model", PART, "p.jsonl", "--json")
    told = [json.loads(line) for line in said.out.splitlines()]

    assert 1 == said.code
    assert {"p.jsonl"} == {one["file"] for one in told}
    assert [(1, True), (3, False), (4, False), (5, True)] == [
        (one["line"], one["valid"]) for one in told
    ]
    assert "aspect:value_no_text" in {finding["code"] for finding in told[1]["findings"]}
    assert ["cli:models_not_json"] == [finding["code"] for finding in told[2]["findings"]]


def test_a_whole_file_is_one_payload(tmp_path: Path, eslabon: Eslabon) -> None:
    example = eslabon("models", "example", PART, "--full").json
    (tmp_path / "good.json").write_text(json.dumps(example, indent=2))
    (tmp_path / "bad.json").write_text(json.dumps(example, indent=2)[:-3])
    said = eslabon("models", "check", "--model", PART, "good.json", "bad.json", "--lang", "es")

    assert (1, 1) == (said.code, said.out.count("esto no es JSON"))
    assert said.out.endswith("1 válido(s), 1 no válido(s)\n")


def test_warnings_are_shown_but_do_not_make_a_payload_invalid(
    tmp_path: Path, eslabon: Eslabon
) -> None:
    payload = eslabon("models", "example", PART).json | {"wings": "x"}
    (tmp_path / "p.json").write_text(json.dumps(payload))
    said = eslabon("models", "check", "--model", PART, "--strict", "p.json")

    assert 0 == said.code
    assert "payload holds what SerialPart 3.0.0 does not know: wings" in said.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show", "SerialPart"], "connector:semantic_id_malformed"),
        (["show", "urn:samm:io.x:1.0.0#X"], "aspect:model_unknown"),
        (["list", "--models", "nowhere"], "cli:models_no_folder"),
        (["add", "nowhere"], "cli:models_no_folder"),
        (["add", "."], "cli:models_no_tree"),
        (["check", "x.json"], "cli:models_which"),
        (["check", "--model", PART, "x.json"], "cli:models_no_file"),
    ],
)
def test_what_cannot_be_done_says_why(eslabon: Eslabon, words: list[str], code: str) -> None:
    said = eslabon("models", *words, "--json")

    assert (2, code) == (said.code, said.json["code"])
