"""Measures whole exchanges between two processes: catalog to first byte, proofs verified."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.company import Acquaintance, Company, DataSpace
from deploy.demo.configuration import Feed, Offer
from deploy.demo.processes import wait_until
from tests.benchmarks.serial_parts import DELIMITER, ENCODING, MAPPING, PARTS, write

ROUNDS = 300
PROTOTYPE_MILLISECONDS = 6.0
ECLIPSE_DEFAULT_MILLISECONDS = 5016.0
ECLIPSE_TUNED_MILLISECONDS = 846.0


@dataclass(frozen=True, slots=True)
class Exchanges:
    """Times in milliseconds of exchanges begun with nothing at hand."""

    totals: tuple[float, ...]
    granted: tuple[float, ...]
    first: float

    def percentile(self, share: float) -> float:
        """Return the total below which this share of the exchanges lies."""
        ordered = sorted(self.totals)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    @property
    def median(self) -> float:
        """The median of the totals."""
        return statistics.median(self.totals)


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


def measure(rounds: int = ROUNDS) -> Exchanges:
    """Run a supplier, and an OEM that exchanges so many times, one after the other."""
    with tempfile.TemporaryDirectory() as name, DataSpace.open(Path(name) / "space") as space:
        folder = Path(name)
        supplier = supplier_of(space, folder, rows=100)
        supplier.start()
        wait_until(lambda: supplier.counts()["offers"] >= 100, "twins", 30.0)
        asset_ids = [["manufacturerPartId", PARTS[0]], ["partInstanceId", "SN000000000"]]
        times = _consume(space.companies[1], rounds, asset_ids, folder / "times.json")
    totals = tuple(sum(steps) for steps in times)
    return Exchanges(totals[1:], tuple(steps[0] for steps in times[1:]), totals[0])


def _consume(
    oem: Company, rounds: int, asset_ids: list[list[str]], out: Path
) -> list[list[float]]:
    argv = (
        sys.executable,
        "-m",
        "tests.benchmarks.exchange_consumer",
        str(oem.config),
        str(rounds),
        json.dumps(asset_ids),
        str(out),
    )
    subprocess.run(argv, check=True, timeout=300)
    times: list[list[float]] = json.loads(out.read_text())
    return times


@dataclass(frozen=True, slots=True)
class Start:
    """A daemon's start: seconds from the command to ready, and its resident memory idle."""

    seconds: tuple[float, ...]
    megabytes: float


def measure_start(starts: int = 5) -> Start:
    """Start a supplier's connector several times; its models are compiled by the first."""
    with tempfile.TemporaryDirectory() as name, DataSpace.open(Path(name) / "space") as space:
        supplier = supplier_of(space, Path(name), rows=10)
        seconds = []
        megabytes = 0.0
        for _ in range(starts + 1):
            began = time.perf_counter()
            supplier.start()
            seconds.append(time.perf_counter() - began)
            time.sleep(2.0)
            megabytes = _resident_megabytes(supplier)
            supplier.stop()
    return Start(tuple(seconds[1:]), megabytes)


def _resident_megabytes(company: Company) -> float:
    pid = (company.folder / "run.pid").read_text().split()[0]
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
    print(f"median {found.median:.1f} ms, p99 {found.percentile(0.99):.1f} ms")  # noqa: T201
    print(f"to the grant {statistics.median(found.granted):.1f} ms; first {found.first:.1f} ms")  # noqa: T201
    print(measure_start())  # noqa: T201
