"""Both engines against the official JSON-Schema-Test-Suite, from the source package of jsonschema.

pip fetches the package, in the version that is installed, into build/; the suite is under the
MIT licence and nothing of it is kept here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
import jsonschema_rs
import pytest

from connector.aspect.explanation import draft_04
from connector.aspect.lexical import FORMATS
from connector.aspect.validation import Validator

pytestmark = pytest.mark.conformance

BUILD = Path(__file__).parents[3] / "build" / "conformance" / "json-schema"
FETCH_SECONDS = 300
# A model never leaves its schema, so nothing is ever fetched.
WITHOUT_NETWORK = {"refRemote.json", "vocabulary.json", "dynamicRef.json"}
# What XSD does not know: zones beyond 14 hours, and small letters.
BEYOND_XSD = {"23:29:60+23:30", "00:29:60-23:30", "08:30:06z", "1963-06-19t08:30:06.283185z"}

Case = tuple[str, Any, dict[str, Any]]


@cache
def suite() -> Path:
    """Return the folder of the suite's tests; skip where the package cannot be had."""
    name = f"jsonschema-{version('jsonschema')}"
    folder = BUILD / name / "json" / "tests"
    if not folder.is_dir():
        BUILD.mkdir(parents=True, exist_ok=True)
        options = "--quiet --no-deps --no-binary jsonschema --dest".split()
        wanted = f"jsonschema=={version('jsonschema')}"
        argv = [sys.executable, "-m", "pip", "download", *options, str(BUILD), wanted]
        fetched = subprocess.run(argv, check=False, timeout=FETCH_SECONDS, capture_output=True)
        if fetched.returncode:
            pytest.skip("the source package of jsonschema cannot be fetched")
        with tarfile.open(BUILD / f"{name}.tar.gz") as archive:
            archive.extractall(BUILD, filter="data")
    return folder


def cases(draft: str) -> list[Case]:
    """Return what is tested, its schema, and the test, for one draft or its formats."""
    files = [p for p in sorted((suite() / draft).glob("*.json")) if p.name not in WITHOUT_NETWORK]
    return [
        (f"{path.stem}: {group['description']}: {test['description']}", group["schema"], test)
        for path in files
        for group in json.loads(path.read_text(encoding="utf-8"))
        for test in group["tests"]
    ]


def _no_model() -> NoReturn:
    raise AssertionError


def test_both_engines_pass_all_tests_of_draft_04() -> None:
    found = cases("draft4")

    assert len(found) > 500
    assert [] == [
        title
        for title, schema, test in found
        if {Validator(schema, _no_model).is_valid(test["data"])}
        | {draft_04(schema).is_valid(test["data"])}
        != {test["valid"]}
    ]


def test_the_engines_that_hold_our_2020_12_schemas_to_their_verdict_pass_its_tests() -> None:
    found = [
        case
        for case in cases("draft2020-12")
        if isinstance(case[1], dict) and "$ref" not in str(case[1])
    ]

    assert len(found) > 500
    assert [] == [
        title
        for title, schema, test in found
        if {jsonschema_rs.Draft202012Validator(schema).is_valid(test["data"])}
        | {jsonschema.Draft202012Validator(schema).is_valid(test["data"])}
        != {test["valid"]}
    ]


@pytest.mark.parametrize("name", ["date", "time", "date-time", "duration", "uri"])
def test_formats_are_asserted_as_the_suite_says_but_for_what_xsd_does_not_know(name: str) -> None:
    found = [case for case in cases("draft2020-12/optional/format") if case[1]["format"] == name]
    texts = [test for _, _, test in found if isinstance(test["data"], str)]

    assert len(texts) > 10
    assert [] == [
        test["data"]
        for test in texts
        if FORMATS[name](test["data"]) != test["valid"] and test["data"] not in BEYOND_XSD
    ]
