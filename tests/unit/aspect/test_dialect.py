"""A schema in 2020-12 judges every payload as in draft-04."""

from __future__ import annotations

import jsonschema
import jsonschema_rs
import pytest

from connector.aspect.dialect import in_2020_12
from connector.aspect.library import CompiledModel, ModelLibrary, shipped_folder
from connector.identifiers import SemanticId
from tests.unit.aspect.model_files import Case, published_cases, published_folder

SHIPPED = ModelLibrary([shipped_folder()])


def of_case(case: Case) -> CompiledModel:
    folder = published_folder()
    assert folder is not None
    return ModelLibrary([folder / "models"]).get(case.semantic_id)


@pytest.mark.parametrize("case", published_cases())
def test_every_edited_payload_is_judged_as_published(case: Case) -> None:
    schema = in_2020_12(of_case(case).schema)
    fast = jsonschema_rs.Draft202012Validator(schema)
    slow = jsonschema.Draft202012Validator(schema)

    assert [] == [
        payload
        for payload, is_valid in case.mutants()
        if (fast.is_valid(payload), slow.is_valid(payload)) != (is_valid, is_valid)
    ]


@pytest.mark.parametrize("semantic_id", SHIPPED.list())
def test_every_shipped_model_has_a_proper_schema_in_both_profiles(semantic_id: SemanticId) -> None:
    model = SHIPPED.get(semantic_id)

    for schema in (model.schema, model.strict.schema):
        made = in_2020_12(schema)
        jsonschema.Draft202012Validator.check_schema(made)
        assert "#/components/" not in str(made)


def test_what_2020_12_says_otherwise_is_said_so() -> None:
    bounds = {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 5}
    whole = {"type": "number", "multipleOf": 1, "enum": [{"exclusiveMinimum": True}]}
    draft_04: dict[str, object] = {
        "$schema": "http://json-schema.org/draft-04/schema",
        "description": "d",
        "components": {"schemas": {"Bounds": bounds | {"exclusiveMaximum": False}}},
        "type": "object",
        "properties": {
            "exclusiveMinimum": {"description": "kept", "$ref": "#/components/schemas/Bounds"},
            "items": {"type": "array", "items": whole},
        },
    }

    assert {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "d",
        "type": "object",
        "properties": {
            "exclusiveMinimum": {"description": "kept", "$ref": "#/$defs/Bounds"},
            "items": {
                "type": "array",
                "items": {"type": "integer", "enum": [{"exclusiveMinimum": True}]},
            },
        },
        "$defs": {"Bounds": {"type": "number", "exclusiveMinimum": 0, "maximum": 5}},
    } == in_2020_12(draft_04)
