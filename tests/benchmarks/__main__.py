"""``make bench``: runs every benchmark beside its floor, and writes docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from deploy.demo.company import DataSpace
from tests.benchmarks import exchange, load, models, reads, rival
from tests.benchmarks.goals import goal
from tests.benchmarks.rival import Rival
from tests.benchmarks.serial_parts import write

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
ROWS = (100_000, 1_000_000)
RUNS = {100_000: 5, 1_000_000: 1}


@dataclass(frozen=True, slots=True)
class Intake:
    """One size of file: rows per second over the floor and through the house, peak memory."""

    rows: int
    floor: float
    ours: float
    megabytes: float


def main() -> None:
    """Run all and write the page; takes a quarter of an hour."""
    intakes = [measure_intake(rows) for rows in ROWS]
    exchanges = exchange.measure()
    loaded = load.measure()
    read = reads.measure()
    beside = rival.measure()
    proxied = beside.reads.warm if beside.reads else None
    lines = [
        *page(intakes),
        *exchange.page(exchanges, beside),
        *rival.page(beside),
        *load.page(loaded),
        *reads.page(read, proxied),
        *_start_lines(exchanges.start, beside),
        *models.page(models.measure()),
    ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))  # noqa: T201


def measure_intake(rows: int) -> Intake:
    """Return the medians of pairs of runs, floor and house in turn, on the same disk."""
    pairs = []
    for _ in range(RUNS[rows]):
        with tempfile.TemporaryDirectory() as name, DataSpace.open(Path(name) / "space") as space:
            source = Path(name) / "source.csv"
            write(source, rows)
            supplier = exchange.supplier_of(space, Path(name), rows=0)
            floor = _run("floor_intake", source, Path(name) / "floor.db")
            pairs.append((floor, _run("intake", supplier.folder, source)))
    print(rows, pairs, file=sys.stderr)  # noqa: T201
    return Intake(
        rows,
        median(f["rows"] / f["seconds"] for f, _ in pairs),
        median(o["rows"] / o["seconds"] for _, o in pairs),
        max(o["megabytes"] for _, o in pairs),
    )


def _run(module: str, *words: object) -> dict[str, float]:
    # One core for both, as the figures are stated.
    argv = ("taskset", "-c", "0", sys.executable, "-m", f"tests.benchmarks.{module}")
    done = subprocess.run(
        [*argv, *map(str, words)], check=True, capture_output=True, text=True, timeout=900
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def page(intakes: list[Intake]) -> Iterator[str]:
    """Yield the first lines of docs/benchmarks.md."""
    yield "# Benchmarks"
    yield ""
    yield "Written by `make bench`; every ratio is of two measurements of the same run."
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    now = datetime.now(UTC).date().isoformat()
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    yield f"Last run {now}: {machine}, {versions}. Machines differ: trust the ratios."
    yield from _intake_lines(intakes)


def _intake_lines(intakes: list[Intake]) -> Iterator[str]:
    small, large = intakes
    yield ""
    yield "## Intake: a CSV of serial parts to validated, registered, offered twins, one core"
    yield ""
    yield (
        "The floor (`tests/benchmarks/floor_intake.py`) takes the same rows through csv, orjson,"
        " jsonschema-rs and SQLite alone: a unique twin id, an index on the four specific asset"
        " ids, batches of 1,000, the same PRAGMAs, the same disk. It keeps no records, no"
        " quarantine, no versions, no journal."
    )
    yield ""
    yield "| rows | floor, rows/s | ours, rows/s | ours / floor | goal | peak memory | goal |"
    yield "|---|---|---|---|---|---|---|"
    for one in intakes:
        share = one.ours / one.floor
        yield (
            f"| {one.rows:,} | {one.floor:,.0f} | {one.ours:,.0f} | {share:.0%} |"
            f" {goal('≥ 35 %', met=share >= 0.35)} | {one.megabytes:.0f} MB |"
            f" {goal('< 250 MB', met=one.megabytes < 250)} |"
        )
    change = large.ours / small.ours - 1
    yield ""
    yield f"From {small.rows:,} to {large.rows:,} rows our rate changes by {change:+.0%}"
    yield f"({goal('goal: within 25 %', met=abs(change) <= 0.25)})."


def _start_lines(start: exchange.Start, beside: Rival) -> Iterator[str]:
    theirs = beside.default
    started = f"{median(theirs.start_seconds):.1f} s" if theirs else "not measured"
    idle = f"{theirs.megabytes_started:.0f} MB" if theirs else "not measured"
    tuned = beside.tuned
    after = f"{tuned.megabytes_after:.0f} MB, {len(tuned.steps)}" if tuned else "not measured"
    yield ""
    yield "## Daemon"
    yield ""
    yield f"| | measured | goal | {rival.NAME} |"
    yield "|---|---|---|---|"
    yield (
        f"| command to ready, median of {len(start.seconds)} | {median(start.seconds):.2f} s |"
        f" {goal('< 1 s', met=median(start.seconds) < 1)} | {started} |"
    )
    low = goal("< 120 MB", met=start.megabytes < 120)
    yield f"| resident memory, idle | {start.megabytes:.0f} MB | {low} | {idle} |"
    yield (
        f"| resident memory after exchanges | {start.after_megabytes:.0f} MB,"
        f" {start.after_exchanges} | | {after} |"
    )


if __name__ == "__main__":
    main()
