"""Only an argument in code can replace the proof of identity: no setting, variable or package."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from connector.settings.overrides import apply
from connector.settings.sections import ConfigurationFile
from connector.settings.shape import Shape
from connector.settings.sources import GROUP
from tests.architecture.source_tree import SourceFile, house

# A new key here is a question: can it change who is believed, or by which code?
KEYS_OF_IDENTITY = {
    "credentials",
    "did",
    "further_key_files",
    "holder_pids",
    "key_env",
    "key_file",
    "presentation_reuse_seconds",
    "services",
    "sts_client_id",
    "sts_secret_file",
    "trusted_issuers",
}
LOADERS = {"__import__", "import_module", "entry_points", "load_module", "exec", "eval"}

FILES = house("connector")


def test_the_settings_of_identity_name_files_and_partners_but_no_code() -> None:
    (section,) = [s for name, s in _definitions().items() if name == "IdentitySection"]

    assert KEYS_OF_IDENTITY == section["properties"].keys()


@pytest.mark.parametrize("key", ["provider", "class", "adapter", "module", "disabled", "trust"])
def test_a_setting_or_variable_that_would_replace_it_is_an_unknown_key(key: str) -> None:
    shape: Shape[object] = Shape(ConfigurationFile)
    environment = {f"ESLABON_IDENTITY__{key.upper()}": "tests.doubles:Anybody"}
    document, _ = apply({"identity": {}}, environment, shape)

    unknown = [p.path for p in shape.problems(document) if p.code == "settings:unknown_key"]
    assert [("identity", key)] == unknown


def test_the_house_itself_passes_no_parts() -> None:
    given = [
        f"{file}:{call.lineno}"
        for file in FILES
        for call in _calls(file)
        if _called(call) == "Parts" and (call.args or call.keywords)
    ]

    assert [] == given


def test_the_command_starts_the_connector_with_settings_alone() -> None:
    (file,) = [file for file in FILES if file.module == "connector.cli.run"]
    (call,) = [call for call in _calls(file) if _called(call) == "run"]

    assert (1, 0) == (len(call.args), len(call.keywords))


def test_only_adapters_are_found_by_entry_point() -> None:
    loading = {
        (file.module, _called(call), _spoken(call))
        for file in FILES
        for call in _calls(file)
        if _called(call) in LOADERS
    }

    assert {
        ("connector.cli.commands", "import_module", "connector.cli."),
        ("connector.cli.commands", "import_module", "connector.cli.asking"),
        ("connector.cli.commands", "import_module", "importlib.metadata"),
        ("connector.settings.sources", "entry_points", ""),
    } == loading
    assert GROUP == "eslabon.adapters"


def test_whoever_builds_a_connector_reads_no_environment() -> None:
    readers = [
        file.module
        for file in FILES
        for node in file.nodes
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        if not file.module.startswith(("connector.cli.", "connector.texts"))
    ]

    assert [] == readers


def _definitions() -> dict[str, dict[str, dict[str, object]]]:
    definitions = Shape(ConfigurationFile).schema["$defs"]
    assert isinstance(definitions, dict)
    return definitions


def _calls(file: SourceFile) -> Iterator[ast.Call]:
    return (node for node in file.nodes if isinstance(node, ast.Call))


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _spoken(call: ast.Call) -> str:
    """The first text among a call's arguments; of a composed one, where it begins."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    texts = [node for value in given for node in ast.walk(value) if isinstance(node, ast.Constant)]
    return str(texts[0].value) if texts else ""
