"""The thread in which intake lives, and the jobs that others have it do there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar

import structlog

from connector.errors import EslabonError, TransientError
from connector.loops.taking import Taking
from connector.record import quarantine
from connector.store.database import Database
from connector.web.operations import IngestReport, ReplayReport, ReplayRequest

JOIN_SECONDS = 20.0
ENTRIES_MAX = 100_000

Answer = TypeVar("Answer")
Job = Callable[[Database], None]


class IntakeThread:
    """Runs the intake loop beside the event loop, on a connection of its own."""

    def __init__(self, open_store: Callable[[], Database], taking: Taking) -> None:
        """Take what opens the store, and the loop; nothing starts before `start`."""
        self._open_store = open_store
        self._taking = taking
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._stop = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        """Begin to take in."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread is at work."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Have it look for work at once; may be called from any thread."""
        self._woken.set()

    def stop(self) -> None:
        """Let it finish its batch and end."""
        self._stop.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_SECONDS)

    def troubles(self) -> Mapping[str, EslabonError]:
        """Return the feeds in trouble."""
        return self._taking.errors()

    def ask(self, question: Callable[[Database, Taking], Answer]) -> Answer:
        """Have something done in the thread, between two turns, and return its answer."""
        answer: Future[Answer] = Future()

        def job(db: Database) -> None:
            try:
                answer.set_result(question(db, self._taking))
            except Exception as error:  # noqa: BLE001 - whoever asked is told, and intake goes on
                answer.set_exception(error)

        self._jobs.put(job)
        self.wake()
        while not answer.done() and self.is_alive:
            time.sleep(0.005)
        if not answer.done():
            raise TransientError("daemon:stopping")
        return answer.result()

    def _run(self) -> None:
        db = self._open_store()
        try:
            while not self._stop.is_set():
                self._do_jobs(db)
                self._taking.run(db, self._stop, self._woken)
        except Exception:
            structlog.get_logger().exception("intake.broke")
            raise
        finally:
            self._taking.close()
            db.close()

    def _do_jobs(self, db: Database) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            job(db)


def ingest(db: Database, taking: Taking) -> IngestReport:
    """Read every feed to its end once, and say what came of it."""
    began = time.perf_counter()
    before = _counts(db)
    totals = taking.round(db)
    aspects, twins, held = (after - b for after, b in zip(_counts(db), before, strict=True))
    return IngestReport(
        documents=totals.documents,
        records=totals.records,
        unchanged=totals.unchanged,
        aspects=aspects,
        twins=twins,
        quarantined=max(held, 0),
        seconds=time.perf_counter() - began,
        errors=taking.failures(),
    )


def replay(db: Database, taking: Taking, request: ReplayRequest) -> ReplayReport:
    """Let entries of the quarantine try again, and say how many stand there still."""
    ids = list(request.ids)
    if not ids:
        entries = quarantine.listed(db, request.feed or None, ENTRIES_MAX)
        ids = [entry.id for entry in entries]
    records = quarantine.records_of(db, ids)
    with db.transaction() as tx:
        replayed = quarantine.release(tx, ids, taking.now())
    taking.move(db)
    return ReplayReport(replayed, quarantine.count_open(db, records))


def _counts(db: Database) -> tuple[int, int, int]:
    row = db.row(
        "SELECT (SELECT count(*) FROM aspect), (SELECT count(*) FROM twin),"
        " (SELECT count(*) FROM quarantine WHERE state = 'open')"
    )
    return (row[0], row[1], row[2]) if row else (0, 0, 0)
