"""The settings that the pages show are settings."""

from __future__ import annotations

import re
import tomllib

import pytest

from connector.settings.sections import ConfigurationFile
from connector.settings.shape import Shape
from tests.architecture.source_tree import ROOT

BLOCK = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_SAID_HERE = {"settings:missing_key"}
SHOWN = [
    (page.relative_to(ROOT).as_posix(), text)
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for text in BLOCK.findall(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("page", "text"), SHOWN)
def test_settings_that_are_shown_are_settings(page: str, text: str) -> None:
    problems = Shape(ConfigurationFile).problems(tomllib.loads(text))

    wrong = [(page, p.code, p.path) for p in problems if p.code not in NOT_SAID_HERE]
    assert [] == wrong
