"""Rules are pure: no input, output, clock, log, chance or environment, however far they reach."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source_tree import SourceFile, house

RULES = {"model", "states", "policy", "mapping", "transitions"}
IMPURE = {
    *("aiohttp", "asyncio", "fileinput", "http.client", "logging", "multiprocessing", "os"),
    *("pathlib", "random", "requests", "secrets", "shutil", "socket", "sqlite3", "structlog"),
    *("subprocess", "tempfile", "threading", "time", "urllib.request", "uvicorn"),
}
IMPURE_CALLS = {"input", "open", "print"}
CLOCK_CALLS = {"now", "today", "utcnow"}
# The catalogue reads its own two files when a message is worded, and nothing else.
ALLOWED = {"connector.texts"}

FILES = {file.module: file for file in house()}
# Implements the port of that name with sockets and files: an edge, no rule.
EDGES = {"connector.protocols.dcp.identity"}
PURE = [
    file
    for file in FILES.values()
    if {file.path.stem, file.path.parent.name} & RULES and file.module not in EDGES
]


@pytest.mark.parametrize("file", PURE, ids=str)
def test_rules_reach_nothing_impure(file: SourceFile) -> None:
    reached = _reached(file.module)

    assert [] == [
        f"{module} imports {name}"
        for module in sorted(reached)
        for name in sorted(set(FILES[module].imports))
        if name in IMPURE or name.split(".")[0] in IMPURE
    ]


@pytest.mark.parametrize("file", PURE, ids=str)
def test_rules_are_told_the_time_and_open_nothing(file: SourceFile) -> None:
    assert [] == [
        f"{file}:{node.lineno}"
        for node in file.nodes
        if isinstance(node, ast.Call) and _is_impure(node.func)
    ]


def _reached(start: str) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        module = ahead.pop()
        if module in FILES and module not in reached | ALLOWED:
            reached.add(module)
            ahead.extend(FILES[module].imports)
    return reached


def _is_impure(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in IMPURE_CALLS
    return isinstance(called, ast.Attribute) and called.attr in CLOCK_CALLS
