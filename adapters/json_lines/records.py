"""Where the records of a JSON file are: on its lines, or in lists within one document.

``assets[].submodels[]`` reads as: of each object in the list ``assets``, each object in its
list ``submodels``. What holds the innermost object can be reached from it by ``^``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.record.reading.json_cells import Column, MalformedError, cells, json_value

Chain = Sequence[object]

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that is none: its text, the key of the reason, and what the text is told."""

    raw: str | bytes
    reason: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Sieve:
    """What to make of each record: its cells at ``columns``, if it is one of ours."""

    columns: tuple[Column, ...]
    only: tuple[tuple[Column, str], ...]

    def row(self, chain: Chain) -> tuple[object, ...] | None:
        """Return the cells; None where the record is not ours; raises `MalformedError`."""
        if any(column.of(chain) != wanted for column, wanted in self.only):
            return None
        return cells(self.columns, chain)


def ways_of(text: str) -> tuple[Column, ...]:
    """Parse ``assets[].submodels[]``; raises `ValueError` where it makes no sense."""
    *lists, rest = text.split("[]")
    if rest or not lists:
        raise ValueError(text)
    return tuple(Column(part.removeprefix(".")) for part in lists)


def from_lines(path: Path, sieve: Sieve) -> Iterator[tuple[object, ...] | Unread | None]:
    """Yield for each line its cells, why there are none, or None where it is not ours."""
    with path.open("rb") as file:
        for number, line in enumerate(file):
            raw = line.removeprefix(_BOM) if number == 0 else line
            yield _from_line(raw, sieve) if raw.strip() else None


def from_document(
    root: object, ways: Sequence[Column], sieve: Sieve
) -> Iterator[tuple[object, ...] | Unread | None]:
    """Yield for each object in the lists its cells, why there are none, or None if not ours."""
    for chain in _walk((root,), ways):
        yield _from_object(chain, sieve)


def document(path: Path) -> object:
    """Return the value of a whole file; raises `MalformedError`."""
    return json_value(path.read_bytes().removeprefix(_BOM))


def count_of(root: object, ways: Sequence[Column]) -> int:
    """Count the objects in the lists."""
    return sum(1 for _ in _walk((root,), ways))


def _walk(chain: tuple[object, ...], ways: Sequence[Column]) -> Iterator[Chain]:
    if not ways:
        yield chain
        return
    for item in _items(ways[0].of(chain)):
        yield from _walk((item, *chain), ways[1:])


def _items(value: object) -> Iterable[object]:
    """Return the items of a list; some systems write a list of one without its brackets."""
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _from_line(raw: bytes, sieve: Sieve) -> tuple[object, ...] | Unread | None:
    try:
        value = json_value(raw)
    except MalformedError as error:
        return Unread(raw, "malformed", {"column": error.column, "reason": error.reason})
    return _from_object((value,), sieve, raw)


def _from_object(
    chain: Chain, sieve: Sieve, raw: bytes | None = None
) -> tuple[object, ...] | Unread | None:
    try:
        if isinstance(chain[0], dict):
            return sieve.row(chain)
    except MalformedError as error:
        return Unread(raw or json.dumps(chain[0]), "value_unfit", {"reason": error.reason})
    return Unread(raw or json.dumps(chain[0]), "not_an_object", {})
