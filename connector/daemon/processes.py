"""Tells an operator how negotiations and transfers stand, here and as the partner sees them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import orjson

from connector.agreement.model import Process
from connector.errors import DataError, EslabonError
from connector.identifiers import Did
from connector.protocols.dsp.messages import KINDS
from connector.protocols.dsp.writing import to_wire
from connector.settings.values import Settings
from connector.store import journal
from connector.store.database import Database
from connector.store.journal import Line
from connector.telemetry import Metrics
from connector.transfer.overview import Overview, Progress, ProgressQuery
from connector.transfer.states import TransferMessage
from connector.web.processes import (
    ProcessEvent,
    ProcessLine,
    ProcessList,
    ProcessQuery,
    ProcessReport,
)

Asking = Callable[[Process[Any]], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class ProcessDesk:
    """Answers from the store; everything here belongs to the thread of ``db``."""

    db: Database
    settings: Settings
    clock: Callable[[], datetime]

    @property
    def overview(self) -> Overview:
        """The processes with the deadlines of the settings."""
        return Overview(self.db, self.settings.exchange_limits())

    def listed(self, query: ProcessQuery) -> ProcessList:
        """Return how processes stand."""
        wanted = ProgressQuery(
            self._who(query.partner), query.stuck, query.all, query.processes_max
        )
        found = self.overview.listed(wanted, self.clock())
        return ProcessList(tuple(self._line(one) for one in found))

    def report(self, pid: str) -> ProcessReport:
        """Return everything about one process; raises `DataError` for an unknown id."""
        found = self._progress(pid)
        mail = self.overview.mail(found)
        lines = journal.about(self.db, found.process.pid)
        return ProcessReport(
            line=self._line(found),
            url=found.process.url,
            history=tuple(_event(line) for line in lines),
            received=_received(mail.received),
            sent=_on_the_wire(mail.sent, found.last.message if found.last else ""),
        )

    async def asked(self, pid: str, asking: Asking) -> ProcessReport:
        """Return the same with the state as the partner sees it, where it can be asked."""
        report, process = self.report(pid), self._progress(pid).process
        if not process.peer_pid:
            return report
        try:
            return replace(report, peer_state=await asking(process))
        except EslabonError as error:
            return replace(report, peer_trouble=str(error.text().what))

    def _progress(self, pid: str) -> Progress:
        found = self.overview.of(pid, self.clock())
        if found is None:
            raise DataError("daemon:process_unknown", pid=pid)
        return found

    def _who(self, wanted: str) -> str:
        """Return the BPNL of a partner that was named, anything else as it is."""
        named = {partner.name: str(partner.bpnl) for partner in self.settings.partner}
        return named.get(wanted, wanted)

    def _line(self, found: Progress) -> ProcessLine:
        process, last = found.process, found.last
        names = {partner.bpnl: partner.name for partner in self.settings.partner}
        name = names.get(process.bpnl, str(process.bpnl))
        params = {**found.advice.params, "partner": name}
        return ProcessLine(
            pid=process.pid,
            peer_pid=process.peer_pid,
            kind=found.kind,
            role=process.role,
            partner=name,
            bpnl=process.bpnl,
            did=process.partner,
            dataset=process.dataset_id,
            state=process.state or "",
            heading=process.heading or "",
            since=process.updated_at,
            deadline_at=found.deadline_at,
            mover=found.mover,
            awaited=found.awaited,
            stuck=found.is_stuck,
            advice=replace(found.advice, params=params),
            message=last.message if last else "",
            attempts=last.attempts if last else 0,
            last_answer=last.error if last else "",
            reason=process.reason,
            ended_by=process.ended_by,
        )


def expose_processes(desk: ProcessDesk, metrics: Metrics) -> None:
    """Bring the figures about negotiations and transfers up to date."""
    stuck = Counter(one.kind for one in desk.listed(ProcessQuery(stuck=True)).processes)
    for kind in ("negotiation", "transfer"):
        metrics.processes_stuck.labels(kind).set(stuck[kind])
        anew = journal.count(desk.db, f"{kind}.begun_anew")
        metrics.exchanges_begun_anew.labels(kind).set(anew)


def asking_from(
    desk: ProcessDesk, asking: Asking, loop: asyncio.AbstractEventLoop
) -> Callable[[str], ProcessReport]:
    """Return what makes a report in the connector's own loop, for any other thread."""

    def report(pid: str) -> ProcessReport:
        return asyncio.run_coroutine_threadsafe(desk.asked(pid, asking), loop).result()

    return report


def _event(line: Line) -> ProcessEvent:
    detail = ", ".join(f"{key} {value}" for key, value in line.detail.items())
    return ProcessEvent(line.at, line.event, detail)


def _received(raw: bytes | None) -> str:
    """Return the last message as it came; of one with a secret all but that is kept."""
    text = (raw or b"").decode(errors="replace")
    is_kept_otherwise = '"consumer_pid"' in text and '"@type"' not in text
    return _on_the_wire(raw, TransferMessage.START) if is_kept_otherwise else text


def _on_the_wire(said: bytes | None, message: str) -> str:
    """Return a message as it went out; it is stored before it is worded for the wire."""
    kind = KINDS.get(message)
    try:
        if said is not None and kind is not None:
            content = msgspec.json.decode(said, type=kind, dec_hook=_typed)
            return orjson.dumps(to_wire(content)).decode()
    except msgspec.ValidationError:
        pass
    return (said or b"").decode()


def _typed(kind: type, value: object) -> object:
    return Did.parse(value) if kind is Did and isinstance(value, str) else value
