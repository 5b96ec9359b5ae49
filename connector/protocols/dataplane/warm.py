"""Answers reads that need nobody's word, all that come in one turn of the event loop together.

What partners ask for most is always the same request but for the twin: one token, the same
headers byte for byte, and a verdict on that token that still holds. Such a read needs no
task and no parsing of its own. It is decided like any other: token, proof, offers and twin
are looked at for each read, it counts as its partner's, and it is answered when its row is
durable. Whatever is unusual about it, it goes the ordinary way.
"""

from __future__ import annotations

import asyncio
import re
from asyncio import Task
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from starlette.datastructures import Headers

from connector.errors import DataError, EslabonError, PartnerError, TransientError
from connector.identifiers import SemanticId
from connector.offer.model import DatasetKind
from connector.partner.model import PROOF_HEADER
from connector.protocols.dataplane.inbound import (
    DataPlane,
    asked_in,
    deed_of,
    headers_of,
    is_quick,
    opened,
    represented,
    seen,
)
from connector.protocols.dataplane.representation import Asked, Representation, represent
from connector.protocols.result import refusal
from connector.store.journal import millis
from connector.transfer.gate import Pass, Visitor
from connector.twin.reading import SubmodelValue

HEADS_MAX = 1_000
HEAD_BYTES_MAX = 4_096
# Reads that are decided together, and turns of the loop in which they are waited for.
TOGETHER_MAX = 64
TURNS_MAX = 16

# The request line as descriptors give it: nothing to decode, an id that can be one of ours.
_LINE = re.compile(
    rb"GET (/data/([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"
    rb"/([\w.:-]{1,300})/submodel(?:/\$value)?) HTTP/1\.1\r\n",
    re.ASCII,
)
_END = b"\r\n\r\n"
# Their presence asks for something that is rare, or says that more follows.
_UNUSUAL = frozenset(
    {
        *(b"connection", b"upgrade", b"expect", b"content-length", b"transfer-encoding"),
        *(b"range", b"if-range", b"if-none-match"),
    }
)
_KEEP_ALIVE = (b"connection", b"keep-alive")
_REFUSED = (PartnerError, DataError, TransientError)

HttpHeaders = Sequence[tuple[bytes, bytes]]


class Reader(Protocol):
    """Who waits for a read; told exactly once, later."""

    def answer(self, status: int, fields: bytes, body: bytes) -> None:
        """Take the answer; ``fields`` are its header lines, each with its end."""
        ...

    def decline(self) -> None:
        """Let the request go the ordinary way: nothing came of it here."""
        ...


@dataclass(frozen=True, slots=True)
class _Head:
    """What the headers of a request say, read once."""

    shown: Pass
    asked: Asked


@dataclass(slots=True)
class _Read:
    """One request, and how far it is."""

    reader: Reader
    head: _Head
    path: str
    shell_id: str
    aspect: str
    at: int = 0
    found: Representation | None = None
    is_settled: bool = False

    def conclude(self, failure: BaseException | None) -> None:
        """Answer what was read, now that its row is durable, or not."""
        if failure is None and self.found is not None:
            found = self.found
            fields = "".join([f"{name}: {value}\r\n" for name, value in headers_of(found).items()])
            self.reader.answer(found.status, fields.encode(), found.body)
        elif isinstance(failure, _REFUSED):
            self.refuse(failure)
        else:
            # What is our own fault is worded, and logged, where all such faults are.
            self.reader.decline()

    def refuse(self, error: EslabonError) -> None:
        """Answer with a refusal."""
        self.is_settled = True
        refused = refusal(self.path, error)
        fields = header_lines(refused.raw_headers)
        self.reader.answer(refused.status_code, fields, bytes(refused.body))


class _Admitted(NamedTuple):
    """A read whose token opens the aspect that it is about."""

    read: _Read
    visitor: Visitor
    semantic_id: SemanticId


class WarmReads:
    """The reads of one turn of the event loop, and the heads of requests that are known."""

    def __init__(self, plane: DataPlane) -> None:
        """Take what ordinary reads are answered from."""
        self._plane = plane
        self._heads: dict[bytes, _Head] = {}
        # Some say something new in each request: those are not worth a look.
        self._once: set[int] = set()
        self._reads: list[_Read] = []
        self._seen = self._turns = 0
        self._slow: set[Task[None]] = set()

    def learn(self, request: bytes, headers: HttpHeaders) -> None:
        """Remember the headers of one whole request that a parser has read as ``headers``.

        Only when they come again, and only if their token opens something at this moment.
        """
        found = _LINE.match(request)
        if found is None or request.find(_END) != len(request) - len(_END):
            return
        rest = request[found.end() :]
        if len(rest) > HEAD_BYTES_MAX or not _is_usual(headers):
            return
        if hash(rest) not in self._once:
            _bound(self._once)
            self._once.add(hash(rest))
            return
        given = Headers(raw=list(headers))
        head = _Head(
            Pass(given.get("authorization"), given.get(PROOF_HEADER)), asked_in(headers, "GET")
        )
        if self._is_welcome(head):
            _bound(self._heads)
            self._heads[rest] = head

    def take(self, request: bytes, reader: Reader) -> bool:
        """Return whether ``reader`` will be told what comes of these bytes.

        They are one whole request, or are not taken.
        """
        found = _LINE.match(request)
        head = self._heads.get(request[found.end() :]) if found else None
        if found is None or head is None:
            return False
        if not self._reads:
            asyncio.get_running_loop().call_soon(self._turn)
        path, shell, aspect = found.groups()
        read = _Read(reader, head, path.decode(), shell.decode(), aspect.decode())
        self._reads.append(read)
        return True

    def _is_welcome(self, head: _Head) -> bool:
        gate = self._plane.gate
        try:
            return gate.warm(head.shown, DatasetKind.SUBMODELS, gate.moment()) is not None
        except EslabonError:
            return False

    def _turn(self) -> None:
        """Decide all that have come, once a turn of the loop brings no more of them."""
        if self._seen < len(self._reads) < TOGETHER_MAX and self._turns < TURNS_MAX:
            self._seen = len(self._reads)
            self._turns += 1
            asyncio.get_running_loop().call_soon(self._turn)
            return
        reads, self._reads = self._reads, []
        self._seen = self._turns = 0
        try:
            for first in range(0, len(reads), TOGETHER_MAX):
                self._decide(reads[first : first + TOGETHER_MAX])
        finally:
            # Whatever happened: nobody is left waiting.
            for read in reads:
                if not read.is_settled:
                    read.reader.decline()

    def _decide(self, reads: Sequence[_Read]) -> None:
        try:
            now = self._plane.gate.moment()
        except EslabonError:
            return
        admitted = [one for read in reads if (one := self._admit(read, now))]
        wanted = [(one.read.shell_id, one.semantic_id) for one in admitted]
        try:
            values = self._plane.twins.submodels(wanted) if wanted else []
        except TransientError as error:
            for one in admitted:
                one.read.refuse(error)
            return
        for one, value in zip(admitted, values, strict=True):
            self._serve(one, value)

    def _admit(self, read: _Read, now: datetime) -> _Admitted | None:
        """Let a read in; else it was refused, or goes the ordinary way."""
        visitor = self._plane.gate.warm(read.head.shown, DatasetKind.SUBMODELS, now)
        if visitor is None:
            return None
        read.at = millis(now)
        try:
            self._plane.rates.take(visitor.access.partner_bpnl)
            return _Admitted(read, visitor, opened(visitor, read.aspect))
        except _REFUSED as error:
            read.refuse(error)
            return None

    def _serve(self, one: _Admitted, value: SubmodelValue | None) -> None:
        asked = one.read.head.asked
        try:
            shown = seen(one.visitor, value)
        except PartnerError as error:
            one.read.refuse(error)
            return
        if is_quick(shown.payload, asked):
            self._record(one, shown, represent(shown.payload, asked))
            return
        one.read.is_settled = True
        task = asyncio.create_task(self._serve_slowly(one, shown))
        self._slow.add(task)
        task.add_done_callback(self._slow.discard)

    async def _serve_slowly(self, one: _Admitted, value: SubmodelValue) -> None:
        self._record(one, value, await represented(value.payload, one.read.head.asked))

    def _record(self, one: _Admitted, value: SubmodelValue, found: Representation) -> None:
        """Answer as soon as the row is durable."""
        read = one.read
        read.found = found
        try:
            self._plane.ledger.enter(deed_of(one.visitor, value, found), read.conclude, read.at)
        except TransientError as error:
            read.refuse(error)
        read.is_settled = True


def header_lines(headers: HttpHeaders) -> bytes:
    """Return headers as an answer bears them, each with the end of its line."""
    return b"".join([b"%b: %b\r\n" % field for field in headers])


def _bound(known: dict[bytes, _Head] | set[int]) -> None:
    """Make room where there is none."""
    if len(known) >= HEADS_MAX:
        known.clear()


def _is_usual(headers: HttpHeaders) -> bool:
    return not any(
        name in _UNUSUAL and (name, value.lower()) != _KEEP_ALIVE for name, value in headers
    )
