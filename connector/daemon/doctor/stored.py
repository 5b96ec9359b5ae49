"""Looks at our own store: room on the disk, whole pages, and what waits to be sent."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

from connector.daemon.doctor.course import Look, Outcome, remark, seen
from connector.daemon.doctor.patient import Patient
from connector.daemon.processes import ProcessDesk
from connector.errors import SetupError
from connector.store.database import Database
from connector.store.journal import millis
from connector.web.operations import Actor, Remark
from connector.web.processes import ProcessLine, ProcessQuery

MEGABYTE = 1024 * 1024
FREE_MEGABYTES_MIN = 200
FREE_MEGABYTES_WARNED = 2_000
# A larger file takes minutes to walk through; the pages in use are checked at every read.
CHECKED_MEGABYTES_MAX = 1_024
OWED_SECONDS_WARNED = 300
_WAITING = (
    "SELECT count(*), min(created_at), max(attempts), max(error) FROM outbox WHERE state = 'owed'"
)
STUCK_MAX = 5
_MOVERS = {"us": Actor.US, "partner": Actor.PARTNER}
_PARKED = "SELECT count(*), max(error) FROM outbox WHERE state = 'parked'"


@dataclass(frozen=True, slots=True)
class StoredSide:
    """The looks at the store."""

    patient: Patient

    def looks(self) -> list[Look]:
        """Return them in order."""
        return [
            Look("store", self.store, at_home=True),
            Look("outbox", self.outbox, needs=("store",), at_home=True),
            Look("processes", self.processes, needs=("store",), at_home=True),
        ]

    async def store(self) -> Outcome:
        """See whether there is room, and whether the file is whole."""
        path = self.patient.db.path
        free = shutil.disk_usage(path.parent).free // MEGABYTE
        size = path.stat().st_size // MEGABYTE
        remarks: list[Remark] = []
        if free < FREE_MEGABYTES_WARNED:
            warns = free >= FREE_MEGABYTES_MIN
            remarks.append(
                remark("disk_full_soon", Actor.US, warns=warns, free=free, folder=path.parent)
            )
        if size > CHECKED_MEGABYTES_MAX:
            return Outcome((seen("seen_store_large", size=size, free=free),), tuple(remarks))
        # In a thread, on a connection of its own: exchange goes on meanwhile.
        told = await asyncio.to_thread(integrity, self.patient.db.path)
        if told != "ok":
            remarks.append(remark("store_damaged", Actor.US, path=path, told=told))
            return Outcome((seen("seen_store_damaged", size=size, free=free),), tuple(remarks))
        return Outcome((seen("seen_store", size=size, free=free),), tuple(remarks))

    async def outbox(self) -> Outcome:
        """See which messages wait, and which were given up."""
        db, now = self.patient.db, millis(self.patient.clock())
        owed, oldest, attempts, error = db.row(_WAITING) or (0, None, None, None)
        parked, _ = db.row(_PARKED) or (0, None)
        remarks: list[Remark] = []
        waited = (now - oldest) // 1000 if oldest is not None else 0
        if waited > OWED_SECONDS_WARNED:
            minutes, told = waited // 60, str(error or "-")[:300]
            remarks.append(
                remark(
                    "message_waits",
                    Actor.NOBODY,
                    warns=True,
                    count=owed,
                    minutes=minutes,
                    attempts=attempts or 0,
                    reason=told,
                )
            )
        return Outcome((seen("seen_outbox", owed=owed, parked=parked),), tuple(remarks))

    async def processes(self) -> Outcome:
        """See which negotiations and transfers stand still, and who has to move."""
        patient = self.patient
        desk = ProcessDesk(patient.db, patient.settings, patient.clock)
        stuck = desk.listed(ProcessQuery(stuck=True)).processes
        remarks = tuple(_stuck(one) for one in stuck[:STUCK_MAX])
        return Outcome((seen("seen_processes", stuck=len(stuck)),), remarks)


def integrity(path: Path) -> str:
    """Return ``ok`` if a store is whole, else the first thing that is wrong with it.

    A complaint of the quick check is only believed if the full one says the same: that of
    SQLite 3.40 finds missing values in whole tables whose key does not begin with their
    first column.
    """
    try:
        checked = Database.open(path)
    except SetupError as broken:
        return broken.text().why
    try:
        for question in ("PRAGMA quick_check(1)", "PRAGMA integrity_check(1)"):
            row = checked.row(question)
            told = str(row[0])[:200] if row else "?"
            if told == "ok":
                break
    finally:
        checked.close()
    return told


def _stuck(line: ProcessLine) -> Remark:
    """Return a process that stands still in the words of its own advice, and what it is."""
    return remark(
        "process_stuck",
        _MOVERS.get(line.mover, Actor.NOBODY),
        warns=True,
        kind=line.kind,
        pid=line.pid,
        partner=line.partner,
        state=line.state or "-",
        awaited=", ".join(line.awaited) or "-",
        answer=line.last_answer[:300] or "-",
        deadline=f"{line.deadline_at:%Y-%m-%d %H:%M} UTC" if line.deadline_at else "-",
    )
