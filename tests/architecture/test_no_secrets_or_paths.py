"""What we publish names no secret, no folder of one machine and no registry's host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pip._internal.models.index import PyPI

from tests.architecture.source_tree import ROOT, kept_files

# Spelled in pieces, since this file is read by its own test.
MACHINE_FOLDERS = ("work", "root", "farm", "home")
BESIDE = ".." + "/shared"
KEY = "-----BEGIN [A-Z ]*" + "PRIVATE KEY-----"
HOST = re.escape(PyPI.simple_url.split("/")[2])
FOLDER = rf"(^|[^A-Za-z0-9_.~])/({'|'.join(MACHINE_FOLDERS)})/"

FILES = [path for path in kept_files() if path.stat().st_size < 1_000_000]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize(
    "forbidden", [KEY, HOST, FOLDER], ids=["private key", "registry", "machine's folder"]
)
def test_no_kept_file_holds(forbidden: str) -> None:
    assert [] == _lines_with(forbidden, FILES)


def test_only_ci_knows_what_lies_beside_the_repository() -> None:
    house = [path for path in FILES if ROOT / ".ci" not in path.parents]

    assert [] == _lines_with(re.escape(BESIDE), house)


def _lines_with(pattern: str, files: list[Path]) -> list[str]:
    looked_for = re.compile(pattern)
    return [
        f"{_name(path)}:{number}"
        for path in files
        for number, line in enumerate(_text(path).splitlines(), 1)
        if looked_for.search(line)
    ]


def _text(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content[:1000] else content.decode("utf-8", errors="replace")
