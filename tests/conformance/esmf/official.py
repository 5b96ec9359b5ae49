"""Runs the official generator of JSON Schema over many aspect models, in one Java machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.identifiers import SemanticId
from tests.conformance import java

HERE = Path(__file__).parent
FOLDER = java.BUILD / "esmf"
JAVA_MIN = 21
GENERATE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the generator made of one model: a schema, or the reason why there is none."""

    milliseconds: float
    failure: str
    schema_file: Path

    def schema(self) -> dict[str, Any]:
        """Return the schema; an `AssertionError` says why there is none."""
        assert self.failure == ""
        content: dict[str, Any] = json.loads(self.schema_file.read_text("utf-8"))
        return content


def lacking() -> str:
    """Return what this machine lacks to run the generator, one sentence; empty if nothing."""
    if java_command() is None:
        return f"Java {JAVA_MIN} or newer is needed: on the path, in JAVA_HOME or /usr/lib/jvm"
    if shutil.which("mvn") is None:
        return "Maven is needed, and there is no mvn on the path"
    return ""


def java_command() -> Path | None:
    """Return the ``java`` of the newest release on this machine that is new enough."""
    found = {_release(home): home / "bin" / "java" for home in _java_homes()}
    newest = max(found, default=0)
    return found[newest] if newest >= JAVA_MIN else None


def generate(wanted: Sequence[tuple[Path, SemanticId]]) -> Mapping[SemanticId, Outcome]:
    """Have the schemas of models made; each is given with the root of its folder tree.

    The schemas are left below ``build/conformance/esmf/schemas``.
    """
    command, jars = java_command(), java.jars_of(HERE / "pom.xml", FOLDER)
    assert command is not None
    lines = [f"{root.absolute()}\t{urn}\t{_schema_file(urn)}" for root, urn in wanted]
    argv = ("nice", "-n", "5", command, "-cp", f"{jars}/*", HERE / "Generate.java")
    done = subprocess.run(
        argv,
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=GENERATE_SECONDS,
        check=True,
    )
    return dict(_outcomes(done.stdout))


def _outcomes(told: str) -> Iterator[tuple[SemanticId, Outcome]]:
    for line in told.splitlines():
        urn, milliseconds, failure = line.split("\t")
        yield SemanticId(urn), Outcome(float(milliseconds), failure, _schema_file(urn))


def _schema_file(urn: str) -> Path:
    return FOLDER / "schemas" / f"{re.sub('[:#]', '/', urn)}.json"


def _java_homes() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home)
    if command := shutil.which("java"):
        yield Path(command).resolve().parents[1]
    yield from Path("/usr/lib/jvm").glob("*")


def _release(home: Path) -> int:
    """Return the number of the release in a home of Java, 0 where it holds none."""
    try:
        told = (home / "release").read_text("utf-8")
    except OSError:
        return 0
    found = re.search(r'^JAVA_VERSION="(\d+)', told, re.MULTILINE)
    return int(found[1]) if found and (home / "bin" / "java").exists() else 0
