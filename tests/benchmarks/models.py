"""Measures the semantic models: compiling them, taking them from the cache, judging by them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from connector.identifiers import SemanticId
from tests.benchmarks import models_loader, models_process
from tests.benchmarks.goals import goal
from tests.conformance import java
from tests.conformance.esmf import official

COMPILE_RUNS = 3


@dataclass(frozen=True, slots=True)
class Official:
    """What the official generator took for all models, start to end; or why it did not run."""

    lacking: str
    seconds: float = 0.0
    milliseconds: tuple[float, ...] = ()
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures: times in milliseconds by model, payloads per second, resident megabytes."""

    start_to_end: float
    compiled: tuple[float, ...]
    cached: tuple[float, ...]
    megabytes: tuple[float, ...]
    bare: float
    ours: float
    broken: float
    official: Official
    loader: models_loader.Loaded


def published_folder() -> Path | None:
    """Return the folder of published models, None where none is named."""
    named = os.environ.get("ESLABON_SEMANTIC_MODELS")
    return Path(named).absolute() if named else None


def measure() -> Figures | None:
    """Measure everything, a minute or two; None where there are no published models."""
    folder = published_folder()
    if folder is None:
        return None
    told = _told("figures", folder)
    with tempfile.TemporaryDirectory() as cache:
        _told("cached", folder, cache)
        cached = _told("cached", folder, cache)
    return Figures(
        start_to_end=min(_start_to_end(folder) for _ in range(COMPILE_RUNS)),
        compiled=tuple(told["compiled"]),
        cached=tuple(cached),
        megabytes=tuple(told["megabytes"]),
        bare=told["bare"],
        ours=told["ours"],
        broken=told["broken"],
        official=_official(folder),
        loader=models_loader.measure(folder),
    )


def _start_to_end(folder: Path) -> float:
    """Return the seconds of a process that writes all schemas, its start included."""
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        _run("compile", folder, out)
        return time.perf_counter() - start


def _official(folder: Path) -> Official:
    if reason := official.lacking():
        return Official(reason)
    java.jars_of(official.HERE / "pom.xml", official.FOLDER)
    cases = models_process.cases(folder)
    wanted = [(folder / "models", SemanticId(case["aspectUrn"])) for case in cases]
    start = time.perf_counter()
    outcomes = official.generate(wanted).values()
    return Official(
        "",
        time.perf_counter() - start,
        tuple(sorted(one.milliseconds for one in outcomes)),
        sum(1 for one in outcomes if one.failure),
    )


def _told(*words: object) -> Any:
    return json.loads(_run(*words).splitlines()[-1])


def _run(*words: object) -> str:
    # As polite to others as the official generator is.
    argv = ("nice", "-n", "5", sys.executable, "-m", "tests.benchmarks.models_process")
    done = subprocess.run(
        [*argv, *map(str, words)], check=True, capture_output=True, text=True, timeout=300
    )
    return done.stdout


def page(found: Figures | None) -> Iterator[str]:
    """Yield the lines of the section."""
    yield ""
    yield "## Semantic models"
    yield ""
    if found is None:
        yield "Not measured: `ESLABON_SEMANTIC_MODELS` names no folder of published models."
        return
    count = len(found.compiled)
    yield (
        f"{count} published models with all that they depend on; a time of one model is the best"
        " of some rounds, for others use the machine too."
    )
    yield ""
    yield "| | measured | goal |"
    yield "|---|---|---|"
    yield from _compile_lines(found)
    yield from _judge_lines(found)
    first, *_, last = found.megabytes
    yield f"| memory after all models once, and three times | {first:.0f}, {last:.0f} MB | flat |"
    yield ""
    yield from _peer_lines(found, count)


def _compile_lines(found: Figures) -> Iterator[str]:
    whole = sum(found.compiled) / 1000
    all_goal = goal("< 2.5 s", met=whole < 2.5)
    each_goal = goal("each < 120 ms", met=max(found.compiled) < 120)
    cached_goal = goal("each < 1 ms", met=max(found.cached) < 1)
    yield f"| Turtle to schema, all in one process, its start aside | {whole:.2f} s | {all_goal} |"
    yield f"| one of them: median, longest | {_spread(found.compiled, 0)} ms | {each_goal} |"
    yield f"| from the cache: median, longest | {_spread(found.cached, 2)} ms | {cached_goal} |"


def _judge_lines(found: Figures) -> Iterator[str]:
    rates = f"{found.ours:,.0f} of {found.bare:,.0f} a second"
    yield (
        "| a valid PCF payload, findings asked for, beside bare jsonschema-rs |"
        f" {found.ours / found.bare:.0%} ({rates}) |"
        f" {goal('≥ 80 %', met=found.ours >= 0.8 * found.bare)} |"
    )
    yield f"| one with a mistake, explained | {found.broken:,.0f} a second | |"


def _peer_lines(found: Figures, count: int) -> Iterator[str]:
    yield "| all schemas written, start of the process to its end | seconds | beside ours |"
    yield "|---|---|---|"
    yield f"| ours | {found.start_to_end:.2f} | |"
    theirs = found.official
    if theirs.lacking:
        yield f"| the official generator (Java) | not measured: {theirs.lacking} | |"
    else:
        ratio = theirs.seconds / found.start_to_end
        ten = goal("goal: ten", met=ratio >= 10)
        yield (
            f"| the official generator (Java), {count - theirs.failed} of {count} models |"
            f" {theirs.seconds:.1f} | {ratio:.0f} times ours ({ten}) |"
        )
    yield from models_loader.lines(found.loader, count, found.start_to_end)
    if not theirs.lacking:
        yield ""
        middle, longest = median(theirs.milliseconds), theirs.milliseconds[-1]
        yield f"One model took the official generator {middle:.0f} ms in the middle, and"
        yield f"{longest / 1000:.1f} s at most, all in one Java machine."


def _spread(times: Sequence[float], digits: int) -> str:
    return f"{median(times):.{digits}f}, {max(times):.{digits}f}"
