"""Watches a running connector under attack: memory, state, and what it writes to its log."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.demo.company import Company
from deploy.demo.processes import DidNotHappenError, wait_until

# What a partner's message may change; how often we tried to send one is no state.
TABLES = {
    "negotiation": "*",
    "agreement": "*",
    "transfer": "*",
    "access_token": "*",
    "access_grant": "*",
    "outbox": "id, process, message, partner, url, body",
}
LOUD = ("warning", "error", "critical")
LOG_SECONDS = 5.0

Line = Mapping[str, object]


@dataclass
class Damage:
    """What an attack did: growth of the highest memory use, changed tables, lines of the log."""

    megabytes: float = 0.0
    changed: dict[str, object] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def lines_about(self, who: str) -> list[Line]:
        """The lines that say that something is wrong, and name somebody."""
        return [
            line
            for line in self.lines
            if line.get("level") in LOUD and any(who == str(value) for value in line.values())
        ]


@contextmanager
def attacked(victim: Company) -> Iterator[Damage]:
    """Fill in at the end of the block what it did to the connector."""
    damage = Damage()
    before, log_bytes = _state(victim), victim.process.log.stat().st_size
    began_kilobytes = _start_peak(victim.process.pid)
    yield damage
    _wait_for_more(victim.process.log, log_bytes)
    damage.megabytes = (_kilobytes(victim.process.pid, "VmHWM") - began_kilobytes) / 1024
    after = _state(victim)
    damage.changed = {name: after[name] for name in TABLES if after[name] != before[name]}
    damage.lines = _lines(victim.process.log, log_bytes)


def _wait_for_more(log: Path, start: int) -> None:
    """Wait until something is written, and then a moment for what belongs to it."""
    with suppress(DidNotHappenError):
        wait_until(lambda: log.stat().st_size > start, "a line of the log", LOG_SECONDS)
    time.sleep(0.1)


def settled(victim: Company) -> None:
    """Wait until the connector owes nobody a message."""
    owed = "SELECT count(*) FROM outbox WHERE state = 'owed'"
    wait_until(lambda: _asked(victim, owed) == [(0,)], "all messages sent")


def _state(victim: Company) -> Mapping[str, object]:
    return {
        name: _asked(victim, f"SELECT {columns} FROM {name}") for name, columns in TABLES.items()
    }


def _asked(victim: Company, question: str) -> list[tuple[object, ...]]:
    store = victim.folder / "data" / "eslabon.db"
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        return db.execute(question).fetchall()


def _start_peak(pid: int) -> int:
    """Let the highest memory use begin anew at the present one, and return that."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    return _kilobytes(pid, "VmRSS")


def _kilobytes(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith(name + ":"))


def _lines(log: Path, start: int) -> list[Line]:
    with log.open("rb") as file:
        file.seek(start)
        return [json.loads(line) for line in file if line.startswith(b"{")]
