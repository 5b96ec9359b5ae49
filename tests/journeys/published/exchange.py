"""Two companies that load a published file each, and the walks of one of them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Feed, Offer
from deploy.demo.processes import wait_until
from tests.journeys.published.by_hand import FILES, A, B, Published, Stop

NAMES = {A: "company-a", B: "company-b"}
WALK_SECONDS_MAX = 120.0

# Whoever published the files writes the type of three assets at their first submodel, and no
# maker into the planned parts: it is the company itself. Their own catenaXIds are kept.
MAPPING = """\
model: {column: aspectType}
rows: {key: [aspectType, "^assetMetaInfo.catenaXId"]}
twin:
  id: {column: "^assetMetaInfo.catenaXId"}
  type:
    first_of: [{column: "^assetMetaInfo.digitalTwinType"}, {column: digitalTwinType}]
    lookup: types
  manufacturerId:
    when:
      column: aspectType
      equals: "urn:samm:io.catenax.part_as_planned:2.0.0#PartAsPlanned"
      then: {constant: own}
  from_payload: true
payload: {column: payload}
lookups:
  types: {partType: PartType, partInstance: PartInstance}
"""

_STORED = (
    "SELECT o.value, t.global_asset_id, m.value, a.payload FROM submodel s"
    " JOIN twin t ON t.id = s.twin JOIN aspect a ON a.id = s.aspect"
    " JOIN interned m ON m.id = s.semantic LEFT JOIN interned o ON o.id = t.owner"
)


class Missed(NamedTuple):
    """A tombstone as the report of a walk gives it."""

    partner: str
    id: str
    step: str
    reason: str
    aspect: str = ""


class Walked(NamedTuple):
    """What came of one walk; ``stops`` are its places, ``why`` left empty."""

    state: str
    stops: tuple[Stop, ...]
    missed: tuple[Missed, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Both companies, their connectors running; ``counts`` by BPNL are from before any walk."""

    a: Company
    b: Company
    counts: Mapping[str, Mapping[str, int]]

    def quarantined(self, company: Company) -> dict[int, list[tuple[str, str, str]]]:
        """Return code, column and text of what keeps each row of the file back."""
        listed: Any = company.ask("quarantine", "list")
        return {
            entry["position"]: [(f["code"], f["column"], f["what"]) for f in entry["findings"]]
            for entry in listed["entries"]
        }

    def stored(self, company: Company) -> dict[tuple[str, str, str], Mapping[str, Any]]:
        """Return the current payloads in a store by owner (empty: its own), asset and model."""
        store = f"file:{company.folder / 'data' / 'eslabon.db'}?mode=ro"
        with closing(sqlite3.connect(store, uri=True)) as db:
            rows = db.execute(_STORED).fetchall()
        return {(owner or "", asset, m): json.loads(payload) for owner, asset, m, payload in rows}

    def collect(self, parts: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Walked]:
        """Have A walk from each of these parts (company, asset), all at the same time."""
        begun = {part: self._begin(*part) for part in parts}
        return {part: self._finished(about) for part, about in begun.items()}

    def _begin(self, bpnl: str, asset: str) -> str:
        wanted = {"partner": NAMES[bpnl], "global_asset_id": asset}
        status, answer = self.a.operate("/api/collections", wanted)
        assert 202 == status, answer
        return str(answer["id"])

    def _finished(self, about: str) -> Walked:
        report: dict[str, Any] = {}

        def ended() -> bool:
            report.update(self.a.operate(f"/api/collections/{about}")[1])
            return report["state"] != "running"

        wait_until(ended, f"walk {about}", WALK_SECONDS_MAX)
        stops = tuple(Stop(part["partner"], part["global_asset_id"]) for part in report["parts"])
        missed = tuple(Missed(**tombstone) for tombstone in report["tombstones"])
        return Walked(report["state"], stops, missed)


@contextmanager
def loaded(folder: Path, data: Path, files: Mapping[str, Published]) -> Iterator[Pair]:
    """Give both companies once every row of their files is an aspect or in the quarantine."""
    mapping = folder / "published.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    with DataSpace.open(folder) as space:
        a, b = space.company(NAMES[A], A), space.company(NAMES[B], B)
        for company, other in ((a, b), (b, a)):
            drop = company.folder / "drop"
            drop.mkdir()
            shutil.copyfile(data / FILES[company.bpnl], drop / FILES[company.bpnl])
            feed = Feed("published", "json_lines", mapping, _source(drop), poll_seconds=0.2)
            offer = Offer("all", (other.name,))
            company.configure(partners=[other], feeds=[feed], offers=[offer])
            company.start()
        for company in (a, b):
            wait_for_rows(company, len(files[company.bpnl].aspects))
        yield Pair(a, b, {A: a.counts(), B: b.counts()})


def wait_for_rows(company: Company, rows: int) -> None:
    """Wait until so many rows came in and no door has anything left to do for them."""

    def done() -> bool:
        status: Any = company.operate("/api/status")[1]
        waiting = sum(status["backlog"].values())
        return waiting == 0 and status["counts"]["records"] >= rows

    wait_until(done, f"{rows} rows at {company.name}")


def _source(drop: Path) -> dict[str, object]:
    return {
        "folder": str(drop),
        "pattern": "*.json",
        "records": "assets[].submodels[]",
        "stable_seconds": 0.1,
    }
