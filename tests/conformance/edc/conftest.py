"""Our connector and an Eclipse connector side by side, and a plant's server behind the latter."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from deploy.demo.processes import Process, free_port, listens, wait_until
from tests.conformance import java
from tests.conformance.edc import ground
from tests.conformance.edc.eclipse import (
    STEP_SECONDS,
    Consumer,
    Edc,
    Json,
    Publisher,
    fetch,
    reached,
)
from tests.conformance.edc.ground import HOST
from tests.conformance.report import Report

REPORTS = java.BUILD / "edc"
OURS = "tests.conformance.edc.under_test"


@dataclass(frozen=True)
class Ends:
    """Reasons: why exchanges were begun anew by us, and why processes ended, through whom."""

    begun_anew: list[str]
    by_us: list[str]
    by_partner: list[str]

    def since(self, before: Ends) -> Ends:
        """Return only what has come after."""
        return Ends(
            self.begun_anew[len(before.begun_anew) :],
            self.by_us[len(before.by_us) :],
            self.by_partner[len(before.by_partner) :],
        )


@dataclass(frozen=True)
class Space:
    """Both connectors, and what each may do with the other."""

    edc: Edc
    url: str
    backend: str
    config: Path

    @property
    def consumer(self) -> Consumer:
        """EDC, as a consumer of ours."""
        return Consumer(self.edc, ground.US, f"{self.url}/dsp/2025-1")

    @property
    def publisher(self) -> Publisher:
        """EDC, as a provider."""
        return Publisher(self.edc)

    def ask(self, path: str, body: Json | None = None) -> tuple[int, Json]:
        """Tell our connector what to do, and return status and answer."""
        sent = None if body is None else json.dumps(body).encode()
        status, answer = fetch(self.url + path, {}, sent)
        found: Json = json.loads(answer)
        return status, found

    def ends(self) -> Ends:
        """Return what our connector began anew so far, and what ended through whom."""
        told = self.ask(ground.ENDS)[1]
        return Ends(told["begun_anew"], told["ended_by_us"], told["ended_by_partner"])

    def pull(self, dataset: str) -> tuple[int, Json]:
        """Let our connector read a submodel of EDC's, as a walk does."""
        href = f"{self.edc.public_url}/parts/{quote(dataset)}/submodel"
        return self.ask(ground.PULL, {"dataset": dataset, "href": href})

    def transfer(self, pid: str, state: str, seconds: float = STEP_SECONDS) -> Json:
        """Wait until a transfer is in a state, as our connector sees it."""
        return reached(
            lambda: self.ask(ground.TRANSFER.format(pid=pid))[1], state, seconds=seconds
        )

    def negotiation(self, pid: str, state: str, seconds: float = STEP_SECONDS) -> Json:
        """Wait until a negotiation is in a state, as our connector sees it."""
        return reached(
            lambda: self.ask(ground.NEGOTIATION.format(pid=pid))[1], state, seconds=seconds
        )

    def begin(self, dataset: str) -> str:
        """Let our connector begin to negotiate about a dataset of EDC's; return its pid."""
        return str(self.ask(ground.BEGIN, {"dataset": dataset})[1]["pid"])

    def begin_transfer(self, agreement: str) -> str:
        """Let our connector ask for access under an agreement; return its pid."""
        return str(self.ask(ground.BEGIN_TRANSFER, {"agreement": agreement})[1]["pid"])

    def end_negotiation(self, pid: str) -> None:
        """Let our connector end a negotiation, in either role."""
        status, told = self.ask(ground.NEGOTIATION_TERMINATION.format(pid=pid), {})
        assert status == 200, told

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Let our connector leave requests unanswered for a while."""
        self.ask(ground.HOLD, {"hold": True})
        try:
            yield
        finally:
            self.ask(ground.HOLD, {"hold": False})

    def agree(self, pid: str) -> None:
        """Let our connector answer a request that it has held back."""
        status, told = self.ask(ground.AGREEMENT.format(pid=pid), {})
        assert status == 200, told

    def command(self, *words: str) -> Json:
        """Ask our connector by its command, as an operator does; return its answer."""
        argv = (sys.executable, "-m", "connector", *words, "--json", "--config", str(self.config))
        said = subprocess.run(
            argv, cwd=java.REPOSITORY, capture_output=True, text=True, check=False, timeout=60
        )
        found: Json = json.loads(said.stdout)
        return found

    def end_transfer(self, pid: str) -> None:
        """Let our connector end a transfer, in either role."""
        status, told = self.ask(ground.TERMINATION.format(pid=pid), {})
        assert status == 200, told


class _Plant(BaseHTTPRequestHandler):
    """Answers every path with itself, as JSON."""

    def do_GET(self) -> None:
        body = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
        """Write nothing."""


@pytest.fixture(scope="session")
def backend() -> Iterator[str]:
    """Serve what EDC hands out."""
    server = ThreadingHTTPServer((HOST, 0), _Plant)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://{HOST}:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def space(tmp_path_factory: pytest.TempPathFactory, backend: str) -> Iterator[Space]:
    """Return both connectors; EDC looks what there is to do every 50 ms."""
    with side_by_side(tmp_path_factory.mktemp("edc"), backend, wait_ms=50) as both:
        yield both


@contextmanager
def side_by_side(folder: Path, backend: str, wait_ms: int, **limits: float) -> Iterator[Space]:
    """Start both connectors, ours with these limits, and stop them in the end."""
    if reason := java.lacking():
        pytest.skip(reason)
    jars, port = java.jars_of(Path(__file__).parent / "pom.xml", REPORTS), free_port()
    edc = Edc(folder / "edc", jars, _fresh(REPORTS / f"{folder.name}.edc.log"), wait_ms)
    config = ground.write_settings(folder, port, free_port(), limits)
    argv = (sys.executable, "-m", OURS, str(config), edc.protocol_root)
    log = _fresh(REPORTS / f"{folder.name}.under_test.jsonl")
    ours = Process(argv, log, folder / "run.pid", mark=str(config), folder=java.REPOSITORY)
    try:
        ours.start()
        edc.start()
        wait_until(lambda: listens(port) or not ours.is_alive(), "our connector")
        assert ours.is_alive(), ours.last_words()
        yield Space(edc, f"http://{HOST}:{port}", backend, config)
    finally:
        edc.stop()
        ours.stop()


def _fresh(log: Path) -> Path:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    return log


_report = Report("edc")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what became of each test here."""
    outcome = yield
    _report.note(outcome)
    return outcome


def pytest_sessionfinish() -> None:
    """Write a report of these tests alone, beside those of the kits."""
    _report.write(REPORTS)
