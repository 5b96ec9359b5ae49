"""The rows of one delimited file in order, each with its reason where it cannot be read.

Reading goes at the speed of the csv module. Where that gives up on a row, the row's first
line is set aside with the reason and reading starts afresh on the line behind it: an
unclosed quote then costs one row, and not the rest of the file.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Self

# Lines are read ahead in blocks of this many characters.
BLOCK_CHARACTERS = 1 << 16

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written: ``encoding``, one ``delimiter``, and one ``quote`` or none."""

    encoding: str
    delimiter: str
    quote: str

    @property
    def codec(self) -> str:
        """The encoding to open with: a byte order mark in UTF-8 is never part of a cell."""
        plain = self.encoding.lower().replace("_", "-")
        return "utf-8-sig" if plain in {"utf-8", "utf8"} else self.encoding


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that the csv module gave up on: its first line, and the key of the reason."""

    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows in order; a broken one has its place in ``rows`` too, and is empty there."""

    rows: list[tuple[str, ...]] = field(default_factory=list)
    broken: dict[int, Broken] = field(default_factory=dict)


class Rows:
    """An open file; use it as a context."""

    def __init__(self, path: Path, form: Form) -> None:
        """Open the file; raises `OSError`."""
        self._form = form
        self._file = path.open(encoding=form.codec, errors="strict", newline="")
        # Lines that were handed to the reader but belong to no taken row yet.
        self._ahead: list[str] = []
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def take(self, count: int) -> Chunk:
        """Return the next rows, at most ``count`` and none at the end.

        Raises `UnicodeDecodeError` where the file is not in the encoding.
        """
        chunk = Chunk()
        while len(chunk.rows) < count:
            before = len(chunk.rows)
            try:
                chunk.rows.extend(map(tuple, islice(self._reader, count - before)))
            except csv.Error as error:
                chunk.broken[len(chunk.rows)] = self._set_aside(chunk.rows[before:], error)
                chunk.rows.append(())
            else:
                break
        self._forget_taken()
        return chunk

    def skip(self, count: int) -> None:
        """Pass over rows that were taken earlier."""
        while count > 0 and (rows := self.take(min(count, 1000)).rows):
            count -= len(rows)

    def _start(self) -> None:
        self._forgotten = 0
        self._reader = csv.reader(
            chain.from_iterable(self._blocks()),
            delimiter=self._form.delimiter,
            quotechar=self._form.quote or None,
            quoting=csv.QUOTE_MINIMAL if self._form.quote else csv.QUOTE_NONE,
            strict=True,
        )

    def _blocks(self) -> Iterator[Sequence[str]]:
        yield tuple(self._ahead)
        while lines := self._file.readlines(BLOCK_CHARACTERS):
            self._ahead.extend(lines)
            yield lines

    def _forget_taken(self) -> None:
        del self._ahead[: self._reader.line_num - self._forgotten]
        self._forgotten = self._reader.line_num

    def _set_aside(self, good: Sequence[tuple[str, ...]], error: csv.Error) -> Broken:
        first = sum(map(_lines_of, good))
        used = self._reader.line_num - self._forgotten
        line = self._ahead[first] if first < len(self._ahead) else ""
        del self._ahead[: first + 1]
        self._start()
        return Broken(line, _reason(error, lines=used - first))


def _lines_of(row: tuple[str, ...]) -> int:
    return 1 + sum(len(_LINE_END.findall(cell)) for cell in row)


def _reason(error: csv.Error, lines: int) -> str:
    """Return the key of the text that says why, from what the csv module says."""
    said = str(error)
    if "expected after" in said:
        return "quote_stray"
    if "field limit" in said and lines == 1:
        return "cell_too_long"
    return "quote_unclosed"
