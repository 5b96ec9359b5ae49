"""Starts, watches and ends the demo's processes; each leaves its number in a pid file."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

LOOK_SECONDS = 0.02
STOP_SECONDS = 20.0
HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)

_given: set[int] = set()


class DidNotHappenError(Exception):
    """Something that was waited for did not come about."""


def free_port() -> int:
    """Return a port of this machine that nobody listens on, each only once.

    It is used some seconds later, so it is none of those that systems give to who calls out.
    """
    while True:
        port = secrets.choice(PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True


def wait_until(
    true: Callable[[], bool], what: str, seconds: float = 20.0, look_seconds: float = LOOK_SECONDS
) -> None:
    """Return as soon as something is true; raise `DidNotHappenError` naming it otherwise."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise DidNotHappenError(f"{what}: not after {seconds:g} s")
        time.sleep(look_seconds)


def listens(port: int) -> bool:
    """Say whether somebody takes connections on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0


@dataclass
class Process:
    """One program, run in a folder; ``mark`` is a word of its command line, and its own.

    What it writes goes to ``log``; its number stands in ``pid_file`` while it runs, so that
    a later run can end it, and nothing else that may have got the number since.
    """

    argv: Sequence[str]
    log: Path
    pid_file: Path
    mark: str
    folder: Path = field(default_factory=Path.cwd)
    _running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it outlives us unless it is ended."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        self.pid_file.write_text(f"{self._running.pid}\n{self.mark}\n", encoding="utf-8")

    @property
    def pid(self) -> int:
        """Its number; raises `DidNotHappenError` if it was not started."""
        if self._running is None:
            raise DidNotHappenError(f"{self.mark} was not started")
        return self._running.pid

    def is_alive(self) -> bool:
        """Say whether it runs still."""
        return self._running is not None and self._running.poll() is None

    def stop(self) -> int:
        """Ask it to end by SIGTERM, wait, and return its exit code (0 if it never ran)."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it by SIGKILL, as a power cut would."""
        return self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        if self._running is None:
            return 0
        if self.is_alive():
            self._running.send_signal(number)
        try:
            code = self._running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
            raise DidNotHappenError(f"{self.mark}: did not end on {number.name}") from None
        self.pid_file.unlink(missing_ok=True)
        return code

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]


def end_left_over(folder: Path) -> list[int]:
    """End what an earlier run left running under a folder; return the numbers ended.

    A number is believed only if its process still bears the mark of the pid file.
    """
    ended = []
    for pid_file in sorted(folder.rglob("*.pid")):
        number, _, mark = pid_file.read_text(encoding="utf-8").strip().partition("\n")
        if mark and mark in _command_of(int(number)):
            _end_stranger(int(number))
            ended.append(int(number))
        pid_file.unlink()
    return ended


def _end_stranger(pid: int) -> None:
    """End a process that is not our child: first ask, then insist."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        with suppress(DidNotHappenError):
            wait_until(lambda: not _command_of(pid), f"end of process {pid}", STOP_SECONDS)
            return


def _command_of(pid: int) -> str:
    """Return the command line of a process; empty if there is none or it has ended."""
    here = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return here.read_text(encoding="utf-8", errors="replace").replace("\0", " ").strip()
        except OSError:
            return ""
    asked = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607 - wherever ps lies
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()
