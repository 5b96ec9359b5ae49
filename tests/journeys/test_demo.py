"""What `make demo` shows, played as a customer would: with a broker where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.demo.processes import end_left_over

pytestmark = pytest.mark.journey

REPOSITORY = Path(__file__).parents[2]
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
HAS_BROKER = shutil.which("mosquitto", path=SEARCHED) is not None
needs_broker = pytest.mark.skipif(
    not HAS_BROKER, reason="needs an MQTT broker: sudo apt-get install mosquitto"
)


def play(folder: Path, *words: str, language: str = "C") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "deploy.demo.demo", "--folder", str(folder), *words),
        cwd=REPOSITORY,
        env={**os.environ, "LC_ALL": language, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def said(played: subprocess.CompletedProcess[str]) -> str:
    return played.stdout + played.stderr


@needs_broker
def test_every_figure_of_the_demo_is_what_the_plants_tables_say(tmp_path):
    played = play(tmp_path / "demo")

    assert played.returncode == 0, said(played)
    assert "Mosquitto" in played.stdout
    assert "figures are as they must be" in played.stdout
    assert "✗" not in played.stdout


def test_without_a_broker_the_demo_says_so_and_reads_the_same_records_from_a_file(tmp_path):
    played = play(tmp_path / "demo", "--no-broker", language="es_MX.UTF-8")

    assert played.returncode == 0, said(played)
    assert "no hay broker MQTT" in played.stdout
    assert "cifras son las que deben ser" in played.stdout
    assert "✗" not in played.stdout


def test_a_kept_demo_keeps_running_until_the_next_one_ends_it(tmp_path):
    folder = tmp_path / "demo"
    try:
        kept = play(folder, "--no-broker", "--keep")
        config = str(folder / "oem" / "eslabon.toml")
        answered = subprocess.run(
            (sys.executable, "-m", "connector", "status", "--json", "--config", config),
            capture_output=True,
            text=True,
            check=False,
        )

        assert kept.returncode == 0, said(kept)
        assert '"running":true' in answered.stdout.replace(" ", "")
        assert config in kept.stdout
    finally:
        stopped = play(folder, "--stop")
    assert stopped.returncode == 0, said(stopped)
    assert end_left_over(folder) == []
    assert list(folder.rglob("*.pid")) == []
