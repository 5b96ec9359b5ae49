"""Companies with a few serial parts to share, and a directory that lists who is who."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from deploy.demo.company import REPOSITORY, Company, DataSpace
from deploy.demo.configuration import Feed, Offer, Tables
from deploy.demo.processes import HOST, Process, free_port, listens, wait_until
from tests.benchmarks.serial_parts import DELIMITER, ENCODING, HEADER, MAPPING

WALK_SECONDS_MAX = 60.0


def stock(
    company: Company,
    serials: Sequence[str],
    oem: Company,
    further: Mapping[str, Tables] | None = None,
) -> None:
    """Let a company have these parts, and offer them to ``oem``; it is not started yet."""
    drop = company.folder / "drop"
    drop.mkdir(exist_ok=True)
    mapping = company.folder / "parts.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    with (drop / "parts.csv").open("w", encoding=ENCODING, newline="") as file:
        writer = csv.writer(file, delimiter=DELIMITER)
        writer.writerow(HEADER)
        for serial in serials:
            writer.writerow(("ELV-1", serial, "Elevalunas", "01/02/2026 10:00", "MEX", 1))
    source = {
        "folder": str(drop),
        "pattern": "*.csv",
        "encoding": ENCODING,
        "delimiter": DELIMITER,
        "stable_seconds": 0.1,
    }
    feed = Feed("parts", "delimited_file", mapping, source, 0.1)
    company.configure(
        partners=[oem], feeds=[feed], offers=[Offer("all", (oem.name,))], further=further
    )


def open_shop(company: Company, parts: int) -> None:
    """Start a company and wait until its parts are twins."""
    company.start()
    wait_until(lambda: company.counts()["offers"] >= parts, f"{parts} twins at {company.name}")


def collected(oem: Company, partner: str, serial: str) -> dict[str, Any]:
    """Let ``oem`` collect one part and return the report of its walk."""
    request = {"partner": partner, "asset_ids": [["partInstanceId", serial]]}
    status, answer = oem.operate("/api/collections", request)
    assert 202 == status, answer
    report: dict[str, Any] = {}

    def ended() -> bool:
        report.update(oem.operate(f"/api/collections/{answer['id']}")[1])
        return report["state"] != "running"

    wait_until(ended, f"the walk for {serial}", WALK_SECONDS_MAX)
    return report


class Bdrs:
    """A directory in a process of its own; ``write`` says what it lists from now on."""

    def __init__(self, space: DataSpace) -> None:
        """Choose its port; it runs after `start`."""
        self.folder = space.folder / "bdrs"
        self.folder.mkdir()
        self.entries = self.folder / "entries.json"
        port = free_port()
        self.port = port
        self.url = f"http://{HOST}:{port}/api/directory"
        words = ("--entries", str(self.entries), "--issuer", space.authority.did)
        argv = (sys.executable, "-m", "deploy.demo.bdrs", *words, "--port", str(port))
        log, pid = self.folder / "log.txt", self.folder / "run.pid"
        self.process = Process(argv, log, pid, mark=str(self.entries), folder=REPOSITORY)
        self.write({})

    def write(self, dids: Mapping[str, str]) -> None:
        """List these DIDs by BPNL."""
        self.entries.write_text(json.dumps(dict(dids)), encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.process.start()
        wait_until(lambda: listens(self.port), "the directory")

    @property
    def section(self) -> Mapping[str, Mapping[str, object]]:
        """The table of eslabon.toml that names it."""
        return {"discovery": {"bdrs_url": self.url, "bdrs_kept_seconds": 1.0}}


@contextmanager
def directory(space: DataSpace) -> Iterator[Bdrs]:
    """Give a directory that runs until the end."""
    bdrs = Bdrs(space)
    bdrs.start()
    try:
        yield bdrs
    finally:
        bdrs.process.stop()


def logged(company: Company, event: str) -> list[dict[str, Any]]:
    """Return the lines of a company's log with this event."""
    lines = company.process.log.read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in found if line.get("event") == event]
