"""Our connector and an Eclipse connector as members of one data space, neither identity played."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conformance import java
from tests.conformance.edc_dcp.member import BUILT, Program, program
from tests.conformance.edc_dcp.neighbours import Neighbours
from tests.conformance.report import Report

_report = Report("edc-dcp")


@pytest.fixture(scope="session")
def built() -> Program:
    """Return the Eclipse connector's program."""
    if reason := java.lacking() or ("" if shutil.which("javac") else "there is no javac"):
        pytest.skip(reason)
    # It says why it refuses somebody to those only who look at this level.
    return program(arguments=("--log-level=DEBUG",))


@pytest.fixture(scope="session")
def neighbours(tmp_path_factory: pytest.TempPathFactory, built: Program) -> Iterator[Neighbours]:
    """Return both, who deal with each other as members in good standing."""
    with neighbourhood(tmp_path_factory.mktemp("dcp"), built) as both:
        yield both


@contextmanager
def neighbourhood(folder: Path, built: Program) -> Iterator[Neighbours]:
    """Start both, and keep their logs beside the reports in the end."""
    with ExitStack() as stack:
        both = stack.enter_context(Neighbours.met(folder, built))
        stack.callback(both.keep_logs, BUILT)
        yield both


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what became of each test here."""
    outcome = yield
    _report.note(outcome)
    return outcome


def pytest_sessionfinish() -> None:
    """Write a report of these tests alone, beside those of the kits."""
    _report.write(BUILT)
