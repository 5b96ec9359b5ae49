"""What the pages tell a reader to open or to type is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT, kept_files

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")
MAKE = re.compile(r"^\s*(?:[$] )?make ([a-z]+)|`make ([a-z]+)", re.MULTILINE)
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)

PAGES = [path for path in kept_files() if path.suffix == ".md"]
TRANSLATED = [
    ("README.md", "README.es.md"),
    ("docs/tutorial.md", "docs/tutorial.es.md"),
    ("docs/reference/mapping.md", "docs/reference/mapping.es.md"),
    ("docs/how-to/prove-who-read-what.md", "docs/how-to/es/demostrar-quien-leyo-que.md"),
    ("docs/how-to/write-a-policy.md", "docs/how-to/es/escribir-una-politica.md"),
    (
        "docs/how-to/find-out-why-an-exchange-does-not-work.md",
        "docs/how-to/es/averiguar-por-que-no-funciona-un-intercambio.md",
    ),
]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    targets = [found[0] for found in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [target for target in targets if "://" not in target]

    assert [] == [target for target in local if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_task_that_a_page_names_can_be_made(page: Path) -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    named = {first or second for first, second in MAKE.findall(page.read_text(encoding="utf-8"))}

    assert set() == named - targets


@pytest.mark.parametrize(("english", "spanish"), TRANSLATED)
def test_a_translation_has_the_sections_and_as_many_commands_as_its_original(
    english: str, spanish: str
) -> None:
    original, translation = (
        (ROOT / name).read_text(encoding="utf-8") for name in (english, spanish)
    )

    assert _shape(original) == _shape(translation)


def _shape(page: str) -> tuple[list[str], int]:
    """Depth of the headings, and how many commands stand in code blocks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    typed = [line for block in blocks for line in re.findall(r"^[$] (.*)", block, re.MULTILINE)]
    outside = re.sub(r"^```\w*\n.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^(#+) ", outside, re.MULTILINE), len(typed)
