"""Runs wrk, the HTTP load generator, on requests that were written down before."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import cpu

ROOT = Path(__file__).parents[2]
CONNECTIONS = 20
LATENCY = re.compile(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s|m)$", re.MULTILINE)
SUMMARY = re.compile(r"(\d+) requests in ([\d.]+)s")
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}

# Lines of the file are method, path, token and body, between tabs.
_SCRIPT = """
local requests, count = {}, 0
function init(args)
  math.randomseed(4711 + tonumber(tostring({}):sub(10, 15), 16))
  for line in io.lines(args[1]) do
    local method, path, token, body = line:match("([^\\t]*)\\t([^\\t]*)\\t([^\\t]*)\\t(.*)")
    local headers = {Authorization = token}
    if body ~= "" then headers["Content-Type"] = "application/json" else body = nil end
    count = count + 1
    requests[count] = wrk.format(method, path, headers, body)
  end
end
function request() return requests[math.random(count)] end
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its token goes into ``Authorization`` as it is."""

    method: str
    path: str
    token: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What wrk saw in one run; ``percentiles`` in milliseconds by per cent.

    ``cpu_seconds`` is what the answering process used meanwhile.
    """

    requests: int
    seconds: float
    percentiles: dict[int, float]
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def each_microseconds(self) -> float:
        """What one request cost of the answering side's CPU."""
        return 1e6 * self.cpu_seconds / self.requests


def is_there() -> bool:
    """Return whether wrk can be run; as root on Debian it is installed."""
    if shutil.which("wrk"):
        return True
    words = (str(ROOT / "deploy" / "need"), "--optional", "the load generator wrk", "wrk")
    subprocess.run((*words, "--", "bash", "-c", "command -v wrk"), check=False)
    return shutil.which("wrk") is not None


def run(url: str, calls: Sequence[Call], pid: int, folder: Path, seconds: float = 10.0) -> Answers:
    """Send requests, each chosen at random, over 20 connections; raise if one is refused."""
    script, file = folder / "calls.lua", folder / "calls.tsv"
    script.write_text(_SCRIPT, encoding="utf-8")
    lines = (f"{c.method}\t{c.path}\t{c.token}\t{c.body}" for c in calls)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    before = cpu.seconds_of(pid)
    words = ("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--latency", "-s", str(script))
    done = subprocess.run(
        (*words, url, "--", str(file)), check=True, capture_output=True, text=True, timeout=120
    )
    used = cpu.seconds_of(pid) - before
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(done.stdout)
    summary = SUMMARY.search(done.stdout)
    if summary is None:
        raise RuntimeError(done.stdout)
    total, span = summary.groups()
    found = {int(p): float(n) * MILLISECONDS[u] for p, n, u in LATENCY.findall(done.stdout)}
    return Answers(int(total), float(span), found, used)


def as_body(links: dict[str, str]) -> str:
    """Return specific asset ids as the body of a look-up."""
    return json.dumps([{"name": name, "value": value} for name, value in links.items()])
