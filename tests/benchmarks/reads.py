"""Measures reads under a reused access grant: values of 2 kB, and the twins' published scenario.

The supplier is the product as it is installed, in a process of its own: every read is checked
against the partner's token, agreement, standing and offers, and answered after its row is
durable in the ledger. The grants come from real exchanges with the OEM's connector; its
tokens are read as plain bearer tokens, which is what other connectors send.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
import tempfile
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Feed, Offer
from deploy.demo.processes import wait_until
from tests.benchmarks import wrk
from tests.benchmarks.serial_parts import DELIMITER, ENCODING, HEADER, MAPPING, PARTS
from tests.benchmarks.wrk import Answers, Call

PARTS_READ = 5_000
VALUE_BYTES = 2_000
TWINS = 1_000
SUBMODELS = 4
PUBLISHED_RATE = "30 to 35"
PROXY_TIMES_GOAL = 4
TWINS_RATE_GOAL = 2_000
GRANT_SECONDS = 3600.0
# One partner is all the load here: its own limit is not what is measured.
LIMITS = {
    "access_grant_seconds": GRANT_SECONDS,
    "partner_requests_per_second": 1e6,
    "partner_requests_burst": 1_000_000,
}

_USAGE = """\
model: urn:samm:io.catenax.single_level_usage_as_built:3.0.0#SingleLevelUsageAsBuilt
time_zone: America/Mexico_City
{twin}
payload:
  catenaXId: {{twin: self}}
  customers:
    - {{constant: BPNL00000000OEM1}}
  parentItems:
    - catenaXId: {{twin: self}}
      businessPartner: {{constant: BPNL00000000OEM1}}
      isOnlyPotentialParent: {{constant: false}}
      createdOn: {{column: Fecha de fabricación, date: "%d/%m/%Y %H:%M", as: datetime}}
"""
_BOM = """\
model: urn:samm:io.catenax.single_level_bom_as_built:3.0.0#SingleLevelBomAsBuilt
time_zone: America/Mexico_City
{twin}
payload:
  catenaXId: {{twin: self}}
  childItems:
    - catenaXId: {{twin: self}}
      quantity:
        value: {{constant: 1.0}}
        unit: {{constant: "unit:piece"}}
      createdOn: {{column: Fecha de fabricación, date: "%d/%m/%Y %H:%M", as: datetime}}
      businessPartner: {{constant: BPNL00000000PUE1}}
      hasAlternatives: {{constant: false}}
"""


@dataclass(frozen=True, slots=True)
class Reads:
    """Both scenarios; ``value_bytes`` is the size of one value of the first."""

    values: Answers
    value_bytes: int
    twins: Answers
    ledger_rows: int


def measure(seconds: float = 10.0) -> Reads | None:
    """Run both scenarios; None where there is no wrk."""
    if not wrk.is_there():
        return None
    values, size = measure_values(seconds)
    twins, rows = measure_twins(seconds)
    return Reads(values, size, twins, rows)


def measure_values(seconds: float = 10.0) -> tuple[Answers, int]:
    """Read values of 2 kB, each chosen at random of 5,000; return also one value's size."""
    with tempfile.TemporaryDirectory() as name, DataSpace.open(Path(name) / "space") as space:
        supplier, oem = _companies(space, Path(name), PARTS_READ, {"serial": MAPPING}, VALUE_BYTES)
        asked = _grants(supplier, oem)
        hrefs = [href for shell in _shells(supplier, asked["registry"]) for href in shell[1]]
        calls = [Call("GET", f"{href}/$value", asked["serial"]) for href in hrefs]
        size = len(_get(supplier, calls[0].path, calls[0].token))
        wrk.run(supplier.url, calls, supplier.process.pid, Path(name), 2.0)
        answers = wrk.run(supplier.url, calls, supplier.process.pid, Path(name), seconds)
        _prove(supplier)
    return answers, size


def measure_twins(seconds: float = 10.0) -> tuple[Answers, int]:
    """Look up, read and open 1,000 twins with 4 submodels each; return also the ledger's rows.

    Three kinds of requests, as many of each: look a shell up by its serial number, read it,
    read one of its submodels.
    """
    with tempfile.TemporaryDirectory() as name, DataSpace.open(Path(name) / "space") as space:
        supplier, oem = _companies(space, Path(name), TWINS, _four_mappings(), 0)
        asked = _grants(supplier, oem)
        calls = list(_scenario(supplier, asked))
        wrk.run(supplier.url, calls, supplier.process.pid, Path(name), 2.0)
        answers = wrk.run(supplier.url, calls, supplier.process.pid, Path(name), seconds)
        rows = _prove(supplier)
    return answers, rows


def page(found: Reads | None, proxy_rate: float | None = None) -> Iterator[str]:
    """Yield the lines of docs/benchmarks.md; ``proxy_rate`` is EDC's in the same run."""
    yield ""
    yield "## Reads under a reused access grant: 20 connections, per-partner check, ledger on"
    yield ""
    if found is None:
        yield "Not measured: the load generator wrk is not installed."
        return
    yield (
        "Every answer waits until its row in the ledger is durable (one `fdatasync` for those that"
        " come together), hashed and signed; the token, the agreement, the partner's standing and"
        " what is offered to it count at every read. wrk on the same two cores, plain http, random"
        " ids. Alone:"
        " `python -m tests.benchmarks.reads`."
    )
    yield ""
    yield "| | requests/s | median | p99 | our CPU per request | beside |"
    yield "|---|---|---|---|---|---|"
    goal = f"goal: {PROXY_TIMES_GOAL} times EDC's public data plane, which was not measured"
    if proxy_rate is not None:
        times = found.values.rate / proxy_rate
        goal = f"{times:.1f} times EDC's, goal: {PROXY_TIMES_GOAL}"
        goal += "" if times >= PROXY_TIMES_GOAL else " **missed**"
    yield _row(f"`$value` of {found.value_bytes:,} bytes", found.values, goal)
    if proxy_rate is not None:
        yield f"| EDC's public data plane as bare proxy, warm | {proxy_rate:,.0f} | | | | |"
    name = f"{TWINS:,} twins with {SUBMODELS} submodels: look up, read, open"
    missed = "" if found.twins.rate > TWINS_RATE_GOAL else " **missed**"
    goal = f"published: {PUBLISHED_RATE}; goal: over {TWINS_RATE_GOAL:,}{missed}"
    yield _row(name, found.twins, goal)
    yield ""
    yield f"Afterwards `eslabon ledger verify` found all {found.ledger_rows:,} rows sound."


def _row(name: str, answers: Answers, beside: str) -> str:
    middle, late = answers.percentiles[50], answers.percentiles[99]
    figures = f"{answers.rate:,.0f} | {middle:.1f} ms | {late:.1f} ms"
    return f"| {name} | {figures} | {answers.each_microseconds:.0f} µs | {beside} |"


def _companies(
    space: DataSpace, folder: Path, rows: int, mappings: dict[str, str], pad: int
) -> tuple[Company, Company]:
    """Return a supplier that has published its parts, and the OEM that may read them."""
    supplier = space.company("supplier", "BPNL00000000PUE1")
    oem = space.company("oem", "BPNL00000000OEM1")
    feeds = [_feed(folder, name, text) for name, text in mappings.items()]
    for name in mappings:
        _write(folder / name / "parts.csv", rows, pad)
    supplier.configure(
        partners=[oem], feeds=feeds, offers=[Offer("all", ("oem",))], further={"limits": LIMITS}
    )
    oem.configure(partners=[supplier])
    supplier.start()
    wanted = rows * len(mappings)
    wait_until(lambda: supplier.counts()["aspects"] >= wanted, "aspects", 120.0)
    wait_until(lambda: supplier.counts()["offers"] >= rows, "offers", 120.0)
    oem.start()
    return supplier, oem


def _feed(folder: Path, name: str, mapping: str) -> Feed:
    (folder / name).mkdir()
    file = folder / f"{name}.yaml"
    file.write_text(mapping, encoding="utf-8")
    source = {"folder": str(folder / name), "encoding": ENCODING, "delimiter": DELIMITER}
    return Feed(name, "delimited_file", file, {**source, "stable_seconds": 0.1}, 0.2)


def _write(path: Path, rows: int, pad: int) -> None:
    with path.open("w", encoding=ENCODING, newline="") as file:
        writer = csv.writer(file, delimiter=DELIMITER)
        writer.writerow(HEADER)
        for i in range(rows):
            text = "x" * max(0, pad - 500)
            date = f"{1 + i % 28:02}/{1 + i // 28 % 12:02}/2026 {i % 24:02}:{i % 60:02}"
            part = PARTS[i % len(PARTS)]
            writer.writerow((part, f"SN{i:09}", f"Elevalunas {text}", date, "MEX", i % 3))


def _four_mappings() -> dict[str, str]:
    """Return mappings of four aspects of the same parts."""
    twin = MAPPING[MAPPING.index("twin:") : MAPPING.index("payload:")]
    newer = MAPPING.replace("serial_part:3.0.0", "serial_part:3.0.1")
    return {
        "serial": MAPPING,
        "newer": newer,
        "usage": _USAGE.format(twin=twin),
        "bom": _BOM.format(twin=twin),
    }


def _grants(supplier: Company, oem: Company) -> dict[str, str]:
    """Let the OEM exchange for all that there is; return its tokens by what they open.

    Tokens between two of ours are bound to their holder by a proof; here that is undone.
    """
    oem.ask("collect", "--partner", "supplier", "--part", "partInstanceId=SN000000000")
    oem.stop()
    supplier.stop()
    with sqlite3.connect(supplier.folder / "data" / "eslabon.db") as store:
        store.execute("UPDATE transfer SET holder_bound = 0")
    store.close()
    supplier.start()
    store = sqlite3.connect(oem.folder / "data" / "eslabon.db")
    tokens = dict(store.execute("SELECT dataset, token FROM access_grant ORDER BY expires_at"))
    store.close()
    return _named(supplier, tokens)


def _named(supplier: Company, tokens: dict[str, str]) -> dict[str, str]:
    """Return tokens by the name of what they open, found by trying them."""
    registry = next(t for t in tokens.values() if _opens(supplier, "/api/v3/description", t))
    _, hrefs = next(_shells(supplier, registry))
    named = {"registry": registry}
    for href in hrefs:
        token = next(t for t in tokens.values() if _opens(supplier, f"{href}/$value", t))
        named[_aspect(href)] = token
        if "serial_part:3.0.0" in href:
            named["serial"] = token
    return named


def _scenario(supplier: Company, tokens: dict[str, str]) -> Iterator[Call]:
    for number, (shell, hrefs) in enumerate(_shells(supplier, tokens["registry"])):
        path = "/api/v3/lookup/shellsByAssetLink"
        body = wrk.as_body({"partInstanceId": f"SN{number:09}"})
        yield Call("POST", path, tokens["registry"], body)
        yield Call("GET", f"/api/v3/shell-descriptors/{shell}", tokens["registry"])
        href = hrefs[number % len(hrefs)]
        yield Call("GET", f"{href}/$value", tokens[_aspect(href)])


def _shells(supplier: Company, token: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each shell's id and the paths of its submodels, as the registry gives them."""
    cursor = ""
    while True:
        path = f"/api/v3/shell-descriptors?limit=1000{cursor}"
        answer = json.loads(_get(supplier, path, token))
        for shell in answer["result"]:
            hrefs = [
                submodel["endpoints"][0]["protocolInformation"]["href"].removeprefix(supplier.url)
                for submodel in shell["submodelDescriptors"]
            ]
            yield _encoded(shell["id"]), hrefs
        if "cursor" not in answer["paging_metadata"]:
            return
        cursor = f"&cursor={answer['paging_metadata']['cursor']}"


def _encoded(shell: str) -> str:
    return urlsafe_b64encode(shell.encode()).decode().rstrip("=")


def _aspect(href: str) -> str:
    return href.split("/")[-2]


def _opens(supplier: Company, path: str, token: str) -> bool:
    try:
        _get(supplier, path, token)
    except urllib.error.HTTPError:
        return False
    return True


def _get(supplier: Company, path: str, token: str) -> bytes:
    request = urllib.request.Request(supplier.url + path, headers={"Authorization": token})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def _prove(supplier: Company) -> int:
    """Return how many rows the ledger has; raise unless all of them are sound."""
    verdict = supplier.ask("ledger", "verify", codes=(0,))
    return int(str(verdict["rows"]))


if __name__ == "__main__":
    for line in page(measure(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)):
        print(line)  # noqa: T201
