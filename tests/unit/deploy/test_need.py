"""A system package that is missing is installed or named."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT

INSTALLS = '#!/bin/sh\necho "$@" >> {log}\ntouch {installed}\n'
SUCCEEDS_WHEN_INSTALLED = ("sh", "-c", 'test -e "$0"')


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of the few commands that the script may use; no package client among them."""
    for command in ("bash", "env", "false", "id", "sh", "test", "touch", "true"):
        (tmp_path / command).symlink_to(shutil.which(command) or command)
    return tmp_path


def _need(machine: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "deploy" / "need"), *arguments]
    environment = {**os.environ, "PATH": str(machine)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_what_is_there_is_passed_over_in_silence(machine: Path) -> None:
    ran = _need(machine, "a broker", "mosquitto", "--", "true")

    assert (0, "", "") == (ran.returncode, ran.stdout, ran.stderr)


def test_what_is_missing_stops_and_says_what_to_install(machine: Path) -> None:
    ran = _need(machine, "a broker", "mosquitto", "--", "false")

    fix = "  fix: install it, for example with: sudo apt-get install mosquitto"
    assert (1, f"a broker is missing\n{fix}\n") == (ran.returncode, ran.stderr)


def test_what_is_optional_is_named_and_does_not_stop(machine: Path) -> None:
    ran = _need(machine, "--optional", "a broker", "mosquitto", "--", "false")

    assert (0, True) == (ran.returncode, "apt-get install mosquitto" in ran.stderr)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_root_on_debian_installs_what_is_missing(machine: Path) -> None:
    installed, log = machine / "installed", machine / "log"
    client = machine / "apt-get"
    client.write_text(INSTALLS.format(log=log, installed=installed))
    client.chmod(0o755)

    ran = _need(machine, "a broker", "mosquitto", "--", *SUCCEEDS_WHEN_INSTALLED, str(installed))

    assert 0 == ran.returncode
    assert log.read_text().endswith("mosquitto\n")
