"""From start to clean stop: both listeners, the intake thread, the sender, and the walks."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog

from connector.daemon.credentials import credentials_of, keep_asking
from connector.daemon.doctor.examining import examine
from connector.daemon.doctor.patient import Patient
from connector.daemon.house import House, Parts, build, client_limits, store_path
from connector.daemon.intake import ingest, replay
from connector.daemon.processes import ProcessDesk, asking_from, expose_processes
from connector.daemon.proving import expose_expiries, expose_ledger, report_credentials
from connector.daemon.reports import Reports
from connector.daemon.serving import Listeners, listen
from connector.daemon.tracing import trace_beside
from connector.daemon.watching import watch_access
from connector.errors import EslabonError, SetupError, Severity, TransientError
from connector.loops.lapsing import lapse
from connector.protocols.dsp.inquiry import StateInquiry
from connector.settings.values import Settings
from connector.store import lock
from connector.telemetry import Metrics, build_metrics
from connector.texts import word
from connector.web.app import operator_app
from connector.web.operations import Examination, ExaminationRequest, Operations, Readiness

# Exchange gives the interpreter away at every statement, and must not wait long to have it
# back from intake: a hundredth of the default. It costs intake nothing while nobody waits.
SWITCH_SECONDS = 0.00005
TROUBLE_SECONDS = 1.0
# Millions of short-lived rows make the default threshold walk all objects far too often.
GARBAGE_THRESHOLD = 50_000


def run(settings: Settings, parts: Parts | None = None) -> None:
    """Run a connector until SIGTERM or SIGINT; raises `SetupError` where it cannot start."""
    store_path(settings)
    with lock.held(settings.connector.data):
        tune()
        began = time.perf_counter()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_live(settings, parts or Parts(), began))


def tune() -> None:
    """Set the interpreter for a writer of many rows beside a loop that must not wait."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.new_event_loop


async def _live(settings: Settings, parts: Parts, began: float) -> None:
    log = structlog.get_logger()
    house = build(settings, parts)
    metrics = build_metrics()
    operations = running_operations(house, house.clock())
    token = settings.operator.token_file.read_text(encoding="utf-8").strip()
    exposition = partial(_exposed, house, operations, metrics)
    listeners = listen(settings, house.public, operator_app(operations, token, exposition))
    _stop_on_signals(listeners)
    await house.ledger.begin()
    house.intake.start()
    tasks = _begun(house, parts, listeners)
    house.walking.resume()
    log.info(
        "connector.started",
        name=settings.connector.name,
        did=settings.did,
        public=settings.public.url,
        seconds=round(time.perf_counter() - began, 3),
    )
    try:
        await listeners.serve()
    finally:
        await _close(house, tasks)
        log.info("connector.stopped", name=settings.connector.name)
    if not tasks[0].cancelled():
        tasks[0].result()


def _begun(house: House, parts: Parts, listeners: Listeners) -> list[asyncio.Task[None]]:
    """Begin all that runs beside the listeners; the first of them sends."""
    # Without the sender nothing would ever leave: better to end, and be started again.
    # Without the watch, partners who have lost their standing would not be told.
    watching = watch_access(house.watch, house.settings.limits.standing_seconds)
    further = [parts.beside(house)] if parts.beside else []
    vital = [house.sender.run(), watching, *further]
    tasks = [asyncio.create_task(one) for one in vital]
    for task in tasks:
        task.add_done_callback(lambda _: listeners.close())
    ageing = lapse(house.lapsing, house.clock)
    proving = [report_credentials(house.proof), keep_asking(house.proof)]
    beside = [_republish(house), ageing, *proving]
    if house.listings:
        beside.append(house.listings.keep_fresh())
    return [*tasks, *(asyncio.create_task(one) for one in beside)]


async def _close(house: House, tasks: list[asyncio.Task[None]]) -> None:
    await house.walking.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().run_in_executor(None, house.intake.stop)
    await house.ledger.close()
    await house.client.close()
    await house.proof.close()
    house.durable.close()
    house.db.close()


def _stop_on_signals(listeners: Listeners) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, listeners.close)


async def _republish(house: House) -> None:
    """After a change of offers, work out anew who sees what, a bounded batch at a time."""
    is_more = True
    while is_more:
        try:
            is_more = house.publication.republish(house.db, house.clock())
        except TransientError as error:
            structlog.get_logger().warning("publishing.delayed", reason=error.text().what)
            await asyncio.sleep(TROUBLE_SECONDS)
        await asyncio.sleep(0)  # let partners' requests in between two batches


def running_operations(house: House, started_at: datetime) -> Operations:
    """Return the operations of a running connector."""
    reports = Reports(
        house.db,
        house.settings,
        running=True,
        started_at=started_at,
        troubles=house.intake.troubles,
    )
    desk = ProcessDesk(house.db, house.settings, house.clock)
    inquiry = StateInquiry(house.client, house.proof, house.proof)
    return Operations(
        status=reports.status,
        readiness=partial(_readiness, house),
        quarantine=reports.quarantine,
        show=reports.show,
        replay=lambda request: house.intake.ask(partial(replay, request=request)),
        trace=partial(trace_beside, house.db.path),
        ingest=lambda: house.intake.ask(ingest),
        collect=house.walking.collect,
        collection=reports.collection,
        wallet=credentials_of(house.proof, house.clock),
        processes=desk.listed,
        process=asking_from(desk, inquiry.state, asyncio.get_running_loop()),
        examine=partial(_examined, house, asyncio.get_running_loop()),
    )


def _examined(
    house: House, loop: asyncio.AbstractEventLoop, request: ExaminationRequest
) -> Examination:
    """Examine in the connector's own loop, whoever asks from whichever thread."""
    patient = Patient(
        house.settings,
        house.db,
        house.book,
        house.proof,
        house.listings,
        house.clock,
        visit=house.abroad,
        shelf=house.shelf,
    )
    examining = examine(patient, client_limits(house.settings), request)
    return asyncio.run_coroutine_threadsafe(examining, loop).result()


def _readiness(house: House) -> Readiness:
    language = house.settings.connector.language or "en"
    missing: list[str] = []
    if not house.intake.is_alive:
        missing.append(word("daemon:missing_intake", language))
    if not house.settings.identity.trusted_issuers:
        missing.append(word("daemon:missing_trust", language))
    missing += _missing_credentials(house, language)
    return Readiness(tuple(missing))


def _missing_credentials(house: House, language: str) -> list[str]:
    findings = getattr(house.proof, "findings", None)
    if findings is None:
        return []
    try:
        found = findings()
    except SetupError as error:
        return [error.text(language).what]
    errors = (finding for finding in found if finding.severity is Severity.ERROR)
    reasons = (finding.text(language).what for finding in errors)
    return [word("daemon:missing_credential", language, reason=reason) for reason in reasons]


def _exposed(house: House, operations: Operations, metrics: Metrics) -> bytes:
    """Return the metrics, the figures that the store holds brought up to date first."""
    report = operations.status()
    for door, rows in report.backlog.items():
        metrics.backlog_rows.labels(door).set(rows)
    metrics.messages_owed.set(report.counts.get("owed", 0))
    for name, count in report.counts.items():
        metrics.stored.labels(name).set(count)
    metrics.negotiations.clear()
    for state, count in report.negotiations.items():
        metrics.negotiations.labels(state).set(count)
    expose_ledger(house.ledger.state, metrics, house.clock())
    expose_processes(ProcessDesk(house.db, house.settings, house.clock), metrics)
    metrics.feed_failing.clear()
    for name, error in house.intake.troubles().items():
        metrics.feed_failing.labels(name, _code(error)).set(1)
    for (role, outcome), count in house.refreshes.counts().items():
        metrics.refreshes.labels(role, outcome).set(count)
    expose_expiries(house.proof, metrics, house.clock())
    if house.listings:
        house.listings.expose(metrics)
    return metrics.exposition()


def _code(error: EslabonError) -> str:
    return error.code
