"""Delimited files (CSV): settings and adapter in one."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from adapters.delimited_file.refusal import Examination
from adapters.delimited_file.rows import Broken, Chunk, Form, Rows
from connector.errors import Finding, Location, SetupError
from connector.record.model import Batch, Document, Reject, Request
from connector.record.reading.folder import DropFolder, Found
from connector.record.reading.raw import shortened


@dataclass(frozen=True, slots=True)
class DelimitedFile(DropFolder):
    """Rows of text files in which a delimiter stands between cells.

    Cells are text, exactly as they stand in the file, in the order of its header. A row's
    number is the one that a spreadsheet shows: the header is row 1, the first record row 2.
    """

    pattern: str = "*.csv"
    """Which files of the folder are taken, such as ``*.csv`` or ``lotes_*.csv``."""

    encoding: str = "utf-8"
    """How the file's bytes mean letters: ``utf-8``, ``windows-1252``, ``latin-1``, ``utf-16``."""

    delimiter: str = ","
    """The one character between cells; ``\\t`` for a tab."""

    quote: str = '"'
    """The one character around cells that hold a delimiter; empty where there is none."""

    header_row: int = 1
    """The row that names the columns; rows above it are passed over."""

    @property
    def form(self) -> Form:
        """How the files are written."""
        return Form(self.encoding, self.delimiter, self.quote)

    @property
    def text_encoding(self) -> str:
        """The encoding that every file is checked against."""
        return self.form.codec

    def check_format(self) -> None:
        """Raise `SetupError` where encoding, delimiter, quote or header row cannot work."""
        if not _is_encoding(self.encoding):
            raise SetupError("adapters.delimited_file:encoding_unknown", encoding=self.encoding)
        for name, mark, lengths in (
            ("delimiter", self.delimiter, {1}),
            ("quote", self.quote, {0, 1}),
        ):
            if len(mark) not in lengths or mark in {"\r", "\n"}:
                raise SetupError(
                    "adapters.delimited_file:mark_wrong", setting=name, value=repr(mark)
                )
        if self.delimiter == self.quote:
            raise SetupError("adapters.delimited_file:marks_alike", value=repr(self.quote))
        if self.header_row < 1:
            raise SetupError("adapters.delimited_file:header_row_wrong", value=self.header_row)

    def refusal(self, found: Found, request: Request) -> Finding | None:
        """Say why a file cannot be read as a whole, if so, without reading its rows."""
        if found.survey is None:
            return found.refusal
        under = Examination(found, self.form, self.header_row, request)
        return (
            under.bytes_wrong(found.survey) or under.header_wrong() or under.too_many(found.survey)
        )

    def batches(self, found: Found, request: Request) -> Iterator[Batch]:
        """Yield the rows of a file that was not refused, from where the checkpoint says."""
        size = request.batch_records_max
        taken = request.checkpoint.partial.get(found.fingerprint, 0)
        with Rows(found.sighting.path, self.form) as rows:
            top = rows.take(self.header_row).rows
            header = top[-1] if top else ()
            cut = _Cut(found, found.document(header), self.header_row, self.delimiter)
            rows.skip(taken)
            chunk = rows.take(size)
            while (following := rows.take(size)).rows:
                yield cut.batch(chunk, taken, ends=False)
                taken += len(chunk.rows)
                chunk = following
        # Closed by now, so that the file can be moved on any system.
        yield cut.batch(chunk, taken, ends=True)


@dataclass(frozen=True, slots=True)
class _Cut:
    """Cuts what was read into batches: good rows with their numbers, and rejects."""

    found: Found
    document: Document
    header_row: int
    delimiter: str

    def batch(self, chunk: Chunk, before: int, *, ends: bool) -> Batch:
        rows = chunk.rows
        first = self.header_row + before + 1
        positions: range | list[int] = range(first, first + len(rows))
        rejects: list[Reject] = []
        if not self._is_clean(chunk):
            positions, rows, rejects = self._sort_out(chunk, first)
        taken = before + len(chunk.rows)
        token = self.found.sighting
        return Batch(self.document, positions, rows, taken, ends, rejects, token=token)

    def _is_clean(self, chunk: Chunk) -> bool:
        """Whether all rows are as wide as the header, and none is blank: a hot path."""
        survey = self.found.survey
        return (
            survey is not None
            and not survey.has_nul
            and set(map(len, chunk.rows)) <= {len(self.document.header)}
            and all(map(any, chunk.rows))
        )

    def _sort_out(
        self, chunk: Chunk, first: int
    ) -> tuple[list[int], list[tuple[str, ...]], list[Reject]]:
        positions: list[int] = []
        rows: list[tuple[str, ...]] = []
        rejects: list[Reject] = []
        width = len(self.document.header)
        for number, row in enumerate(chunk.rows, first):
            broken = chunk.broken.get(number - first)
            if reject := self._reject(number, row, broken):
                rejects.append(reject)
            elif any(row):
                positions.append(number)
                rows.append(row[:width])
        return positions, rows, rejects

    def _reject(self, number: int, row: tuple[str, ...], broken: Broken | None) -> Reject | None:
        if broken:
            return self._say(number, broken.reason, broken.raw.rstrip("\r\n"))
        raw, width = self.delimiter.join(row), len(self.document.header)
        if any(row) and (len(row) < width or any(row[width:])):
            return self._say(number, "cells_wrong", raw, cells=len(row), columns=width)
        if "\0" in raw:
            return self._say(number, "cell_nul", raw.replace("\0", "␀"))
        return None

    def _say(self, number: int, key: str, raw: str, **params: int) -> Reject:
        name = self.document.name
        said = {"file": name, "row": number, **params}
        finding = Finding(f"adapters.delimited_file:{key}", said, Location(name, number))
        return Reject(number, shortened(raw), finding)


def _is_encoding(name: str) -> bool:
    """Whether Python knows the name, and as an encoding of text."""
    try:
        "a".encode(codecs.lookup(name).name)
    except (LookupError, ValueError):
        return False
    return True
