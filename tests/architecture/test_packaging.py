"""What is installed is what was written: the lock covers the needs, the wheel holds the data."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source_tree import ROOT, kept_files

SHIPPED = ("connector", "adapters", "schemas")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def test_the_lock_satisfies_every_need_of_the_project() -> None:
    pinned = {canonicalize_name(name): version for name, version in PINNED.findall(_lock())}
    needs = [Requirement(line) for line in _needs()]

    assert [] == [
        str(need)
        for need in needs
        if not need.specifier.contains(pinned.get(canonicalize_name(need.name), "0"))
    ]


def test_the_lock_names_every_hash_and_no_address() -> None:
    entries = re.split(r"\n(?=\S)", _lock())
    pins = [entry for entry in entries if PINNED.match(entry)]

    assert [] == [entry.split()[0] for entry in pins if "--hash=sha256:" not in entry]
    assert [] == re.findall(r"^--\S+|\w+://\S+", _lock(), re.MULTILINE)


def test_the_wheel_holds_every_file_of_the_house(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    kept = {str(path.relative_to(ROOT)) for path in kept_files()}
    wanted = {name for name in kept if name.split("/")[0] in SHIPPED}

    with zipfile.ZipFile(wheel) as packed:
        assert set() == wanted - set(packed.namelist())


def test_every_adapter_that_is_announced_can_be_loaded() -> None:
    announced = entry_points(group="eslabon.adapters")

    assert set(_project()["entry-points"]["eslabon.adapters"]) == announced.names
    assert all(callable(adapter.load()) for adapter in announced)


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _needs() -> list[str]:
    project = _project()
    return [*project["dependencies"], *project["optional-dependencies"]["dev"]]


def _lock() -> str:
    return (ROOT / "requirements.lock").read_text()
