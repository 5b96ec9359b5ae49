"""Collecting with a running connector: the request, the tree, the tombstones, the exit code."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
import uvicorn

from connector.cli.collect import request_of
from connector.errors import DataError, Finding, PartnerError, TransientError
from connector.web.app import operator_app
from connector.web.operations import (
    CollectedPart,
    CollectionReport,
    CollectRequest,
    CredentialRequestReport,
    CredentialsReport,
    Examination,
    IngestReport,
    Operations,
    QuarantineList,
    Readiness,
    ReplayReport,
    StatusReport,
    Tombstone,
    Trace,
    WalletOperations,
)
from connector.web.processes import ProcessList

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Eslabon

AT = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
LOST = Tombstone("puebla", "urn:uuid:3", "lookup", "404 Not Found")
PARTS = (
    CollectedPart(
        1,
        None,
        "urn:uuid:1",
        "puebla",
        "Control [unit]",
        "CTRL-1",
        "partInstanceId",
        "SN-1",
        kg_co2e=12.5,
        declared_unit="piece",
        aspects=("a",),
    ),
    CollectedPart(
        2,
        1,
        "urn:uuid:2",
        "puebla",
        "Plate",
        "PL-1",
        "batchId",
        "L-7",
        2.0,
        "unit:piece",
        aspects=("a",),
    ),
    CollectedPart(3, 1, "urn:uuid:3", "puebla", tombstone=LOST),
)
COMPLETE = CollectionReport("c1", "complete", "puebla", AT, AT, PARTS[:2], (), {"parts": 2}, 12.5)
RUNNING = replace(COMPLETE, state="running", parts=PARTS[:1], finished_at=None)


NO_WALLET = WalletOperations(
    report=CredentialsReport,
    request=lambda _: "1",
    requested=lambda number: CredentialRequestReport(number, "", (), "waiting", AT),
)


class Connector:
    """A running connector that collects what the test says, in two looks."""

    def __init__(self) -> None:
        self.reports = [RUNNING, COMPLETE]
        self.asked: list[CollectRequest] = []
        self.error: Exception | None = None

    def operations(self) -> Operations:
        return Operations(
            status=lambda: StatusReport("plant", "BPNL000000000000", "did:web:x", running=True),
            readiness=Readiness,
            quarantine=lambda _: QuarantineList(),
            show=self._unknown,
            replay=lambda _: ReplayReport(0),
            trace=Trace,
            ingest=IngestReport,
            collect=self._collect,
            collection=lambda _: self.reports.pop(0) if len(self.reports) > 1 else self.reports[0],
            wallet=NO_WALLET,
            processes=lambda _: ProcessList(),
            process=self._unknown,
            examine=lambda _: Examination(AT, running=True),
        )

    def _unknown(self, entry: object) -> NoReturn:
        raise DataError("cli:trace_unknown", about=entry)

    def _collect(self, request: CollectRequest) -> str:
        self.asked.append(request)
        if self.error:
            raise self.error
        return "c1"


@pytest.fixture
def running(plant: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connector]:
    connector = Connector()
    token = (plant / "data/operator.token").read_text()
    app = operator_app(connector.operations(), token, lambda: b"")
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    monkeypatch.setenv("ESLABON_OPERATOR__PORT", str(port))
    yield connector
    server.should_exit = True
    thread.join()


def test_the_tree_shows_parts_batches_and_footprints(running: Connector, eslabon: Eslabon) -> None:
    said = eslabon("collect", "--partner", "puebla", "--part", "CTRL-1", "--lang", "es")

    assert 0 == said.code
    assert [
        "puebla",
        "└── Control [unit]  CTRL-1  serie SN-1  12.5 kg CO2e",
        "    └── Plate  PL-1  lote L-7  2 piece",
        "huella total: 12.5 kg CO2e",
        "completo: piezas 2",
    ] == [line.rstrip() for line in said.out.splitlines()]


def test_json_holds_the_same(running: Connector, eslabon: Eslabon) -> None:
    said = eslabon("collect", "--partner", "puebla", "--part", "CTRL-1", "--json")

    assert ("complete", 12.5, None) == tuple(
        said.json[key] for key in ("state", "kg_co2e_total", "failure")
    )
    assert [(1, None, "SN-1"), (2, 1, "L-7")] == [
        (part["node"], part["parent"], part["instance"]) for part in said.json["parts"]
    ]


def test_what_could_not_be_had_is_named_and_is_a_finding(
    running: Connector, eslabon: Eslabon
) -> None:
    missing = Tombstone("puebla", "urn:uuid:1", "pull", "gone", "urn:samm:x:1.0.0#Pcf")
    running.reports = [replace(COMPLETE, parts=PARTS, tombstones=(LOST, missing))]
    said = eslabon("collect", "--partner", "puebla", "--part", "CTRL-1")

    assert 1 == said.code
    assert "urn:samm:x:1.0.0#Pcf urn:uuid:1 of puebla could not be had, at pull" in said.out
    assert "urn:uuid:3 of puebla could not be had, at lookup: 404 Not Found" in said.out


def test_a_collection_that_failed_says_why_and_is_the_partners_move(
    running: Connector, eslabon: Eslabon
) -> None:
    failure = Finding("cli:trace_unknown", {"about": "the twin"})
    running.reports = [replace(COMPLETE, state="failed", parts=(), failure=failure)]
    said = eslabon("collect", "--partner", "puebla", "--part", "CTRL-1")

    assert 3 == said.code
    assert "nothing is known about “the twin”" in said.err


@pytest.mark.parametrize(
    ("kind", "code"), [(PartnerError, 3), (TransientError, 4), (DataError, 1)]
)
def test_an_error_of_the_running_connector_decides_the_exit_code(
    running: Connector, eslabon: Eslabon, kind: type[Exception], code: int
) -> None:
    running.error = kind("cli:collect_what")

    assert code == eslabon("collect", "--partner", "puebla", "--part", "CTRL-1").code


def test_the_running_connector_answers_the_other_commands_too(
    running: Connector, eslabon: Eslabon
) -> None:
    assert eslabon("status", "--json").json["running"]
    assert 0 == eslabon("ingest", "--once").code
    assert 0 == eslabon("quarantine", "list").code
    assert 1 == eslabon("quarantine", "show", "7").code


def test_another_installation_on_that_port_is_told_apart(
    running: Connector, eslabon: Eslabon, plant: Path
) -> None:
    (plant / "data/operator.token").write_text("another token")
    said = eslabon("status", "--json")

    assert (2, "web:token_refused") == (said.code, said.json["code"])


@pytest.mark.parametrize(
    ("parts", "request_"),
    [
        (["CTRL-1"], CollectRequest("p", asset_ids=(("manufacturerPartId", "CTRL-1"),))),
        (
            ["CTRL-1", "partInstanceId=SN=1"],
            CollectRequest(
                "p", asset_ids=(("manufacturerPartId", "CTRL-1"), ("partInstanceId", "SN=1"))
            ),
        ),
        (
            ["urn:uuid:0c80d398-e2c4-4372-8c60-718e9ec108a9"],
            CollectRequest("p", "urn:uuid:0c80d398-e2c4-4372-8c60-718e9ec108a9"),
        ),
        (
            ["0c80d398-e2c4-4372-8c60-718e9ec108a9"],
            CollectRequest("p", "0c80d398-e2c4-4372-8c60-718e9ec108a9"),
        ),
    ],
)
def test_a_part_may_be_named_in_several_ways(parts: list[str], request_: CollectRequest) -> None:
    assert request_ == request_of("p", parts, [], None)
    assert replace(request_, aspects=("u",), depth_max=2) == request_of("p", parts, ["u"], 2)
