"""What the tutorial tells a newcomer to type works as it is written, in both languages."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT

pytestmark = pytest.mark.journey

# A file is taken when it has been still for so long; a reader is slower than a test.
STABLE_SECONDS = 2.2
ALL_WELL, FINDINGS = 0, 1
PAGES = {
    "docs/tutorial.md": ("Begin", "Run it"),
    "docs/tutorial.es.md": ("Empiece", "Póngalo en marcha"),
}
COMMAND = re.compile(r"^[$] (.*)", re.MULTILINE)


@pytest.mark.parametrize(("page", "language"), [*zip(PAGES, ("en", "es"), strict=True)])
def test_the_tutorial_can_be_typed(page: str, language: str, tmp_path: Path) -> None:
    folder = tmp_path
    said = ""
    for command in _commands(page):
        if command.startswith("cd "):
            folder /= command.removeprefix("cd ")
            continue
        if "ingest" in command:
            time.sleep(STABLE_SECONDS)
        ran = _type(command, folder, language)
        assert ran.returncode in {ALL_WELL, FINDINGS}, (command, ran.stdout, ran.stderr)
        said = ran.stdout

    assert ["record.quarantined", "aspect.derived", "twin.registered"] == [
        event
        for event in re.findall(r"\w+\.\w+", said)
        if event in {"record.quarantined", "aspect.derived", "twin.registered"}
    ]


def _commands(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    first, last = PAGES[page]
    start, end = text.index(f"\n## {first}"), text.index(f"\n## {last}")
    return COMMAND.findall(text[start:end])


def _type(command: str, folder: Path, language: str) -> subprocess.CompletedProcess[str]:
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "LANG": f"{language}.UTF-8", "COLUMNS": "200"}
    environment = {k: v for k, v in environment.items() if not k.startswith(("LC_", "ESLABON_"))}
    return subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
