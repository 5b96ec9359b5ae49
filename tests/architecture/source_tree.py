"""Read the project's own source as trees, lines and functions."""

from __future__ import annotations

import ast
import io
import shutil
import subprocess
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOUSE = ("connector", "adapters")
MADE = {"__pycache__", "build", "dist"}
NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.AsyncFor, ast.AsyncWith, ast.Match)


@dataclass(frozen=True)
class SourceFile:
    """One file of the house, parsed once."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def module(self) -> str:
        """The dotted name under which it is imported."""
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(
            ".__init__"
        )

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @property
    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes if isinstance(node, Function))

    @cached_property
    def code(self) -> dict[int, str]:
        """Line number to its tokens; blanks, comments and docstrings are left out."""
        described = {line for node in self.nodes for line in docstring_lines(node)}
        lines: dict[int, str] = {}
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type not in NOT_CODE and token.start[0] not in described:
                lines[token.start[0]] = f"{lines.get(token.start[0], '')} {token.string}"
        return lines

    @property
    def imports(self) -> Iterator[str]:
        """Every dotted name that it imports, from-imports both with and without the name."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def docstring_lines(node: ast.AST) -> range:
    """Return the lines of a node's docstring, none where it has none."""
    if isinstance(node, Documented) and ast.get_docstring(node, clean=False) is not None:
        first = node.body[0]
        return range(first.lineno, (first.end_lineno or first.lineno) + 1)
    return range(0)


def length(function: Function) -> int:
    """Return how many lines a function takes, its docstring excluded."""
    last = function.end_lineno or function.lineno
    return last - function.lineno + 1 - len(docstring_lines(function))


def nesting(node: ast.AST, depth: int = 0) -> int:
    """Return the deepest nesting of blocks below a node; an elif chain counts once."""
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef | ast.Lambda):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and [child] == node.orelse
        step = 1 if isinstance(child, BLOCKS) and not is_elif else 0
        deepest = max(deepest, nesting(child, depth + step))
    return deepest


def house(*folders: str) -> list[SourceFile]:
    """Return the Python files of the given folders, by default those of the house."""
    found = (path for name in folders or HOUSE for path in (ROOT / name).rglob("*.py"))
    return [SourceFile(path) for path in sorted(found)]


def kept_files() -> list[Path]:
    """Return what version control keeps; without it, what an unpacked archive holds."""
    names = _listed() if shutil.which("git") else ""
    if names:
        return [ROOT / name for name in names.split("\0") if (ROOT / name).is_file()]
    visible = (path for path in ROOT.rglob("*") if path.is_file())
    return [path for path in visible if not _is_made(path.relative_to(ROOT))]


def _listed() -> str:
    command = ["git", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return listing.stdout


def _is_made(path: Path) -> bool:
    """Return whether a file is the work of a tool: below a hidden or a build folder."""
    return any(part.startswith(".") or part in MADE for part in path.parts[:-1])
