"""What an operator may ask without a running connector: reading, intake and replay."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from connector.daemon.credentials import credentials_offline
from connector.daemon.doctor.examining import examine
from connector.daemon.doctor.patient import Patient
from connector.daemon.house import (
    Watch,
    client_limits,
    dcp_trust,
    open_directory,
    open_library,
    open_listings,
    open_taking,
    store_path,
    utc_now,
)
from connector.daemon.intake import ingest, replay
from connector.daemon.processes import ProcessDesk
from connector.daemon.reports import Reports
from connector.daemon.tracing import trace
from connector.errors import SetupError
from connector.offer.publication import Publication
from connector.protocols.http import GuardedClient
from connector.settings.values import Settings
from connector.store import lock
from connector.store.database import Database
from connector.web.operations import (
    CollectRequest,
    Examination,
    ExaminationRequest,
    Operations,
    Readiness,
)


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
                examine=partial(_examine, settings, db),
            )
        finally:
            taking.close()
            db.close()


def _examine(settings: Settings, db: Database, request: ExaminationRequest) -> Examination:
    """Examine what can be seen while no connector runs."""

    async def examining() -> Examination:
        directory = open_directory(settings, db, utc_now)
        book = settings.address_book(directory)
        trust = dcp_trust(settings, book, utc_now)
        limits = client_limits(settings)
        async with GuardedClient(limits) as client:
            found = open_listings(settings, trust, directory, book, client)
            patient = Patient(settings, db, book, trust.proof, found, utc_now)
            try:
                return await examine(patient, limits, request)
            finally:
                await trust.proof.close()

    return asyncio.run(examining())


def _no_collect(_: CollectRequest) -> str:
    raise SetupError("daemon:collect_offline")
