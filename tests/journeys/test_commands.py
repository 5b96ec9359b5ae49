"""The installed command, as a person in a plant uses it on the first day."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.web.remote import Connection

pytestmark = pytest.mark.journey

ESLABON = Path(sys.executable).parent / "eslabon"
START_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 20.0


def eslabon(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "ESLABON"))}
    return subprocess.run(
        [ESLABON, *words],
        cwd=folder,
        env={**kept, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    assert 0 == eslabon(tmp_path, "init", "plant").returncode
    return tmp_path / "plant"


def test_the_first_day_in_spanish(tmp_path: Path) -> None:
    written = eslabon(tmp_path, "init", "planta", LANG="es_MX.UTF-8")
    planta = tmp_path / "planta"
    checked = eslabon(planta, "check", LANG="es_MX.UTF-8")
    seen = eslabon(planta, "preview", "inbox/piezas_seriadas.csv", LANG="es_MX.UTF-8")

    assert (0, 0, 1) == (written.returncode, checked.returncode, seen.returncode)
    assert "Siga con:  cd planta" in written.stdout
    assert "eslabon.toml: sin errores, 4 advertencia(s)" in checked.stdout
    assert "fila 2 → SerialPart 3.0.0" in seen.stdout
    assert '"nameAtManufacturer": "Unidad de control"' in seen.stdout
    assert "solución: corrija la fecha en el origen" in seen.stdout
    assert ["", "", ""] == [written.stderr, checked.stderr, seen.stderr]


def test_the_first_day_in_english(plant: Path) -> None:
    checked = eslabon(plant, "check")
    seen = eslabon(plant, "preview", "inbox/serial_parts.csv", "--rows", "2")

    assert (0, 0) == (checked.returncode, seen.returncode)
    assert "2 record(s) of feed “serial-parts” shown, 0 would be kept back" in seen.stdout


def test_a_mistake_is_told_with_file_line_and_remedy_and_never_as_a_traceback(plant: Path) -> None:
    toml = plant / "eslabon.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("port = 8182", 'prot = "x"'))
    checked = eslabon(plant, "check", "--lang", "es")

    assert 1 == checked.returncode
    assert re.search(
        r"^eslabon\.toml:\d+\n  clave desconocida «operator.prot»", checked.stdout, re.MULTILINE
    )
    for command in ("run", "status", "ingest --once", "trace x"):
        done = eslabon(plant, *command.split())
        assert (2, "") == (done.returncode, done.stdout)
        assert "unknown key “operator.prot”" in done.stderr
        assert "Traceback" not in done.stderr


def test_whoever_stops_reading_the_output_sees_no_traceback(plant: Path) -> None:
    done = subprocess.run(
        f"'{ESLABON}' preview inbox/serial_parts.csv --json | head -c 1",
        cwd=plant,
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in done.stderr


def test_the_module_is_the_same_command(plant: Path) -> None:
    by_module = subprocess.run(
        [sys.executable, "-m", "connector", "--version"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert eslabon(plant, "--version").stdout == by_module.stdout


@pytest.fixture
def running(plant: Path) -> Iterator[tuple[Path, subprocess.Popen[str], dict[str, str]]]:
    ports = [_free_port() for _ in range(2)]
    changed = {
        "ESLABON_PUBLIC__PORT": str(ports[0]),
        "ESLABON_PUBLIC__URL": f"http://localhost:{ports[0]}",
        "ESLABON_OPERATOR__PORT": str(ports[1]),
        "ESLABON_FEED__SERIAL_PARTS__POLL_SECONDS": "0.2",
        "ESLABON_FEED__SERIAL_PARTS__SOURCE__STABLE_SECONDS": "0.2",
    }
    with (plant / "log").open("w") as log:
        process = subprocess.Popen(
            [ESLABON, "run"], cwd=plant, env={**os.environ, **changed}, stderr=log, text=True
        )
    _await_live(ports[1], process)
    yield plant, process, changed
    if process.poll() is None:
        process.kill()
    process.wait()


def test_a_running_connector_answers_the_commands_and_stops_cleanly(
    running: tuple[Path, subprocess.Popen[str], dict[str, str]],
) -> None:
    plant, process, changed = running
    ingested = eslabon(plant, "ingest", "--once", "--json", **changed)
    status = eslabon(plant, "status", "--json", **changed)
    process.send_signal(signal.SIGTERM)
    code = process.wait(STOP_SECONDS_MAX)
    events = [json.loads(line)["event"] for line in (plant / "log").read_text().splitlines()]

    assert ingested.returncode in {0, 1}
    assert json.loads(status.stdout)["running"]
    assert 0 == code
    assert {"settings.warned", "connector.started"} <= set(events)
    assert "connector.stopped" == events[-1]


def test_what_it_has_taken_is_there_after_it_has_stopped(
    running: tuple[Path, subprocess.Popen[str], dict[str, str]],
) -> None:
    plant, process, changed = running
    deadline = time.monotonic() + START_SECONDS_MAX
    while _twins(plant, changed) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    code = process.wait(STOP_SECONDS_MAX)

    assert (0, 3) == (code, _twins(plant, changed))
    assert 0 == eslabon(plant, "trace", "SN-000001", **changed).returncode


def test_no_secret_is_ever_logged(
    running: tuple[Path, subprocess.Popen[str], dict[str, str]],
) -> None:
    plant, process, changed = running
    eslabon(plant, "status", **changed)
    process.send_signal(signal.SIGTERM)
    process.wait(STOP_SECONDS_MAX)
    log = (plant / "log").read_text()
    secrets = ["keys/twin.secret", "data/operator.token", "keys/connector.pem"]

    assert [] == [name for name in secrets if (plant / name).read_text().strip() in log]


def test_a_second_connector_on_the_same_store_is_refused(
    running: tuple[Path, subprocess.Popen[str], dict[str, str]],
) -> None:
    plant, _, changed = running
    second = eslabon(plant, "run", **changed)

    assert 2 == second.returncode
    assert "stop the running “eslabon run” first" in second.stderr


def _twins(plant: Path, changed: dict[str, str]) -> int:
    done = eslabon(plant, "status", "--json", **changed)
    return int(json.loads(done.stdout)["counts"]["twins"])


def _await_live(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not Connection(port, "").is_live():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
