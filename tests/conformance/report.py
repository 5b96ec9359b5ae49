"""Keeps what became of the tests of one folder, and writes it as JUnit XML beside the kits'."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest


@dataclass
class Report:
    """The outcomes of one suite, in the order in which its tests ended."""

    suite: str
    outcomes: list[pytest.TestReport] = field(default_factory=list)

    def note(self, outcome: pytest.TestReport) -> None:
        """Keep an outcome: of a test itself, or of a set-up that did not work."""
        if outcome.when == "call" or not outcome.passed:
            self.outcomes.append(outcome)

    def write(self, folder: Path) -> None:
        """Write them to the folder; nothing where no test of the suite ran."""
        if not self.outcomes:
            return
        suite = ET.Element("testsuite", name=self.suite, tests=str(len(self.outcomes)))
        suite.extend(_case(outcome) for outcome in self.outcomes)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"TEST-{self.suite}.xml"
        ET.ElementTree(suite).write(file, encoding="utf-8", xml_declaration=True)


def _case(outcome: pytest.TestReport) -> ET.Element:
    file, _, name = outcome.nodeid.partition("::")
    time = f"{outcome.duration:.3f}"
    case = ET.Element("testcase", classname=Path(file).stem, name=name, time=time)
    for key, value in outcome.user_properties:
        ET.SubElement(case, "property", name=key, value=str(value))
    if not outcome.passed:
        trouble = "skipped" if outcome.skipped else "failure"
        ET.SubElement(case, trouble).text = outcome.longreprtext
    return case
