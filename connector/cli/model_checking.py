"""Judge the payloads of files by a model: whole JSON files, or one payload a line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import click
import msgspec
import orjson
from rich.console import Console
from rich.progress import Progress

from connector.cli.asking import Asked
from connector.cli.output import plain_finding, show_findings
from connector.errors import Finding, Location, SetupError, Severity
from connector.texts import word

_BYTES_MAX = 256 * 1024 * 1024
_LINES = frozenset({".jsonl", ".ndjson"})
_BOM = b"\xef\xbb\xbf"
_NOT_JSON = "cli:models_not_json"

Judge = Callable[[object], list[Finding]]


@dataclass(frozen=True, slots=True)
class _Payload:
    """A payload with its line in the file; ``trouble`` says why there is none."""

    line: int
    value: object = None
    trouble: Finding | None = None


def check_payloads(files: Sequence[Path], judge: Judge, asked: Asked) -> bool:
    """Print what is wrong with each payload; return whether all of them are valid.

    Raises:
        SetupError: a file is not there, cannot be read, or is too large to be one payload.

    """
    for path in files:
        if not path.is_file():
            raise SetupError("cli:models_no_file", file=path)
    valid = invalid = 0
    with _progress(sum(path.stat().st_size for path in files)) as advance:
        for path in files:
            for payload in _payloads(path, advance):
                found = [payload.trouble] if payload.trouble else judge(payload.value)
                is_valid = all(f.severity is not Severity.ERROR for f in found)
                _tell(path, payload.line, found, asked)
                valid, invalid = valid + is_valid, invalid + (not is_valid)
    if not asked.as_json:
        counts = {"valid": valid, "invalid": invalid}
        text = word("cli:models_checked", asked.language, **counts)
        click.echo(click.style(text, bold=True))
    return invalid == 0


def _tell(path: Path, line: int, found: Sequence[Finding], asked: Asked) -> None:
    placed = [replace(finding, where=Location(str(path), line)) for finding in found]
    if not asked.as_json:
        show_findings(placed, asked.language)
        return
    is_valid = all(f.severity is not Severity.ERROR for f in found)
    told = {
        "file": str(path),
        "line": line,
        "valid": is_valid,
        "findings": [plain_finding(finding, asked.language) for finding in placed],
    }
    click.echo(msgspec.json.encode(told).decode())


def _payloads(path: Path, advance: Callable[[int], None]) -> Iterator[_Payload]:
    try:
        with path.open("rb") as file:
            yield from _read(file, advance, in_lines=path.suffix.lower() in _LINES)
    except OSError as error:
        raise SetupError("cli:models_file_unreadable", file=path, reason=error) from error


def _read(file: BinaryIO, advance: Callable[[int], None], *, in_lines: bool) -> Iterator[_Payload]:
    """Yield a payload per line if the first line is one by itself, else the whole as one."""
    for number, raw in enumerate(iter(lambda: file.readline(_BYTES_MAX), b""), 1):
        advance(len(raw))
        line = raw.removeprefix(_BOM) if number == 1 else raw
        if not line.strip():
            continue
        payload = _parsed(line.rstrip(), number)
        if payload.trouble and not in_lines:
            rest = file.read(_BYTES_MAX)
            advance(len(rest))
            yield _parsed(line + rest, number)
            return
        in_lines = True
        yield payload


def _parsed(raw: bytes, line: int) -> _Payload:
    try:
        return _Payload(line, orjson.loads(raw))
    except orjson.JSONDecodeError as error:
        params = {"line": line + error.lineno - 1, "column": error.colno, "reason": error.msg}
        return _Payload(line, trouble=Finding(_NOT_JSON, params))


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while files are read, if somebody looks at it."""
    shown = sys.stderr.isatty()
    on_screen = shown and sys.stdout.isatty()
    bar = Progress(
        console=Console(stderr=True), transient=True, disable=not shown, redirect_stdout=on_screen
    )
    with bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)
