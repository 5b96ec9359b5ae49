"""Measures two Eclipse connectors with real credentials that exchange with each other.

They are those of ``make conformance``: release 0.14.0, in-memory stores, the JVM's defaults,
each with one of our programs as its wallet, all on this machine.

    python -m tests.benchmarks.eclipse [ROUNDS [WAIT_MS]]
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from deploy.demo.company import REPOSITORY, DataSpace
from deploy.demo.processes import HOST, Process, free_port, listens, wait_until
from tests.conformance import java
from tests.conformance.edc.eclipse import PROTOCOL, Consumer, EndedOtherwiseError, fetch
from tests.conformance.edc.terms import TERMS
from tests.conformance.edc_dcp.member import Member, program

PROVIDER, CONSUMER = "BPNL00000000PRO1", "BPNL00000000CON1"
ASSET = "document"
DOCUMENT_BYTES = 2048
LOOK_SECONDS = 0.005
# A negotiation or transfer that EDC ends by its own race is begun anew, so often at most.
RACES_MAX = 20
SETTLED_SECONDS = 3.0
READERS = 20
READ_SECONDS = 10
# It is warm when so many runs are no better than those before by so much; the JVM needs minutes.
WARMER_SHARE = 1.05
WARM_RUNS = 3
READ_RUNS = (8, 20)


@dataclass(frozen=True, slots=True)
class Steps:
    """One exchange, in milliseconds from one step to the next."""

    catalog: float
    negotiation: float
    transfer: float
    first_byte: float

    @property
    def total(self) -> float:
        """From nothing to the first byte."""
        return self.catalog + self.negotiation + self.transfer + self.first_byte


@dataclass(frozen=True, slots=True)
class EclipseExchanges:
    """What two connectors need for exchanges one after the other; the first is told apart.

    ``start_seconds`` are those of the provider and the consumer, each started while the other
    rested; memory is resident, of the provider, in megabytes.
    """

    wait_ms: int
    first: Steps
    steps: tuple[Steps, ...]
    begun_anew: int
    start_seconds: tuple[float, float]
    megabytes_started: float
    megabytes_after: float

    @property
    def median(self) -> float:
        """The median of the totals, in milliseconds."""
        return statistics.median(one.total for one in self.steps)

    def percentile(self, share: float) -> float:
        """Return the total below which this share of the exchanges lies."""
        ordered = sorted(one.total for one in self.steps)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def median_step(self, name: str) -> float:
        """Return the median of one step, such as ``negotiation``."""
        return statistics.median(getattr(one, name) for one in self.steps)


@dataclass(frozen=True, slots=True)
class EclipseReads:
    """Requests per second through the public data plane: in the first run, and in the best."""

    cold: float
    warm: float
    runs: tuple[float, ...]


@dataclass(frozen=True)
class Two:
    """A provider and a consumer, up, with one document offered."""

    provider: Member
    consumer: Consumer
    start_seconds: tuple[float, float]


def lacking() -> str:
    """Return what this machine lacks for these measurements, as one sentence; empty if nothing."""
    if reason := java.lacking():
        return reason
    missing = [name for name in ("javac", "wrk") if shutil.which(name) is None]
    return f"there is no {' and no '.join(missing)} on the path" if missing else ""


def measure_exchanges(wait_ms: int, rounds: int) -> EclipseExchanges:
    """Let one exchange with the other so many times; ``wait_ms`` is 1000 at their defaults."""
    with two(wait_ms) as both:
        time.sleep(SETTLED_SECONDS)
        started = _megabytes(both.provider)
        first, races = _exchanged(both.consumer)
        found = [_exchanged(both.consumer) for _ in range(rounds)]
        return EclipseExchanges(
            wait_ms,
            first,
            tuple(steps for steps, _ in found),
            races + sum(anew for _, anew in found),
            both.start_seconds,
            started,
            _megabytes(both.provider),
        )


def measure_reads(seconds: int = READ_SECONDS) -> EclipseReads:
    """Read a document of 2 kB through the provider's public data plane, over 20 connections.

    Runs of so many seconds follow each other until it gets no faster.
    """
    least, most = READ_RUNS
    with two(wait_ms=50) as both:
        _, address = both.consumer.opened(both.consumer.catalog()[0])
        rates = [_read(address, seconds) for _ in range(least)]
        while len(rates) < most and not _is_warm(rates):
            rates.append(_read(address, seconds))
    return EclipseReads(rates[0], max(rates), tuple(rates))


@contextmanager
def two(wait_ms: int) -> Iterator[Two]:
    """Start two connectors with their wallets, and a document behind one; stop all in the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        space = stack.enter_context(DataSpace.open(folder / "space"))
        what = program(command=("java",))
        members = [
            Member.made(
                space.company(name, bpnl), what, issuers=[space.authority], wait_ms=wait_ms
            )
            for name, bpnl in (("provider", PROVIDER), ("consumer", CONSUMER))
        ]
        for member in members:
            stack.callback(member.stop)
            member.wallet.start()
        seconds = [_started(member) for member in members]
        provider, consumer = members
        provider.publisher.offer([ASSET], stack.enter_context(_document(folder)), TERMS)
        address = f"{provider.edc.protocol_root}/{PROTOCOL.rpartition(':')[2]}"
        asking = Consumer(consumer.edc, provider.wallet.did, address, LOOK_SECONDS)
        yield Two(provider, asking, (seconds[0], seconds[1]))


@contextmanager
def _document(folder: Path) -> Iterator[str]:
    port = free_port()
    words = (str(port), str(DOCUMENT_BYTES))
    argv = (sys.executable, "-m", "tests.benchmarks.document_process", *words)
    server = Process(argv, folder / "document.txt", folder / "document.pid", words[0], REPOSITORY)
    server.start()
    try:
        wait_until(lambda: listens(port), "the document")
        yield f"http://{HOST}:{port}"
    finally:
        server.kill()


def _started(member: Member) -> float:
    began = time.perf_counter()
    member.edc.start()
    return time.perf_counter() - began


def _exchanged(consumer: Consumer) -> tuple[Steps, int]:
    """Return the steps of one exchange, and how often it had to be begun anew."""
    for races in range(RACES_MAX):
        try:
            return _steps(consumer), races
        except EndedOtherwiseError as race:
            ended = race
    raise ended


def _steps(consumer: Consumer) -> Steps:
    moments = [time.perf_counter()]
    (dataset,) = consumer.catalog()
    moments.append(time.perf_counter())
    agreement = consumer.agreed(consumer.negotiate(dataset))["contractAgreementId"]
    moments.append(time.perf_counter())
    transfer = consumer.transfer(agreement)
    consumer.transferred(transfer)
    address = consumer.address_of(transfer)
    moments.append(time.perf_counter())
    status, body = fetch(address["endpoint"], {"Authorization": address["authorization"]})
    assert (200, DOCUMENT_BYTES) == (status, len(body)), body[:300]
    moments.append(time.perf_counter())
    return Steps(*(1000 * (after - before) for before, after in pairwise(moments)))


def _is_warm(rates: Sequence[float]) -> bool:
    """Return whether the last runs have brought nothing more."""
    return max(rates[-WARM_RUNS:]) < max(rates[:-WARM_RUNS]) * WARMER_SHARE


def _read(address: dict[str, Any], seconds: int) -> float:
    argv = ["wrk", "-t1", f"-c{READERS}", f"-d{seconds}s"]
    argv += ["-H", f"Authorization: {address['authorization']}", address["endpoint"]]
    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert rate, told
    assert "Non-2xx" not in told, told
    return float(rate[1])


def _megabytes(member: Member) -> float:
    status = Path(f"/proc/{member.edc.process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main(rounds: int = 50, wait_ms: int = 50) -> None:
    """Print what is measured."""
    if reason := lacking():
        sys.exit(reason)
    found = measure_exchanges(wait_ms, rounds)
    names = ("catalog", "negotiation", "transfer", "first_byte")
    steps = ", ".join(f"{name} {found.median_step(name):.0f}" for name in names)
    print(f"median {found.median:.0f} ms, p99 {found.percentile(0.99):.0f} ms ({steps})")  # noqa: T201
    print(f"first {found.first.total:.0f} ms; begun anew {found.begun_anew}")  # noqa: T201
    memory = f"{found.megabytes_started:.0f} to {found.megabytes_after:.0f} MB"
    print(f"start {found.start_seconds} s; {memory}")  # noqa: T201
    print(measure_reads())  # noqa: T201


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
