"""Importing the house does nothing: no file is written, no socket opened, no process started."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.source_tree import ROOT, house

WATCH = """
import importlib, os, sys

LOUD = ("socket.bind", "socket.connect", "sqlite3.connect", "subprocess.Popen", "os.mkdir")
OURS = tuple(os.path.join(os.getcwd(), folder, "") for folder in ("connector", "adapters"))

def is_ours():
    frame = sys._getframe(2)
    # What a library does while it is imported itself is not our doing.
    while frame and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(OURS)

def watch(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if (writes or event in LOUD) and is_ours():
        print(name, event, args)

sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_importing_every_module_touches_nothing() -> None:
    modules = [file.module for file in house() if not file.module.endswith("__main__")]

    ran = subprocess.run(
        [sys.executable, "-B", "-c", WATCH, *modules],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("", "") == (ran.stdout, ran.stderr)
