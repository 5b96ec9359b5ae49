"""The official test kit of the Dataspace Protocol against our connector, test by test."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from connector.protocols.dsp.messages import BASE_PATH
from connector.settings.loading import load_settings
from deploy.demo.processes import Process, free_port, listens, wait_until
from tests.conformance import java
from tests.conformance.dsp import ground
from tests.conformance.dsp.script import negotiation_scripts, transfer_scripts
from tests.conformance.java import Outcome

pytestmark = pytest.mark.conformance

KIT = "org.eclipse.dataspacetck.dsp"
REPORTS = java.BUILD / "dsp"
# How long the kit waits for a state that it expects of us.
PATIENCE_SECONDS = 10


def _number(test: str) -> str:
    part, group, count = test.rsplit("_", 2)
    return f"{part}:{group}-{count}"


SCRIPTED = [_number(test) for test in (*negotiation_scripts(), *transfer_scripts())]
TESTS = ["MET:01-01", "CAT:01-01", "CAT:01-02", "CAT:01-03", *SCRIPTED]
# The kit itself disables them: the consumer's resumption of a transfer.
DISABLED = {"TP:02-04", "TP_C:02-04"}


def _settings(folder: Path, port: int, kit_port: int) -> tuple[Path, Mapping[str, str]]:
    """Return our configuration and the kit's."""
    config = ground.write_settings(folder, port, free_port())
    settings, _ = load_settings(config, {})
    assert settings is not None
    us, name = settings.public.url, "dataspacetck.dsp.connector"
    return config, {
        "dataspacetck.launcher": f"{KIT}.system.DspSystemLauncher",
        "dataspacetck.host": ground.HOST,
        "dataspacetck.port": str(kit_port),
        "dataspacetck.callback.address": f"http://{ground.HOST}:{kit_port}",
        "dataspacetck.dsp.default.wait": str(PATIENCE_SECONDS),
        f"{name}.agent.id": settings.did,
        f"{name}.http.url": us + BASE_PATH,
        f"{name}.http.base.url": us + str(Path(BASE_PATH).parent),
        f"{name}.http.headers.authorization": ground.AUTHORIZATION,
        f"{name}.negotiation.initiate.url": us + ground.NEGOTIATION_TRIGGER,
        f"{name}.transfer.initiate.url": us + ground.TRANSFER_TRIGGER,
        **ground.kit_values(settings),
    }


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """Run the whole kit once."""
    if reason := java.lacking():
        pytest.skip(reason)
    folder, port = tmp_path_factory.mktemp("dsp"), free_port()
    jars = java.jars_of(Path(__file__).parent / "pom.xml", REPORTS)
    config, kit_settings = _settings(folder, port, free_port())
    argv = (sys.executable, "-m", "tests.conformance.dsp.under_test", str(config))
    log = REPORTS / "under_test.jsonl"
    log.unlink(missing_ok=True)
    ours = Process(argv, log, folder / "run.pid", mark=str(config), folder=java.REPOSITORY)
    ours.start()
    try:
        wait_until(lambda: listens(port) or not ours.is_alive(), "our connector")
        assert ours.is_alive(), ours.last_words()
        return java.run_kit(jars, f"{KIT}.verification", kit_settings, REPORTS)
    finally:
        ours.stop()


@pytest.mark.parametrize("number", TESTS)
def test_the_kit_is_satisfied_with(number: str, outcomes: Mapping[str, Outcome]) -> None:
    assert not outcomes[number].skipped
    assert outcomes[number].failure == ""


def test_the_kit_has_no_other_tests(outcomes: Mapping[str, Outcome]) -> None:
    assert {number for number, one in outcomes.items() if one.skipped} == DISABLED
    assert outcomes.keys() == {*TESTS, *DISABLED}
