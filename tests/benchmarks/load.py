"""Measures how many whole exchanges one connector bears: many partners at once, all proven."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.identifiers import Bpnl, did_web
from connector.protocols.dsp.messages import BASE_PATH
from deploy.demo.company import Company, DataSpace
from deploy.demo.processes import HOST, free_port, wait_until
from tests.benchmarks import exchange
from tests.benchmarks.goals import goal
from tests.benchmarks.load_partners import Member, Plan

PARTNERS = 20
ROUNDS = 150
RATE_GOAL = 150


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: exchanges, their times in milliseconds, and the CPU of both sides.

    ``lost`` names what one side knows and the other does not: empty as it should be.
    """

    milliseconds: tuple[float, ...]
    seconds: float
    supplier_cpu_seconds: float
    partners_cpu_seconds: float
    lost: Sequence[str]

    @property
    def rate(self) -> float:
        """Exchanges per second."""
        return len(self.milliseconds) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the time below which this share of the exchanges lies."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def each_milliseconds(self, cpu_seconds: float) -> float:
        """Return a time of a CPU as milliseconds for one exchange."""
        return 1000 * cpu_seconds / len(self.milliseconds)


def measure(rounds: int = ROUNDS, partners: int = PARTNERS) -> Load:
    """Run a supplier, and one process with so many partners of it."""
    with tempfile.TemporaryDirectory() as name, DataSpace.open(Path(name) / "space") as space:
        folder = Path(name)
        members = members_of(space, folder, partners, port := free_port())
        supplier = exchange.supplier_of(space, folder, rows=100, asking=members)
        supplier.start()
        wait_until(lambda: supplier.counts()["offers"] >= 100, "twins", 30.0)
        plan = Plan(
            members=members,
            port=port,
            supplier=supplier.did,
            supplier_pid=supplier.process.pid,
            base_url=supplier.url + BASE_PATH,
            issuer=space.authority.did,
            rounds=rounds,
        )
        found = run(plan, folder)
        supplier.stop()
        lost = compare(found["first"] + found["seen"], supplier)
    return Load(
        tuple(one["milliseconds"] for one in found["seen"]),
        found["seconds"],
        found["supplier_cpu_seconds"],
        found["partners_cpu_seconds"],
        lost,
    )


def members_of(space: DataSpace, folder: Path, count: int, port: int) -> tuple[Member, ...]:
    """Return so many partners with keys and credentials of their own, all under one address."""
    members = []
    for number in range(count):
        name = f"partner{number:02}"
        url = f"http://{HOST}:{port}/{name}"
        bpnl = Bpnl.parse(f"BPNL0000000{number:03}PT")
        one = Member(name, bpnl, did_web(url), url, str(folder / name))
        space.admit(folder / name, one.did, one.bpnl)
        members.append(one)
    return tuple(members)


def run(plan: Plan, folder: Path) -> dict[str, Any]:
    """Let the partners do what is planned; raises when one exchange fails."""
    plan.write(folder / "plan.json")
    argv = (sys.executable, "-m", "tests.benchmarks.load_partners")
    files = (str(folder / "plan.json"), str(folder / "seen.json"))
    subprocess.run((*argv, *files), check=True, timeout=600)
    seen: dict[str, Any] = json.loads((folder / "seen.json").read_text(encoding="utf-8"))
    return seen


def compare(seen: Sequence[Mapping[str, Any]], supplier: Company) -> list[str]:
    """Return what partners saw and the supplier's store does not hold, and the reverse."""
    store = sqlite3.connect(supplier.folder / "data" / "eslabon.db")
    # The registry was asked for once, first of all.
    aspects = "dataset <> (SELECT dataset FROM transfer ORDER BY rowid LIMIT 1)"
    queries = {
        "agreement": "SELECT agreement, count(*) FROM negotiation"
        f" WHERE state = 'FINALIZED' AND {aspects} GROUP BY agreement",
        "transfer": "SELECT peer_pid, count(*) FROM transfer"
        f" WHERE state = 'STARTED' AND {aspects} GROUP BY peer_pid",
        "asset": "SELECT subject, count(*) FROM ledger"
        " WHERE action = 'submodel.read' GROUP BY subject",
    }
    lost = []
    for what, query in queries.items():
        kept, met = Counter(dict(store.execute(query))), Counter(one[what] for one in seen)
        lost += [
            f"{what} {key}: {kept[key]} kept, {met[key]} seen"
            for key in kept | met
            if kept[key] != met[key]
        ]
    store.close()
    return lost


def page(load: Load) -> Iterator[str]:
    """Yield the lines about load of docs/benchmarks.md."""
    yield ""
    yield f"## Load: {PARTNERS} partners at once, one connector"
    yield ""
    yield (
        "One process holds the partners, each with a DID, a key and credentials of its own, and"
        " verifies what it is sent; `eslabon run` is the other. Each exchange is a catalog, a"
        " negotiation, a transfer and a first value, as above. What both sides know of is"
        " compared afterwards. Alone: `python -m tests.benchmarks.load`."
    )
    yield ""
    yield "| | measured | goal |"
    yield "|---|---|---|"
    yield (
        f"| exchanges a second, of {len(load.milliseconds):,} | {load.rate:.0f} |"
        f" {goal(f'≥ {RATE_GOAL}', met=load.rate >= RATE_GOAL)} |"
    )
    yield f"| median | {load.percentile(0.5):.0f} ms | |"
    yield f"| p99 | {load.percentile(0.99):.0f} ms | |"
    for side, seconds in (
        ("connector", load.supplier_cpu_seconds),
        ("partners", load.partners_cpu_seconds),
    ):
        each = load.each_milliseconds(seconds)
        share = seconds / load.seconds
        yield f"| CPU of the {side}, each exchange | {each:.1f} ms ({share:.0%} of a core) | |"
    lost = f"{len(load.lost)}: {load.lost[0]}" if load.lost else "0"
    yield f"| lost, or known to one side only | {lost} | {goal('0', met=not load.lost)} |"


if __name__ == "__main__":
    print(*page(measure(*map(int, sys.argv[1:]))), sep="\n")  # noqa: T201
