"""The import contracts hold, and they would tell if they did not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT

LINT = "import sys; from importlinter.cli import lint_imports as lint; sys.exit(lint({}))"
MODULES = """
    connector/__init__ connector/texts connector/errors connector/identifiers connector/daemon
    connector/cli connector/settings connector/testing connector/store/__init__
    connector/store/database connector/record/__init__ connector/record/model
    connector/protocols/__init__ connector/protocols/jsonld connector/protocols/http
    connector/protocols/dsp connector/protocols/dcp connector/protocols/aas
    connector/protocols/dataplane adapters/__init__ adapters/mqtt adapters/json_lines
""".split()
SINS = {
    # who                      imports                    and is caught by
    "connector/record/intake": ("connector.protocols.dsp", "Who may import whom"),
    "connector/attic": ("connector.errors", "Who may import whom"),
    "connector/protocols/dsp": ("connector.protocols.dcp", "Wire languages"),
    "connector/store/journal": ("connector.store.outbox", "No circles"),
    "connector/store/outbox": ("connector.store.journal", "No circles"),
    "connector/record/table": ("sqlite3", "Only connector.store.database"),
    "connector/testing": ("connector.settings", "Only cli and daemon"),
    "connector/record/sources": ("adapters.mqtt", "The house never names an adapter"),
    "adapters/mqtt": ("connector.store.database", "An adapter sees the intake port"),
    "adapters/json_lines": ("adapters.mqtt", "Adapters do not know each other"),
}


def test_the_house_keeps_every_import_contract() -> None:
    assert "0 broken" in _lint(ROOT)


def test_empty_rooms_keep_every_contract(small_house: Path) -> None:
    assert "0 broken" in _lint(small_house)


def test_every_contract_tells_when_it_is_broken(small_house: Path) -> None:
    for sinner, (imported, _) in SINS.items():
        _write(small_house, sinner, f"import {imported}")

    said = _lint(small_house)

    kept = [
        name for _, name in SINS.values() if not re.search(f"^{name}.* BROKEN", said, re.MULTILINE)
    ]
    unnamed = [sinner for sinner in SINS if sinner.rsplit("/", 1)[1] not in said]
    assert ([], []) == (kept, unnamed)


@pytest.fixture
def small_house(tmp_path: Path) -> Path:
    """A house of empty rooms under the real contracts."""
    for name in MODULES:
        _write(tmp_path, name, "")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _lint(folder: Path) -> str:
    options = "no_cache=True, no_logo=True"
    command = [sys.executable, "-c", LINT.format(options)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def _write(folder: Path, module: str, text: str) -> None:
    path = folder / f"{module}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", encoding="utf-8")
