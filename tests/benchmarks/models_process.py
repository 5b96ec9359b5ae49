"""One process that is measured: compiles published models, or judges payloads by them.

``compile FOLDER OUT`` writes the schemas of all cases, as the official generator does; the
others print what they measure as one line of JSON: ``figures FOLDER`` with a warm parser,
``cached FOLDER CACHE`` with a cache that was filled before.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs

from connector.aspect.library import CompiledModel, ModelLibrary
from connector.identifiers import SemanticId

ROUNDS = 3
CACHE_ROUNDS = 5
BATCHES, PAYLOADS = 40, 500
PCF = SemanticId("urn:samm:io.catenax.pcf:9.0.0#Pcf")


def main() -> None:
    """Do what the first word says."""
    what, folder, *rest = sys.argv[1:]
    if what == "compile":
        compile_all(Path(folder), Path(rest[0]))
        return
    measured = figures(Path(folder)) if what == "figures" else cached(Path(folder), Path(rest[0]))
    print(json.dumps(measured))  # noqa: T201


def cases(folder: Path) -> list[dict[str, Any]]:
    """Return the facts of all published cases."""
    found: list[dict[str, Any]] = json.loads((folder / "cases.json").read_text())["cases"]
    return found


def compile_all(folder: Path, out: Path) -> None:
    """Write the schema of each case."""
    library = ModelLibrary([folder / "models"])
    for number, case in enumerate(cases(folder)):
        schema = library.get(SemanticId(case["aspectUrn"])).schema
        (out / f"{number}.json").write_text(json.dumps(schema))


def figures(folder: Path) -> dict[str, object]:
    """Return milliseconds for each model, megabytes after each round, payloads per second."""
    ids = [SemanticId(case["aspectUrn"]) for case in cases(folder)]
    roots = [folder / "models"]
    # The Turtle parser's import belongs to the process, not to the first model.
    ModelLibrary(roots).get(ids[0])
    compiled, megabytes = [], []
    for _ in range(ROUNDS):
        compiled.append(_times(ModelLibrary(roots), ids))
        gc.collect()
        megabytes.append(_megabytes())
    return {
        "compiled": _best(compiled),
        "megabytes": megabytes,
        **validation(ModelLibrary(roots).get(PCF), _payload(folder)),
    }


def cached(folder: Path, cache: Path) -> list[float]:
    """Return the milliseconds until each schema was at hand; the first run fills the cache."""
    ids = [SemanticId(case["aspectUrn"]) for case in cases(folder)]
    roots = [folder / "models"]
    return _best([_times(ModelLibrary(roots, cache), ids) for _ in range(CACHE_ROUNDS)])


def _best(rounds: list[list[float]]) -> list[float]:
    """Return the best time of each model: others use the machine too."""
    return [min(times) for times in zip(*rounds, strict=True)]


def validation(model: CompiledModel, payload: dict[str, Any]) -> dict[str, float]:
    """Return payloads per second, bare and with findings, each the best of many batches."""
    bare = jsonschema_rs.Draft4Validator(model.schema)
    broken = {**payload, next(iter(model.schema["required"])): {}}  # type: ignore[call-overload]
    assert bare.is_valid(payload)
    assert model.findings(payload) == []
    assert len(model.findings(broken)) == 1
    pairs = [
        (_rate(bare.is_valid, payload), _rate(model.findings, payload)) for _ in range(BATCHES)
    ]
    return {
        "bare": max(first for first, _ in pairs),
        "ours": max(second for _, second in pairs),
        "broken": _rate(model.findings, broken, 50),
    }


def _rate(
    judge: Callable[[dict[str, Any]], object], payload: dict[str, Any], count: int = PAYLOADS
) -> float:
    start = time.perf_counter()
    for _ in range(count):
        judge(payload)
    return count / (time.perf_counter() - start)


def _times(library: ModelLibrary, ids: list[SemanticId]) -> list[float]:
    """Return the milliseconds until each schema was at hand."""
    times = []
    for semantic_id in ids:
        start = time.perf_counter()
        library.get(semantic_id).schema  # noqa: B018 - made when it is asked for
        times.append((time.perf_counter() - start) * 1000)
    return times


def _payload(folder: Path) -> dict[str, Any]:
    (of,) = (case["payload"] for case in cases(folder) if case["aspectUrn"] == PCF)
    content: dict[str, Any] = json.loads((folder / of).read_text())
    return content


def _megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
