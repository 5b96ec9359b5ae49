"""The ledger of a connector that is killed while partners read, and altered while it is down."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy.demo.company import Company, DataSpace
from deploy.demo.processes import wait_until
from tests.benchmarks import reads
from tests.benchmarks.exchange import supplier_of

pytestmark = pytest.mark.journey

KILLS = 6
READERS = 4
LEDGER = {"head_rows_max": 50, "head_seconds_max": 0.5}


@dataclass
class Readers:
    """Partners that read without a break, and remember every answer that they got."""

    supplier: Company
    token: str
    paths: list[str]
    got: Counter[str] = field(default_factory=Counter)
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        number = 0
        while not self._ended.is_set():
            number += 1
            path = self.paths[number % len(self.paths)]
            try:
                value = json.loads(reads._get(self.supplier, path, self.token))
            except (OSError, urllib.error.URLError):
                time.sleep(0.05)
                continue
            with self._lock:
                self.got[value["catenaXId"]] += 1

    def end(self) -> None:
        self._ended.set()


@pytest.fixture
def supplier(tmp_path: Path) -> Iterator[tuple[Company, dict[str, str]]]:
    with DataSpace.open(tmp_path / "space") as space:
        supplier = supplier_of(space, tmp_path, rows=20)
        oem = space.companies[1]
        document = supplier.config.read_text(encoding="utf-8")
        lines = "\n".join(f"{name} = {value}" for name, value in LEDGER.items())
        limits = f"[limits]\naccess_grant_seconds = {reads.GRANT_SECONDS}"
        supplier.config.write_text(f"{document}\n[ledger]\n{lines}\n{limits}\n", encoding="utf-8")
        supplier.start()
        wait_until(lambda: supplier.counts()["offers"] >= 20, "twins", 30.0)
        oem.start()
        yield supplier, reads._grants(supplier, oem)


def test_every_answer_is_a_row_however_often_the_connector_is_killed(
    supplier: tuple[Company, dict[str, str]],
) -> None:
    company, tokens = supplier
    paths = [f"{hrefs[0]}/$value" for _, hrefs in reads._shells(company, tokens["registry"])]
    readers = Readers(company, tokens["serial"], paths)
    threads = [threading.Thread(target=readers.run) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    for number in range(KILLS):
        time.sleep(0.4 + 0.13 * number)
        company.kill()
        assert company.ask("ledger", "verify", codes=(0,))["sound"]
        company.start()
    readers.end()
    for thread in threads:
        thread.join()
    # A connector that runs may sign between the look into its log and that into its store.
    company.stop()
    log = str(company.process.log)
    verdict = company.ask("ledger", "verify", "--heads", log, codes=(0,))
    rows = company.ask("ledger", "show", "--partner", "oem")["rows"]
    assert isinstance(rows, list)
    kept = Counter(row["subject"] for row in rows if row["action"] == "submodel.read")

    assert readers.got
    assert [] == [part for part in readers.got if kept[part] < readers.got[part]]
    assert int(str(verdict["logged_heads"])) == int(str(verdict["stored_heads"])) > KILLS


def test_an_end_that_was_cut_off_while_the_connector_was_down_stays_proven(
    supplier: tuple[Company, dict[str, str]],
) -> None:
    company, tokens = supplier
    _, (path, *_) = next(reads._shells(company, tokens["registry"]))
    for _ in range(20):
        reads._get(company, f"{path}/$value", tokens["serial"])
    company.stop()
    store = sqlite3.connect(company.folder / "data" / "eslabon.db")
    with store:
        (head,) = store.execute("SELECT max(number) FROM ledger_head WHERE number < 4").fetchone()
        store.execute("DELETE FROM ledger_head WHERE number > ?", (head,))
        store.execute("DELETE FROM ledger WHERE number > (SELECT max(rows) FROM ledger_head)")
    store.close()
    company.start()
    company.stop()
    alone = company.run_command("ledger", "verify")
    beside = company.run_command("ledger", "verify", "--heads", str(company.process.log))

    assert (0, 1) == (alone.code, beside.code)
    assert "log.jsonl" in beside.err
