"""Measures esmf-aspect-model-loader, which only loads models, in a throw-away environment."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Newer ones hand every older model to a program that they download, and load none without it.
RELEASE = "esmf-aspect-model-loader==2.2.1"
INSTALL_SECONDS = 120
LOAD_SECONDS = 240
# It runs where our code is not: words are the folder of models and the files in it.
PROGRAM = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from esmf_aspect_meta_model_python import SAMMGraph
loaded = 0
for path in sys.argv[1:]:
    try:
        graph = SAMMGraph()
        graph.parse(path)
        graph.load_aspect_model()
        loaded += 1
    except Exception:
        pass
print(loaded)
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many models were loaded in how many seconds; or why nothing was measured."""

    lacking: str
    count: int = 0
    seconds: float = 0.0


def measure(folder: Path) -> Loaded:
    """Install the loader, load all published models in one process, and throw it away."""
    cases = json.loads((folder / "cases.json").read_text("utf-8"))["cases"]
    files = [str(folder / case["ttl"]) for case in cases]
    try:
        with tempfile.TemporaryDirectory() as environment:
            python = _installed(Path(environment))
            start = time.perf_counter()
            told = _run(LOAD_SECONDS, "nice", "-n", "5", python, "-c", PROGRAM, *files)
            return Loaded("", int(told.splitlines()[-1]), time.perf_counter() - start)
    except subprocess.CalledProcessError:
        return Loaded(f"{RELEASE} could not be installed or run here")
    except subprocess.TimeoutExpired:
        return Loaded(f"{RELEASE} took more than {LOAD_SECONDS} s")


def _installed(environment: Path) -> str:
    python = str(environment / "bin" / "python")
    _run(INSTALL_SECONDS, sys.executable, "-m", "venv", str(environment))
    _run(INSTALL_SECONDS, python, "-m", "pip", "install", "--quiet", RELEASE)
    return python


def _run(seconds: float, *argv: str) -> str:
    done = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=seconds)
    return done.stdout


def lines(found: Loaded, count: int, ours: float) -> Iterator[str]:
    """Yield the row of a table of start-to-end times; ``ours`` is our time in seconds."""
    name = f"{RELEASE.replace('==', ' ')} (Python)"
    if found.lacking:
        yield f"| {name} | not measured: {found.lacking} | |"
        return
    yield (
        f"| {name}, {found.count} of {count} models loaded, no schema |"
        f" {found.seconds:.1f} | {found.seconds / ours:.0f} times ours |"
    )
