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
from tests.benchmarks.serial_parts import DELIMITER, ENCODING, MAPPING, PARTS, write

ROUNDS = 300
COLD_ROUNDS = 20
BUSY_ROWS = 1_000_000
BUSY_PAUSE_SECONDS = 0.05
BUSY_ROUNDS_MAX = 10_000
BUSY_SECONDS_MAX = 600.0
LOOK_SECONDS = 0.5


Times = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Exchanges:
    """Times in milliseconds of exchanges begun with nothing at hand.

    ``warm``: one after the other; ``cold``: each the first after a restart of both sides;
    ``busy``: while a file is taken in, of which ``busy_rows`` a second went on to be offered.
    """

    warm: Times
    cold: Times
    busy: Times
    busy_rows: float
    start: Start


@dataclass(frozen=True, slots=True)
class Start:
    """A daemon's start: seconds from the command to ready, and its resident memory idle."""

    seconds: tuple[float, ...]
    megabytes: float


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
        start, first = _cold(supplier, oem, cold)
        busy, busy_rows = _busy(supplier, oem, folder, rows) if rows else ((0.0,), 0.0)
    return Exchanges(warm, first, busy, busy_rows, start)


def _cold(supplier: Company, oem: Asking, rounds: int) -> tuple[Start, Times]:
    """Return the first exchange after each restart of both sides; and how they start."""
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
    return Start(tuple(seconds), megabytes), tuple(times)


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


def page(exchanges: Exchanges) -> Iterator[str]:
    """Yield the lines about exchanges of docs/benchmarks.md."""
    warm = statistics.median(exchanges.warm)
    yield ""
    yield "## Exchange: catalog, negotiation, transfer, first byte; two processes on loopback"
    yield ""
    yield (
        "Exchanges one after the other, each from nothing: a new negotiation and a new transfer,"
        " a fresh ES256 token signed and verified on every message, credentials verified (their"
        " check is reused for 60 s), every state and message durable before it counts"
        " (`synchronous=FULL`)."
    )
    yield ""
    yield "| | exchanges | median, ms | goal | p99, ms | goal |"
    yield "|---|---|---|---|---|---|"
    rows = (
        ("warm", exchanges.warm, "< 20", "", warm < 20),
        (
            "cold: both connectors just started, all caches empty",
            exchanges.cold,
            "< 50",
            "",
            statistics.median(exchanges.cold) < 50,
        ),
        (
            f"while {BUSY_ROWS:,} rows are taken in",
            exchanges.busy,
            "",
            "< 250",
            percentile(exchanges.busy, 0.99) < 250,
        ),
    )
    for name, times, middle, high, is_met in rows:
        missed = "" if is_met else " **missed**"
        yield (
            f"| {name} | {len(times)} | {statistics.median(times):.1f} | {middle}"
            f"{missed if middle else ''} | {percentile(times, 0.99):.1f} |"
            f" {high}{missed if high else ''} |"
        )
    yield ""
    yield (
        f"With {1 / BUSY_PAUSE_SECONDS:.0f} exchanges a second at most beside it, intake brought"
        f" {exchanges.busy_rows:,.0f} rows a second to their offers."
    )


if __name__ == "__main__":
    found = measure(*map(int, sys.argv[1:]))
    print(*page(found), found.start, sep="\n")  # noqa: T201
