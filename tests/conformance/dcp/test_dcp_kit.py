"""The official test kit of the Decentralized Claims Protocol, each role of ours, test by test."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from connector.identifiers import did_web
from deploy.demo.processes import Process, free_port, listens, wait_until
from tests.conformance import java
from tests.conformance.dcp import ground

pytestmark = pytest.mark.conformance

KIT = "org.eclipse.dataspacetck.dcp"
REPORTS = java.BUILD / "dcp"
CONNECTOR = "tests.conformance.dcp.connector_under_test"
AUTHORITY = "tests.conformance.dcp.authority_under_test"
TESTS: dict[str, list[str]] = tomllib.loads(
    (Path(__file__).parent / "tests_of_kit.toml").read_text(encoding="utf-8")
)
DISABLED = set(TESTS.pop("disabled"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the kit says about one of its tests."""

    failure: str
    skipped: bool


def _verdicts(reports: Path) -> dict[str, Verdict]:
    files = sorted(reports.glob("TEST-*.xml"))
    return dict(_verdict(case) for file in files for case in ET.parse(file).iter("testcase"))


def _verdict(case: ET.Element) -> tuple[str, Verdict]:
    trouble = [node for kind in ("failure", "error") for node in case.findall(kind)]
    failure = "\n".join(f"{node.get('message')}\n{node.text or ''}"[:2000] for node in trouble)
    method = (case.get("name") or "").partition("(")[0]
    test = f"{(case.get('classname') or '').rpartition('.')[2]}.{method}"
    return test, Verdict(failure, case.find("skipped") is not None)


@contextmanager
def _running(argv: Sequence[str], port: int, folder: Path, log: Path) -> Iterator[None]:
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    program = Process(
        (sys.executable, "-m", *argv), log, folder / "run.pid", argv[-1], java.REPOSITORY
    )
    program.start()
    try:
        wait_until(lambda: listens(port) or not program.is_alive(), argv[0])
        assert program.is_alive(), program.last_words()
        yield
    finally:
        program.stop()


def _told(kit_port: int, ours: Mapping[str, str]) -> dict[str, str]:
    return {
        "dataspacetck.launcher": f"{KIT}.system.DcpSystemLauncher",
        "dataspacetck.host": ground.HOST,
        "dataspacetck.port": str(kit_port),
        "dataspacetck.callback.address": f"http://{ground.HOST}:{kit_port}",
        "dataspacetck.credentials.correlation.id": ground.HOLDER_PID,
        **ours,
    }


def _connector_told(role: str, url: str) -> dict[str, str]:
    if role == "presentation.verifier":
        return {
            "dataspacetck.did.verifier": did_web(url),
            "dataspacetck.vpp.trigger.endpoint": url + ground.TRIGGER,
        }
    return {
        "dataspacetck.did.holder": did_web(url),
        "dataspacetck.sts.url": f"{url}/dcp",
        "dataspacetck.sts.client.id": ground.CLIENT,
        "dataspacetck.sts.client.secret": ground.SECRET,
    }


def _run(role: str, folder: Path) -> dict[str, Verdict]:
    """Run the kit's tests of one role against a fresh program of ours."""
    jars, reports = java.jars_of(Path(__file__).parent / "pom.xml", REPORTS), REPORTS / role
    port, kit_port = free_port(), free_port()
    url = f"http://{ground.HOST}:{port}"
    if role == "issuance.issuer":
        argv = [AUTHORITY, str(port), str(kit_port), str(folder)]
        told = _told(kit_port, {"dataspacetck.did.issuer": did_web(url)})
    else:
        config = ground.write_settings(folder, (port, free_port()), kit_port)
        argv = [CONNECTOR, str(config)]
        told = _told(kit_port, _connector_told(role, url))
    with _running(argv, port, folder, reports / "under_test.jsonl"):
        java.run_kit(jars, f"{KIT}.verification.{role}", told, reports)
    return _verdicts(reports)


@pytest.fixture(scope="module")
def verdicts(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Mapping[str, Verdict]]:
    """Return what tells the verdicts of a role; each role's kit runs once, when it is asked."""
    if reason := java.lacking():
        pytest.skip(reason)
    return cache(lambda role: _run(role, tmp_path_factory.mktemp("dcp")))


@pytest.mark.parametrize(
    ("role", "test"), [(role, test) for role, tests in TESTS.items() for test in tests]
)
def test_the_kit_is_satisfied_with(
    role: str, test: str, verdicts: Callable[[str], Mapping[str, Verdict]]
) -> None:
    assert Verdict("", skipped=False) == verdicts(role)[test]


@pytest.mark.parametrize("role", TESTS)
def test_the_kit_has_no_other_tests(
    role: str, verdicts: Callable[[str], Mapping[str, Verdict]]
) -> None:
    said = verdicts(role)
    skipped = {test for test, verdict in said.items() if verdict.skipped}

    assert set(TESTS[role]) == said.keys() - skipped
    assert skipped <= DISABLED
