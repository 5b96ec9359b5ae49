"""Every word of the mapping language stands in its reference, in both languages."""

from __future__ import annotations

import re

import pytest

from connector.aspect.mapping import parsing
from connector.aspect.mapping.expressions import VOCABULARY
from connector.aspect.mapping.formats import DIRECTIVES, EPOCHS, ISO
from connector.aspect.mapping.units import UNITS
from tests.architecture.source_tree import ROOT

PAGES = ("mapping.md", "mapping.es.md")
STRUCTURE = {
    *parsing.TOP_WORDS,
    *parsing.TWIN_WORDS,
    *parsing.ROW_WORDS,
    *parsing.LIST_WORDS,
    *parsing.FILE_WORDS,
}
WORDS = {
    *STRUCTURE,
    *(word for words in VOCABULARY.values() for word in words),
    *(ISO, *EPOCHS, *DIRECTIVES, *UNITS),
}


def _page(name: str) -> str:
    return (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_names_every_word(name: str) -> None:
    blocks = re.findall(r"```yaml\n.*?```|`[^`]+`", _page(name), re.DOTALL)
    named = {word for block in blocks for word in re.findall(r"[^\s`{},\[\]\"]+", block)}
    named |= {word.rstrip(":") for word in named}

    assert set() == WORDS - named


def test_the_translation_shows_the_same_words_and_tables() -> None:
    english, spanish = (_page(name) for name in PAGES)

    def first_cells(page: str) -> list[str]:
        return re.findall(r"^\| (`[^|]+`) \|", page, re.MULTILINE)

    assert first_cells(english) == first_cells(spanish)
