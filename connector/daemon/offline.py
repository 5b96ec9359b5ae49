"""What an operator may ask without a running connector: reading, intake and replay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from connector.daemon.credentials import credentials_offline
from connector.daemon.house import Watch, open_library, open_taking, store_path, utc_now
from connector.daemon.intake import ingest, replay
from connector.daemon.processes import ProcessDesk
from connector.daemon.reports import Reports
from connector.daemon.tracing import trace
from connector.errors import SetupError
from connector.offer.publication import Publication
from connector.settings.values import Settings
from connector.store import lock
from connector.store.database import Database
from connector.web.operations import CollectRequest, Operations, Readiness


@contextmanager
def open_offline(settings: Settings) -> Iterator[Operations]:
    """Give the operations on a store that no connector has open, under its lock.

    Raises `SetupError` where another process holds the store or a mapping is wrong.
    """
    path = store_path(settings)
    with lock.held(settings.connector.data):
        db = Database.open(path)
        publication = Publication(settings.offer_rules())
        taking = open_taking(settings, open_library(settings), publication, Watch())
        reports = Reports(db, settings, running=False, started_at=None, troubles=taking.errors)
        desk = ProcessDesk(db, settings, utc_now)
        try:
            yield Operations(
                status=reports.status,
                readiness=lambda: Readiness(("not running",)),
                quarantine=reports.quarantine,
                show=reports.show,
                replay=partial(replay, db, taking),
                trace=partial(trace, db),
                ingest=partial(ingest, db, taking),
                collect=_no_collect,
                collection=reports.collection,
                wallet=credentials_offline(settings, utc_now),
                processes=desk.listed,
                process=desk.report,
            )
        finally:
            taking.close()
            db.close()


def _no_collect(_: CollectRequest) -> str:
    raise SetupError("daemon:collect_offline")
