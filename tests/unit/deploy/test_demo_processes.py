from __future__ import annotations

import subprocess
import sys

import pytest

from deploy.demo.outcome import Check, below, kg_co2e, of_parts
from deploy.demo.plant.parts import DOOR_LEFT, SEAT
from deploy.demo.processes import DidNotHappenError, Process, end_left_over, wait_until


def sleeper(folder):
    mark = str(folder / "mine")
    argv = (sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)", mark)
    process = Process(argv, folder / "log.txt", folder / "run.pid", mark, folder)
    process.start()
    # Just after its start a process bears no command line yet.
    wait_until(lambda: process.last_words() != "", "the sleeper")
    return process


def test_what_an_earlier_run_left_is_ended(tmp_path):
    process = sleeper(tmp_path)

    assert end_left_over(tmp_path) == [process.pid]
    wait_until(lambda: not process.is_alive(), "end")
    assert list(tmp_path.glob("*.pid")) == []


def test_a_process_that_got_the_number_since_is_left_alone(tmp_path):
    with subprocess.Popen((sys.executable, "-c", "import time; time.sleep(60)")) as stranger:
        (tmp_path / "run.pid").write_text(f"{stranger.pid}\n{tmp_path / 'mine'}\n")

        assert end_left_over(tmp_path) == []
        assert stranger.poll() is None
        stranger.kill()


def test_stopping_waits_for_the_end_and_removes_the_pid_file(tmp_path):
    process = sleeper(tmp_path)

    process.stop()

    assert not process.is_alive()
    assert not process.pid_file.exists()


def test_waiting_in_vain_says_for_what():
    with pytest.raises(DidNotHappenError, match="the moon"):
        wait_until(lambda: False, "the moon", seconds=0.05)


def test_a_door_is_expected_with_its_twelve_parts():
    door = of_parts([DOOR_LEFT])[0]

    assert below([door]).places == 12


def test_parts_that_two_trees_share_are_one_twin():
    one, two = of_parts([SEAT])

    assert below([one, two]).places == below([one]).places + below([two]).places
    assert below([one, two]).twins < below([one]).twins + below([two]).twins


def test_the_footprint_of_a_door_comes_from_the_plants_table():
    assert str(kg_co2e(DOOR_LEFT)) == "21.57"


def test_a_figure_that_differs_does_not_hold():
    assert Check("aspects", 109, 110).holds is False
