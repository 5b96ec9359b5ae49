"""Access between two of ours, as processes: it is renewed while it may be, and ends when not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.company import Company, DataSpace
from deploy.demo.configuration import Feed, Offer
from deploy.demo.processes import wait_until
from tests.benchmarks.serial_parts import DELIMITER, ENCODING, MAPPING, PARTS, write

pytestmark = pytest.mark.journey

TOKEN_SECONDS = 3
STANDING_SECONDS = 6
# Tests share the machine with others: an answer may take a moment longer.
ANSWER_SECONDS = 2.0
ASSET_IDS = [["manufacturerPartId", PARTS[0]], ["partInstanceId", "SN000000000"]]


@dataclass
class Street:
    """A supplier that runs and an OEM that reads; ``log`` are the supplier's lines."""

    space: DataSpace
    supplier: Company
    oem: Company
    folder: Path

    def reading(self, seconds: float) -> subprocess.Popen[bytes]:
        """Start an OEM that reads for so long."""
        words = ("supplier", json.dumps(ASSET_IDS), str(seconds), str(self.out))
        argv = (sys.executable, "-m", "tests.journeys.reader", str(self.oem.config), *words)
        with (self.folder / "reader.log").open("ab") as log:
            return subprocess.Popen(argv, stdout=log, stderr=log)

    @property
    def out(self) -> Path:
        return self.folder / "reads.json"

    def read(self, reading: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Return what became of the reads, once they are done."""
        code = reading.wait(120)
        assert 0 == code, (self.folder / "reader.log").read_text()[-3000:]
        found: dict[str, Any] = json.loads(self.out.read_text())
        return found

    def lines(self, event: str) -> list[dict[str, Any]]:
        text = self.supplier.process.log.read_text()
        lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def figures(self, name: str) -> list[str]:
        token = (self.supplier.folder / "data" / "operator.token").read_text()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.supplier.operator_port}/metrics",
            headers={"Authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(request) as answer:
            return [one for one in answer.read().decode().splitlines() if one.startswith(name)]


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    with DataSpace.open(tmp_path / "space") as space:
        supplier = space.company("supplier", "BPNL00000000PUE1")
        oem = space.company("oem", "BPNL00000000OEM1")
        space.authority.issue_to(
            oem.folder / "credentials", oem.did, oem.bpnl, days=30, revocable=True
        )
        (tmp_path / "drop").mkdir()
        write(tmp_path / "drop" / "serial.csv", 20)
        mapping = tmp_path / "serial.yaml"
        mapping.write_text(MAPPING, encoding="utf-8")
        source = {"folder": str(tmp_path / "drop"), "encoding": ENCODING, "delimiter": DELIMITER}
        feed = Feed("serial", "delimited_file", mapping, {**source, "stable_seconds": 0.1}, 0.2)
        limits = {"access_grant_seconds": TOKEN_SECONDS, "standing_seconds": STANDING_SECONDS}
        offers, further = [Offer("all", ("oem",))], {"limits": limits}
        supplier.configure(partners=[oem], feeds=[feed], offers=offers, further=further)
        oem.configure(partners=[supplier])
        supplier.start()
        wait_until(lambda: supplier.counts()["offers"] >= 20, "twins", 30.0)
        yield Street(space, supplier, oem, tmp_path)


def test_reads_go_on_without_one_failure_while_tokens_expire_and_are_renewed(
    street: Street,
) -> None:
    done = street.read(street.reading(6 * TOKEN_SECONDS))
    failures = [trouble for _, trouble in done["reads"] if trouble]
    renewed = sum(count for role, outcome, count in done["refreshes"] if outcome == "renewed")

    assert [] == failures
    assert len(done["reads"]) > 200
    assert renewed >= 5
    assert [f'eslabon_refreshes{{outcome="renewed",role="provider"}} {renewed}.0'] == (
        street.figures("eslabon_refreshes")
    )
    # Of the registry and of the value one transfer each, however many tokens.
    assert 2 == street.supplier.counts()["transfers"]


def test_a_supplier_killed_between_goes_on_renewing_after_its_restart(street: Street) -> None:
    reading = street.reading(10 * TOKEN_SECONDS)
    time.sleep(2 * TOKEN_SECONDS)
    street.supplier.kill()
    before = len(street.lines("access.refreshed"))
    street.supplier.start()
    back = time.time()
    done = street.read(reading)
    late = [trouble for at, trouble in done["reads"] if trouble and at > back + ANSWER_SECONDS]

    assert [] == late
    assert before < len(street.lines("access.refreshed"))


def test_a_credential_that_is_withdrawn_ends_reads_within_the_term(street: Street) -> None:
    reading = street.reading(STANDING_SECONDS + 3 * TOKEN_SECONDS)
    wait_until(lambda: bool(street.lines("access.refreshed")), "a refresh", 30.0)
    withdrawn = time.time()
    assert 3 == street.space.authority.register.withdraw(street.oem.did)
    done = street.read(reading)
    good = [at for at, trouble in done["reads"] if not trouble]
    after = [trouble for at, trouble in done["reads"] if at > withdrawn + STANDING_SECONDS]

    assert good, "it read before"
    assert max(good) - withdrawn < STANDING_SECONDS
    assert after
    assert all(after)
    told = street.lines("access.withdrawn") + [
        line for line in street.lines("refresh.refused") if "count no more" in line["reason"]
    ]
    assert {street.oem.bpnl} == {line["partner"] for line in told}


def test_while_nobody_can_tell_reads_end_in_time_and_begin_again_with_the_list(
    street: Street,
) -> None:
    reading = street.reading(4 * STANDING_SECONDS)
    wait_until(lambda: bool(street.lines("access.refreshed")), "a refresh", 30.0)
    gone = time.time()
    street.space.process.stop()
    time.sleep(1.5 * STANDING_SECONDS)
    street.space.process.start()
    back = time.time()
    done = street.read(reading)
    good = [at for at, trouble in done["reads"] if not trouble]
    silent = [at for at in good if gone + STANDING_SECONDS < at < back]
    again = [at for at in good if at > back]

    assert [] == silent
    assert again
