"""Measures whole exchanges between two processes: warm, cold, and while rows are taken in."""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.demo.company import Acquaintance, Company, DataSpace
from deploy.demo.configuration import Feed, Offer
from deploy.demo.processes import wait_until
from tests.benchmarks.exchange_consumer import Plan
from tests.benchmarks.rival import NAME, Rival
from tests.benchmarks.serial_parts import DELIMITER, ENCODING, MAPPING, PARTS, write

ROUNDS = 300
COLD_ROUNDS = 20
BUSY_ROWS = 1_000_000
BUSY_PAUSE_SECONDS = 0.05
BUSY_ROUNDS_MAX = 10_000
BUSY_SECONDS_MAX = 600.0
LOOK_SECONDS = 0.5
WARM_GOAL, COLD_GOAL, BUSY_GOAL = 20.0, 50.0, 250.0  # milliseconds
DEFAULT_TIMES_GOAL, TUNED_TIMES_GOAL = 250, 42


Times = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Exchanges:
    """Times in milliseconds of exchanges begun with nothing at hand.

    ``warm``: one after the other; ``cold``: each the first after a restart of both sides;
    ``busy``: while a file of ``rows`` is taken in, ``busy_rows`` of them a second.
    """

    warm: Times
    cold: Times
    busy: Times
    rows: int
    busy_rows: float
    start: Start


@dataclass(frozen=True, slots=True)
class Start:
    """A daemon's start: seconds from the command to ready, and its resident memory idle.

    ``after_megabytes`` is the memory of one that has made ``after_exchanges``.
    """

    seconds: tuple[float, ...]
    megabytes: float
    after_megabytes: float
    after_exchanges: int


def percentile(times: Sequence[float], share: float) -> float:
    """Return the time below which this share of them lies."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def supplier_of(
    space: DataSpace, folder: Path, rows: int, asking: Sequence[Acquaintance] = ()
) -> Company:
    """Return a supplier that will take in so many serial parts and offer them to the OEM.

    Others than the OEM may be the ones who ask.
    """
    supplier = space.company("supplier", "BPNL00000000PUE1")
    drop = folder / "drop"
    drop.mkdir()
    write(drop / "serial.csv", rows)
    mapping = folder / "serial.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    source = {"folder": str(drop), "encoding": ENCODING, "delimiter": DELIMITER}
    feed = Feed("serial", "delimited_file", mapping, {**source, "stable_seconds": 0.1}, 0.2)
    if not asking:
        oem = space.company("oem", "BPNL00000000OEM1")
        oem.configure(partners=[supplier])
        asking = [oem]
    offer = Offer("all", tuple(one.name for one in asking))
    supplier.configure(partners=asking, feeds=[feed], offers=[offer])
    return supplier


def measure(rounds: int = ROUNDS, cold: int = COLD_ROUNDS, rows: int = BUSY_ROWS) -> Exchanges:
    """Run a supplier and an OEM that exchanges with it, in all three ways."""
    with tempfile.TemporaryDirectory() as name, DataSpace.open(Path(name) / "space") as space:
        folder = Path(name)
        supplier = supplier_of(space, folder, rows=100)
        supplier.start()
        wait_until(lambda: supplier.counts()["offers"] >= 100, "twins", 30.0)
        oem = Asking(space.companies[1], folder)
        warm = oem.exchange(rounds + 1)[1:]
        after = resident_megabytes(supplier.process.pid)
        seconds, megabytes, first = _cold(supplier, oem, cold)
        busy, busy_rows = _busy(supplier, oem, folder, rows) if rows else ((0.0,), 0.0)
    start = Start(seconds, megabytes, after, rounds + 1)
    return Exchanges(warm, first, busy, rows, busy_rows, start)


def _cold(supplier: Company, oem: Asking, rounds: int) -> tuple[Times, float, Times]:
    """Return seconds to start, memory idle, and the first exchange after each such restart."""
    times: list[float] = []
    seconds, megabytes = [], 0.0
    for _ in range(rounds):
        supplier.stop()
        began = time.perf_counter()
        supplier.start()
        seconds.append(time.perf_counter() - began)
        time.sleep(0.5)
        megabytes = resident_megabytes(supplier.process.pid)
        times += oem.exchange(1)
    return tuple(seconds), megabytes, tuple(times)


def _busy(supplier: Company, oem: Asking, folder: Path, rows: int) -> tuple[Times, float]:
    """Return the times while a file is taken in, from its first row to its last offer."""
    write(folder / "many.csv", rows, first=1_000_000)
    stop = folder / "stop"
    begun = oem.begin(
        replace(oem.plan(BUSY_ROUNDS_MAX), stop=str(stop), pause_seconds=BUSY_PAUSE_SECONDS)
    )
    began = time.perf_counter()
    (folder / "many.csv").rename(folder / "drop" / "many.csv")
    _wait_for_twins(supplier, 100 + rows)
    seconds = time.perf_counter() - began
    stop.touch()
    return oem.end(begun), rows / seconds


def _wait_for_twins(supplier: Company, count: int) -> None:
    """Look into the store itself, and seldom: being asked costs the connector time."""
    store = sqlite3.connect(supplier.folder / "data" / "eslabon.db")
    end = time.monotonic() + BUSY_SECONDS_MAX
    while store.execute("SELECT max(twin) FROM exposure").fetchone()[0] < count:
        assert time.monotonic() < end, "intake did not end"
        time.sleep(LOOK_SECONDS)
    store.close()


@dataclass
class Asking:
    """The OEM, whose process makes exchanges and then ends."""

    oem: Company
    folder: Path
    _submodel: tuple[str, str] | None = None

    def plan(self, rounds: int) -> Plan:
        """Return the plan of so many exchanges about the first part."""
        return Plan(
            config=str(self.oem.config),
            out=str(self.folder / "times.json"),
            rounds=rounds,
            asset_ids=(("manufacturerPartId", PARTS[0]), ("partInstanceId", "SN000000000")),
            submodel=self._submodel,
        )

    def exchange(self, rounds: int) -> Times:
        """Make so many exchanges in a process that begins and ends with them."""
        return self.end(self.begin(self.plan(rounds)))

    def begin(self, plan: Plan) -> subprocess.Popen[bytes]:
        """Begin with what is planned."""
        plan.write(self.folder / "consumer.json")
        argv = (sys.executable, "-m", "tests.benchmarks.exchange_consumer")
        return subprocess.Popen((*argv, str(self.folder / "consumer.json")))

    def end(self, begun: subprocess.Popen[bytes]) -> Times:
        """Wait for the end and return the times of whole exchanges in milliseconds."""
        assert begun.wait(300) == 0
        found = json.loads((self.folder / "times.json").read_text(encoding="utf-8"))
        self._submodel = found["submodel"]
        return tuple(sum(steps) for steps in found["times"])


def resident_megabytes(pid: int) -> float:
    """Return what a process keeps in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def page(exchanges: Exchanges, rival: Rival) -> Iterator[str]:
    """Yield the lines about exchanges of docs/benchmarks.md."""
    yield ""
    yield "## Exchange: catalog, negotiation, transfer, first byte; two processes on loopback"
    yield ""
    yield (
        "Exchanges one after the other, each from nothing: a new negotiation and a new transfer,"
        " a fresh ES256 token signed and verified on every message, credentials verified (their"
        " check is reused for 60 s), every state and message durable before it counts"
        " (`synchronous=FULL`). Alone: `python -m tests.benchmarks.exchange`."
    )
    yield ""
    yield "| ours | exchanges | median, ms | goal | p99, ms | goal |"
    yield "|---|---|---|---|---|---|"
    cold = "cold: both connectors just started, all caches empty"
    yield _own("warm", exchanges.warm, median_goal=WARM_GOAL)
    yield _own(cold, exchanges.cold, median_goal=COLD_GOAL)
    yield _own(f"while {exchanges.rows:,} rows are taken in", exchanges.busy, high_goal=BUSY_GOAL)
    yield ""
    yield (
        f"With {1 / BUSY_PAUSE_SECONDS:.0f} exchanges a second at most beside it, intake brought"
        f" {exchanges.busy_rows:,.0f} rows a second to their offers."
    )
    yield from _beside(exchanges, rival)


def _own(name: str, times: Times, median_goal: float = 0.0, high_goal: float = 0.0) -> str:
    middle, high = statistics.median(times), percentile(times, 0.99)
    return (
        f"| {name} | {len(times)} | {middle:.1f} | {_goal(middle, median_goal)} |"
        f" {high:.1f} | {_goal(high, high_goal)} |"
    )


def _goal(measured: float, goal: float) -> str:
    if not goal:
        return ""
    return f"< {goal:g}" if measured < goal else f"< {goal:g} **missed**"


def _beside(exchanges: Exchanges, rival: Rival) -> Iterator[str]:
    yield ""
    yield f"| beside {NAME} | exchanges | median, ms | times ours | goal | p99, ms | times ours |"
    yield "|---|---|---|---|---|---|---|"
    middle, high = statistics.median(exchanges.warm), percentile(exchanges.warm, 0.99)
    for name, theirs, goal in (
        ("at its defaults", rival.default, DEFAULT_TIMES_GOAL),
        ("with its waits at 50 ms", rival.tuned, TUNED_TIMES_GOAL),
    ):
        if theirs is None:
            yield f"| {name} | not measured | | | {goal} times | | |"
            continue
        times = theirs.median / middle
        yield (
            f"| {name} | {len(theirs.steps)} | {theirs.median:,.0f} | {times:.0f} |"
            f" {goal}{'' if times >= goal else ' **missed**'} |"
            f" {theirs.percentile(0.99):,.0f} | {theirs.percentile(0.99) / high:.0f} |"
        )
        first = theirs.first.total
        yield (
            f"| {name}, the first after its start | 1 | {first:,.0f} |"
            f" {first / statistics.median(exchanges.cold):.0f} (ours: cold) | | | |"
        )


if __name__ == "__main__":
    found = measure(*map(int, sys.argv[1:]))
    print(*page(found, Rival(None, None, None, ())), found.start, sep="\n")  # noqa: T201
