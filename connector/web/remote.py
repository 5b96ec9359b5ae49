"""The operations of a running connector, asked over its operator's side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import requests

from connector.errors import SetupError, TransientError
from connector.web.operations import (
    CollectionReport,
    CollectRequest,
    CredentialRequestReport,
    CredentialsReport,
    Examination,
    IngestReport,
    Operations,
    QuarantineEntry,
    QuarantineList,
    QuarantineQuery,
    Readiness,
    ReplayReport,
    ReplayRequest,
    StatusReport,
    Trace,
    WalletOperations,
)
from connector.web.processes import ProcessList, ProcessQuery, ProcessReport
from connector.web.wire import error_from_json, from_json, to_json

Answer = TypeVar("Answer")

CONNECT_SECONDS_MAX = 2.0
ANSWER_SECONDS_MAX = 60.0
WORK_SECONDS_MAX = 24 * 3600.0
_UNAUTHORIZED = 401
_UNAVAILABLE = 503
_READINESS = "/health/ready"
_REQUESTS = "/api/credentials/requests"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a running connector listens for its operator, and the token that opens it."""

    port: int
    token: str

    def is_live(self) -> bool:
        """Return whether a connector listens there."""
        try:
            with _session() as session:
                answer = session.get(self._url("/health/live"), timeout=CONNECT_SECONDS_MAX)
        except requests.RequestException:
            return False
        return answer.ok and answer.content == b'{"live":true}'

    def get(self, path: str, kind: type[Answer], **query: str) -> Answer:
        """Ask a question and return its answer.

        Raises the very error that the running connector raised, and `TransientError` where
        it cannot be reached.
        """
        return from_json(self._send("GET", path, query=query), kind)

    def post(self, path: str, kind: type[Answer], body: object = None) -> Answer:
        """Ask for work, wait until it is done, and return its report."""
        return from_json(self._send("POST", path, body=to_json(body)), kind)

    def _send(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: bytes = b""
    ) -> bytes:
        seconds = ANSWER_SECONDS_MAX if method == "GET" else WORK_SECONDS_MAX
        try:
            with _session() as session:
                answer = session.request(
                    method,
                    self._url(path),
                    params=query,
                    data=body,
                    headers={"Authorization": f"Bearer {self.token}"},
                    timeout=(CONNECT_SECONDS_MAX, seconds),
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            raise TransientError("web:not_reached", port=self.port, reason=error) from error
        is_told = path == _READINESS and answer.status_code == _UNAVAILABLE
        return answer.content if answer.ok or is_told else self._refused(answer)

    def _refused(self, answer: requests.Response) -> bytes:
        if answer.status_code == _UNAUTHORIZED:
            raise SetupError("web:token_refused", port=self.port)
        if answer.headers.get("content-type") == "application/json":
            raise error_from_json(answer.content)
        raise TransientError("web:troubled", port=self.port, status=answer.status_code)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy for the web is none for this machine
    return session


def remote_operations(connection: Connection) -> Operations:
    """Return operations that are carried out by the running connector."""

    def quarantine(query: QuarantineQuery) -> QuarantineList:
        closed, most = str(query.closed).lower(), str(query.entries_max)
        return connection.get(
            "/api/quarantine", QuarantineList, feed=query.feed, closed=closed, entries_max=most
        )

    def replay(request: ReplayRequest) -> ReplayReport:
        return connection.post("/api/quarantine/replay", ReplayReport, request)

    def collect(request: CollectRequest) -> str:
        return connection.post("/api/collections", dict[str, str], request)["id"]

    def readiness() -> Readiness:
        try:
            return connection.get(_READINESS, Readiness)
        except TransientError as error:
            return Readiness((str(error.text()),))

    wallet = WalletOperations(
        report=lambda: connection.get("/api/credentials", CredentialsReport),
        request=lambda order: connection.post(_REQUESTS, dict[str, str], order)["id"],
        requested=lambda number: connection.get(
            f"{_REQUESTS}/{quote(number, safe='')}", CredentialRequestReport
        ),
    )
    return Operations(
        status=lambda: connection.get("/api/status", StatusReport),
        readiness=readiness,
        quarantine=quarantine,
        show=lambda entry: connection.get(f"/api/quarantine/{entry}", QuarantineEntry),
        replay=replay,
        trace=lambda about: connection.get(f"/api/trace/{quote(about, safe='')}", Trace),
        ingest=lambda: connection.post("/api/ingest", IngestReport),
        collect=collect,
        collection=lambda about: connection.get(
            f"/api/collections/{quote(about, safe='')}", CollectionReport
        ),
        wallet=wallet,
        processes=partial(_processes, connection),
        process=lambda pid: connection.get(f"/api/processes/{quote(pid, safe='')}", ProcessReport),
        examine=lambda request: connection.post("/api/examinations", Examination, request),
    )


def _processes(connection: Connection, query: ProcessQuery) -> ProcessList:
    return connection.get(
        "/api/processes",
        ProcessList,
        partner=query.partner,
        stuck=str(query.stuck).lower(),
        all=str(query.all).lower(),
        processes_max=str(query.processes_max),
    )
