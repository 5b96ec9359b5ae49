"""JSON values read strictly, and their cells found by the name of a column.

A column names a value by the way to it: ``parte``, ``cliente.numero``, ``items[0].id``,
``localIdentifiers[key=batchId].value``. A name with dots or brackets in it is quoted:
``"urn:a.b".value``. ``^`` in front goes one level up, to the object that holds the list
in which this one stands: ``^assetMetaInfo.catenaXId``; ``^^`` goes two. A value that is not
there is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec
import orjson

_COLUMN = re.compile(r"(\^*)(.*)", re.DOTALL)
_STEP = re.compile(
    r'"(?P<quoted>[^"]+)"'
    r"|\[(?P<index>\d+)\]"
    r"|\[(?P<name>[^\]=]+)=(?P<value>[^\]]*)\]"
    r"|(?P<plain>[^.\[\]\"]+)"
)

Step = Callable[[object], object]


class MalformedError(ValueError):
    """Bytes that are no JSON value which we could keep; ``line`` and ``column`` from 1."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        """Say why, and where."""
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


class Column:
    """The way to one cell, from the innermost object outwards."""

    def __init__(self, text: str) -> None:
        """Parse the way; raises `ValueError` where it makes no sense."""
        found = _COLUMN.fullmatch(text)
        ups, rest = found.groups() if found else ("", text)
        self._up = len(ups)
        self._steps = _steps(rest)

    def of(self, chain: Sequence[object]) -> object:
        """Return the cell; ``chain`` holds the innermost object, then what it stands in."""
        if self._up >= len(chain):
            return None
        value = chain[self._up]
        for step in self._steps:
            value = step(value)
        return value


def columns_of(texts: Sequence[str]) -> tuple[Column, ...]:
    """Parse the names of columns; raises `ValueError` naming the one that makes no sense."""
    return tuple(Column(text) for text in texts)


def cells(columns: Sequence[Column], chain: Sequence[object]) -> tuple[object, ...]:
    """Return the cells of one row; raises `MalformedError` where one cannot be kept exactly."""
    row = tuple(column.of(chain) for column in columns)
    try:
        orjson.dumps(row)
    except TypeError as error:
        raise MalformedError(str(error)) from error
    return row


def json_value(raw: bytes) -> object:
    """Return the value of a JSON text in UTF-8; raises `MalformedError` saying where.

    Whole numbers come exactly, of any length.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _explained(raw, error) from error


def _explained(raw: bytes, error: Exception) -> MalformedError:
    """Parse again with the parser that tells line and column."""
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError as said:
        return MalformedError(said.msg, said.lineno, said.colno)
    return MalformedError(str(error))


def _steps(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 0
    while at < len(text):
        at += bool(steps) and text[at] == "."
        found = _STEP.match(text, at)
        if found is None:
            raise ValueError(text)
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    if found["index"] is not None:
        return _element(int(found["index"]))
    if found["name"] is not None:
        return _chosen(found["name"], found["value"])
    return _member(found["quoted"] or found["plain"])


def _member(name: str) -> Step:
    return lambda value: value.get(name) if isinstance(value, dict) else None


def _element(index: int) -> Step:
    return lambda value: value[index] if isinstance(value, list) and index < len(value) else None


def _chosen(name: str, wanted: str) -> Step:
    def choose(value: object) -> object:
        entries = value if isinstance(value, list) else ()
        return next((e for e in entries if isinstance(e, dict) and e.get(name) == wanted), None)

    return choose
