"""The mappings that the pages show are mappings, and the reference names every word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.mapping.checking import check_mapping
from connector.aspect.mapping.expressions import VOCABULARY
from connector.aspect.mapping.parsing import parse_mapping
from connector.aspect.mapping.units import UNITS
from tests.architecture.source_tree import ROOT

REFERENCE = (ROOT / "docs" / "reference" / "mapping.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```yaml\n(model: .*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = [
    (page, text)
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for text in BLOCK.findall(page.read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def library() -> ModelLibrary:
    return ModelLibrary([shipped_folder()])


@pytest.mark.parametrize(("page", "text"), SHOWN)
def test_a_mapping_that_is_shown_fits_its_model(
    page: Path, text: str, library: ModelLibrary
) -> None:
    definition, findings = parse_mapping(text, page.name)

    assert definition
    found = [*findings, *check_mapping(definition, lambda urn: library.get(urn).model)]
    assert [] == [str(finding.text()) for finding in found]


def test_the_guide_shows_mappings() -> None:
    assert "map-your-columns.md" in {page.name for page, _ in SHOWN}


def test_the_reference_names_every_word_and_every_unit() -> None:
    words = {word for known in VOCABULARY.values() for word in known} | set(UNITS)

    assert set() == {word for word in words if f"`{word}`" not in REFERENCE}
