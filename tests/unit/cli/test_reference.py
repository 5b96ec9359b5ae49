"""The generated pages say what the program does."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.cli.reference import pages

ROOT = Path(__file__).parents[3]
PAGES = pages(ROOT)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    # If not: .venv/bin/python -m connector.cli.reference
    assert PAGES[path] == path.read_text(encoding="utf-8")


def test_every_key_of_the_settings_is_described() -> None:
    rows = list(PAGES[ROOT / "docs/reference/settings.md"].splitlines())

    assert [] == [row for row in rows if row.startswith("| `") and row.endswith("|  |")]
