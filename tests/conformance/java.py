"""Runs programs of others that are written in Java: Maven fetches them, JUnit reports on kits."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

JAVA_MIN = 17
FETCH_SECONDS = 600
COMPILE_SECONDS = 120
KIT_SECONDS = 1200
REPOSITORY = Path(__file__).parents[2]
# Where jars and reports lie, a folder for each kit.
BUILD = REPOSITORY / "build" / "conformance"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one test of a kit: its title, and why it failed if it did."""

    title: str
    failure: str = ""
    skipped: bool = False

    @property
    def number(self) -> str:
        """The first word of the title, such as ``CN:01-01``."""
        return self.title.partition(" ")[0].rstrip(":")


def lacking() -> str:
    """Return what this machine lacks to run a kit, as one sentence; empty if nothing."""
    for name, what in {"java": f"Java {JAVA_MIN} or newer", "mvn": "Maven"}.items():
        if shutil.which(name) is None:
            return f"{what} is needed, and there is no {name} on the path"
    version = java_version()
    return f"Java {JAVA_MIN} or newer is needed, this is {version}" if version < JAVA_MIN else ""


def java_version() -> int:
    """Return the number of the Java release on the path, 0 if it does not say."""
    told = subprocess.run(("java", "-version"), capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', told.stderr)
    return int(found[1]) if found else 0


def jars_of(pom: Path, folder: Path) -> Path:
    """Return the folder with all jars that a pom names; what is there already stays."""
    jars, stamp = folder / "lib", folder / "lib" / "pom.xml"
    if stamp.exists() and stamp.read_bytes() == pom.read_bytes():
        return jars
    shutil.rmtree(jars, ignore_errors=True)
    argv = ["mvn", "--quiet", "--batch-mode", "--file", str(pom)]
    argv += ["dependency:copy-dependencies", f"-DoutputDirectory={jars.absolute()}"]
    subprocess.run(argv, check=True, timeout=FETCH_SECONDS)
    shutil.copyfile(pom, stamp)
    return jars


def extension_of(source: Path, jars: Path, folder: Path) -> Path:
    """Compile a class that an Eclipse runtime loads when it boots; return where it lies.

    The runtime finds it if that folder is on its class path.
    """
    classes = folder / "classes"
    shutil.rmtree(classes, ignore_errors=True)
    services = classes / "META-INF" / "services"
    services.mkdir(parents=True)
    argv = ("javac", "-proc:none", "-cp", f"{jars}/*", "-d", str(classes), str(source))
    subprocess.run(argv, check=True, timeout=COMPILE_SECONDS)
    (services / "org.eclipse.edc.spi.system.ServiceExtension").write_text(source.stem)
    return classes


def run_kit(
    jars: Path, package: str, settings: Mapping[str, str], reports: Path
) -> dict[str, Outcome]:
    """Run all tests below a package by JUnit's console launcher; return outcomes by number.

    JUnit XML and the kit's own words (``kit.log``) are left in ``reports``.
    """
    for stale in reports.glob("TEST-*.xml"):
        stale.unlink()
    argv = ["nice", "-n", "5", "java", "-cp", f"{jars}/*"]
    argv += ["org.junit.platform.console.ConsoleLauncher", "execute", "--disable-ansi-colors"]
    argv += ["--select-package", package, "--reports-dir", str(reports)]
    for key, value in settings.items():
        argv += ["--config", f"{key}={value}"]
    with (reports / "kit.log").open("wb") as log:
        subprocess.run(argv, check=False, stdout=log, stderr=log, timeout=KIT_SECONDS)
    return {one.number: one for one in _outcomes(reports)}


def _outcomes(reports: Path) -> list[Outcome]:
    files = sorted(reports.glob("TEST-*.xml"))
    assert files, f"the kit did not run, see {reports / 'kit.log'}"
    cases = [case for file in files for case in ET.parse(file).iter("testcase")]
    return [_outcome(case) for case in cases]


def _outcome(case: ET.Element) -> Outcome:
    written = "\n".join(node.text or "" for node in case.findall("system-out"))
    named = re.search(r"^display-name: (.+)$", written, re.MULTILINE)
    trouble = [node for kind in ("failure", "error") for node in case.findall(kind)]
    failure = "\n".join(f"{node.get('message')}\n{node.text or ''}"[:2000] for node in trouble)
    title = named[1].strip() if named else case.get("name", "")
    return Outcome(title, failure, case.find("skipped") is not None)
