"""The operator's side over real HTTP: what it answers, and whom it lets in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
import uvicorn

from connector.errors import (
    DataError,
    EslabonError,
    Finding,
    Location,
    PartnerError,
    SetupError,
    TransientError,
)
from connector.telemetry import build_metrics
from connector.web.app import BODY_BYTES_MAX, operator_app
from connector.web.operations import (
    Actor,
    CollectedPart,
    CollectionReport,
    CollectRequest,
    CredentialOrder,
    CredentialRequestReport,
    CredentialsReport,
    Examination,
    ExaminationRequest,
    ExaminedStep,
    FeedStatus,
    HeldCredential,
    IngestReport,
    Operations,
    QuarantineEntry,
    QuarantineList,
    QuarantineQuery,
    Readiness,
    Remark,
    ReplayReport,
    ReplayRequest,
    StatusReport,
    StepState,
    Tombstone,
    Trace,
    TraceStep,
    WalletOperations,
)
from connector.web.processes import (
    ProcessEvent,
    ProcessLine,
    ProcessList,
    ProcessQuery,
    ProcessReport,
)
from connector.web.remote import Connection, remote_operations

AT = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
TOKEN = "a-token-that-only-the-operator-has"
STATUS = StatusReport(
    "puebla",
    "BPNL00000000PUE1",
    "did:web:localhost%3A8181",
    running=True,
    started_at=AT,
    counts={"records": 12},
    negotiations={"finalized": 2},
    backlog={"derivation": 0},
    feeds=(FeedStatus("parts", "delimited_file", 1, 12, 1, AT, "un error"),),
)
ENTRY = QuarantineEntry(
    7,
    "parts",
    "lote.csv",
    3,
    "open",
    AT,
    (
        Finding(
            "record:key_repeated",
            {"key": "A1", "rows": "3, 4"},
            Location("lote.csv", 3, "peso"),
            "/mass",
        ),
    ),
    record=5,
    header=("pieza", "peso"),
    rows=(("A1", "12,5"),),
)
TRACE = Trace("7", (TraceStep(AT, "record", "record.received", "row 3 of lote.csv"),))
COLLECTION = CollectionReport(
    "c1",
    "complete",
    "puebla",
    AT,
    AT,
    (CollectedPart(1, None, "urn:uuid:1", "puebla", "Rotor", kg_co2e=1.5, declared_unit="piece"),),
    (Tombstone("puebla", "urn:uuid:2", "lookup", "gone"),),
    {"aspects": 3},
    1.5,
    Finding("record:key_repeated", {"key": "x"}),
)


REQUEST = CredentialRequestReport(
    "4711", "did:web:a", ("A", "B"), "failed", AT, Finding("record:key_repeated", {"key": "x"})
)
CREDENTIALS = CredentialsReport(
    (HeldCredential("A", "valid", "did:web:a", "a.jwt", AT, 7), HeldCredential("B", "missing")),
    (REQUEST,),
    (Finding("record:key_repeated", {"key": "x"}),),
)
PROCESS = ProcessReport(
    ProcessLine(
        pid="urn:uuid:n1",
        peer_pid="urn:p1",
        kind="negotiation",
        role="provider",
        partner="oem",
        bpnl="BPNL00000000OEM1",
        did="did:web:oem.test",
        dataset="d1",
        state="AGREED",
        heading="",
        since=AT,
        deadline_at=AT,
        mover="partner",
        awaited=("ContractAgreementVerificationMessage",),
        stuck=True,
        advice=Finding("transfer:progress_partner", {"partner": "oem"}),
    ),
    "https://oem.test/dsp",
    (ProcessEvent(AT, "negotiation.agreed", "delivered ContractAgreementMessage"),),
    received="{}",
    peer_state="VERIFIED",
)
EXAMINATION = Examination(
    AT,
    True,
    (
        ExaminedStep("dns", StepState.OK, seen=(Finding("daemon:missing_intake"),)),
        ExaminedStep(
            "tls",
            StepState.FAILED,
            "oem",
            remarks=(Remark(Finding("record:key_repeated", {"key": "x"}), Actor.PARTNER),),
            after="own/dns",
        ),
    ),
)


class Company:
    """Operations that answer from fixed values and remember what they were asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.readiness = Readiness()

    def operations(self) -> Operations:
        return Operations(
            status=lambda: STATUS,
            readiness=lambda: self.readiness,
            quarantine=lambda query: self._note(query, QuarantineList((ENTRY,), 4)),
            show=self._show,
            replay=lambda request: self._note(request, ReplayReport(2, 1)),
            trace=lambda about: self._note(about, TRACE),
            ingest=lambda: IngestReport(1, 12, quarantined=1, seconds=0.5),
            collect=self._collect,
            collection=lambda about: self._note(about, COLLECTION),
            wallet=WalletOperations(
                report=lambda: CREDENTIALS,
                request=lambda order: self._note(order, "4711"),
                requested=lambda number: self._note(number, REQUEST),
            ),
            processes=lambda query: self._note(query, ProcessList((PROCESS.line,))),
            process=lambda pid: self._note(pid, PROCESS),
            examine=lambda request: self._note(request, EXAMINATION),
        )

    def _note(self, question, answer):
        self.asked.append(question)
        return answer

    def _show(self, entry: int) -> QuarantineEntry:
        if entry != ENTRY.id:
            raise DataError("record:key_repeated", key=entry, rows="1")
        return ENTRY

    def _collect(self, request: CollectRequest) -> str:
        kinds = {"refuses": PartnerError, "sleeps": TransientError, "unknown": SetupError}
        if request.partner in kinds:
            raise kinds[request.partner](
                "partner:entry_repeated", key="name", value=request.partner
            )
        self._note(request, None)
        return "c1"


@pytest.fixture(scope="module")
def company() -> Company:
    return Company()


@pytest.fixture(scope="module")
def port(company: Company) -> Iterator[int]:
    app = operator_app(company.operations(), TOKEN, build_metrics().exposition)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def remote(port: int) -> Operations:
    return remote_operations(Connection(port, TOKEN))


def test_the_status_comes_back_as_it_was_given(remote: Operations) -> None:
    assert STATUS == remote.status()


def test_a_ready_connector_says_so(remote: Operations) -> None:
    assert Readiness() == remote.readiness()


def test_an_unready_connector_names_what_is_missing(
    company: Company, remote: Operations, port: int
) -> None:
    company.readiness = Readiness(("credentials",))
    try:
        answer = _get(port, "/health/ready")
        told = remote.readiness()
    finally:
        company.readiness = Readiness()

    assert (503, {"ready": False, "missing": ["credentials"]}) == (
        answer.status_code,
        answer.json(),
    )
    assert Readiness(("credentials",)) == told


def test_the_quarantine_is_listed_as_asked(company: Company, remote: Operations) -> None:
    query = QuarantineQuery("parts", closed=True, entries_max=5)

    assert QuarantineList((ENTRY,), 4) == remote.quarantine(query)
    assert query == company.asked[-1]


def test_one_entry_is_shown_whole(remote: Operations) -> None:
    assert ENTRY == remote.show(7)


def test_a_replay_names_what_to_try_again(company: Company, remote: Operations) -> None:
    assert ReplayReport(2, 1) == remote.replay(ReplayRequest((7, 8)))
    assert ReplayRequest((7, 8)) == company.asked[-1]


@pytest.mark.parametrize("about", ["7", "urn:uuid:1", "lote.csv:3", "a/b?c d#e"])
def test_a_trace_is_asked_for_by_any_id(company: Company, remote: Operations, about: str) -> None:
    assert TRACE == remote.trace(about)
    assert about == company.asked[-1]


def test_intake_reports_what_it_took(remote: Operations) -> None:
    assert IngestReport(1, 12, quarantined=1, seconds=0.5) == remote.ingest()


def test_credentials_are_listed_asked_for_and_followed(
    company: Company, remote: Operations
) -> None:
    order = CredentialOrder(("A", "B"), "did:web:a")

    assert CREDENTIALS == remote.wallet.report()
    assert "4711" == remote.wallet.request(order)
    assert REQUEST == remote.wallet.requested("4%7 11")
    assert [order, "4%7 11"] == company.asked[-2:]


def test_a_collection_is_started_and_followed(company: Company, remote: Operations) -> None:
    wanted = CollectRequest("puebla", asset_ids=(("manufacturerPartId", "P-1"),), depth_max=3)

    assert "c1" == remote.collect(wanted)
    assert wanted == company.asked[-1]
    assert COLLECTION == remote.collection("c1")


def test_an_examination_comes_back_with_every_remark(company: Company, remote: Operations) -> None:
    found = remote.examine(ExaminationRequest("oem"))

    assert EXAMINATION == found
    assert found.failed
    assert ExaminationRequest("oem") == company.asked[-1]


@pytest.mark.parametrize(
    "query",
    [ProcessQuery(), ProcessQuery("oem", stuck=True), ProcessQuery(all=True, processes_max=7)],
)
def test_processes_are_listed_as_asked(
    company: Company, remote: Operations, query: ProcessQuery
) -> None:
    assert ProcessList((PROCESS.line,)) == remote.processes(query)
    assert query == company.asked[-1]


def test_one_process_is_told_whole(company: Company, remote: Operations) -> None:
    found = remote.process("urn:uuid:n1")

    assert (PROCESS, True) == (found, found.differs)
    assert "urn:uuid:n1" == company.asked[-1]


@pytest.mark.parametrize(
    ("partner", "kind"),
    [("refuses", PartnerError), ("sleeps", TransientError), ("unknown", SetupError)],
)
def test_an_error_crosses_the_wire_as_itself(
    remote: Operations, partner: str, kind: type[EslabonError]
) -> None:
    with pytest.raises(kind) as raised:
        remote.collect(CollectRequest(partner))

    assert ("partner:entry_repeated", {"key": "name", "value": partner}) == (
        raised.value.code,
        raised.value.params,
    )


def test_an_unknown_entry_is_the_askers_mistake(port: int) -> None:
    answer = _get(port, "/api/quarantine/99", language="es")

    assert 422 == answer.status_code
    assert "DataError" == answer.json()["error"]
    assert "99" in answer.json()["what"]


def test_anybody_on_this_machine_may_ask_whether_it_lives(port: int) -> None:
    answer = requests.get(f"http://127.0.0.1:{port}/health/live", timeout=5)

    assert (200, {"live": True}) == (answer.status_code, answer.json())
    assert Connection(port, "").is_live()


def test_where_nobody_listens_nothing_lives() -> None:
    assert not Connection(1, TOKEN).is_live()


@pytest.mark.parametrize(
    "path", ["/health/ready", "/metrics", "/api/status", "/nothing", "/api/trace/1"]
)
@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer wrong", TOKEN, f"bearer {TOKEN}"])
def test_nothing_else_is_told_without_the_token(port: int, path: str, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": token}
    answer = requests.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=5)

    assert 401 == answer.status_code
    assert "web:token_wrong" == answer.json()["code"]


def test_a_page_of_another_site_cannot_reach_it_under_its_own_name(port: int) -> None:
    answer = requests.get(
        f"http://127.0.0.1:{port}/health/live", headers={"Host": "evil.example"}, timeout=5
    )

    assert 400 == answer.status_code


def test_a_wrong_token_is_a_matter_of_setup(port: int) -> None:
    with pytest.raises(SetupError) as raised:
        remote_operations(Connection(port, "wrong")).status()

    assert "web:token_refused" == raised.value.code


def test_a_connector_that_went_away_is_temporary() -> None:
    with pytest.raises(TransientError) as raised:
        remote_operations(Connection(1, TOKEN)).status()

    assert "web:not_reached" == raised.value.code


def test_metrics_are_text_for_prometheus(port: int) -> None:
    answer = _get(port, "/metrics")

    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    assert "# TYPE eslabon_messages_owed gauge" in answer.text


@pytest.mark.parametrize("entries_max", ["0", "-1", "x", "1001", "1e3"])
def test_a_list_has_a_named_limit(port: int, entries_max: str) -> None:
    answer = _get(port, f"/api/quarantine?entries_max={entries_max}")

    assert (422, "web:number_wrong") == (answer.status_code, answer.json()["code"])


def test_a_long_body_is_refused(port: int) -> None:
    answer = _post(port, "/api/collections", b" " * (BODY_BYTES_MAX + 1))

    assert (422, "web:body_too_long") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"partner": 3}', b"\xff"])
def test_a_request_that_makes_no_sense_is_refused(port: int, body: bytes) -> None:
    answer = _post(port, "/api/collections", body)

    assert (422, "web:not_understood") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("token", ["", " ", "\n"])
def test_an_empty_token_is_no_token(token: str) -> None:
    with pytest.raises(SetupError) as raised:
        operator_app(Company().operations(), token, build_metrics().exposition)

    assert "web:token_empty" == raised.value.code


def _get(port: int, path: str, language: str = "en") -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept-Language": language}
    return requests.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=5)


def _post(port: int, path: str, body: bytes) -> requests.Response:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return requests.post(f"http://127.0.0.1:{port}{path}", data=body, headers=headers, timeout=5)
