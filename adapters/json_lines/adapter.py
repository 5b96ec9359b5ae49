"""JSON files: settings and adapter in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import ceil

from adapters.json_lines.records import (
    Sieve,
    Unread,
    count_of,
    document,
    from_document,
    from_lines,
    ways_of,
)
from connector.errors import Finding, Location, SetupError
from connector.record.model import Batch, Document, Reject, Request
from connector.record.reading.folder import DropFolder, Found
from connector.record.reading.json_cells import Column, MalformedError, columns_of
from connector.record.reading.raw import shortened
from connector.record.reading.survey import CHUNK_BYTES, Survey

Outcome = tuple[object, ...] | Unread | None


@dataclass(frozen=True, slots=True)
class JsonLines(DropFolder):
    """Records of JSON files in UTF-8: one on each line, or in lists within one document.

    The columns of a mapping say where in a record a cell is: ``parte``, ``cliente.numero``,
    ``items[0].id``, ``localIdentifiers[key=batchId].value``, ``"a.b".c`` for names with dots,
    and ``^name`` for what holds the list that the record stands in. Cells are any JSON value.
    """

    pattern: str = "*.jsonl"
    """Which files of the folder are taken, such as ``*.jsonl`` or ``import-*.json``."""

    records: str = ""
    """Empty where each line is a record; else the way to the records in one document, such as
    ``assets[].submodels[]``, or ``[]`` where the document is a list."""

    only: Mapping[str, str] = field(default_factory=dict)
    """Take only records in which these columns have these values, and pass over the others."""

    document_mebibytes_max: int = 64
    """The largest file that is read as one document, in MiB; files of lines may be larger."""

    @property
    def text_encoding(self) -> str:
        """JSON is UTF-8 (RFC 8259, section 8.1)."""
        return "utf-8"

    def check_format(self) -> None:
        """Raise `SetupError` where ``records`` or ``only`` make no sense."""
        self._ways()
        self._sieve(())

    def refusal(self, found: Found, request: Request) -> Finding | None:
        """Say why a file cannot be read as a whole, if so."""
        survey = found.survey
        if survey is None:
            return found.refusal
        return _bytes_refusal(found, survey) or (
            self._document_refusal(found, survey, request)
            if self.records
            else self._lines_refusal(found, survey, request)
        )

    def batches(self, found: Found, request: Request) -> Iterator[Batch]:
        """Yield the records of a file that was not refused, from where the checkpoint says."""
        taken = request.checkpoint.partial.get(found.fingerprint, 0)
        cut = _Cut(found, found.document(request.columns))
        outcomes = self._outcomes(found, request)
        next(islice(outcomes, taken, taken), None)
        chunk = list(islice(outcomes, request.batch_records_max))
        while following := list(islice(outcomes, request.batch_records_max)):
            if any(outcome is not None for outcome in chunk):
                yield cut.batch(chunk, taken, ends=False)
            taken += len(chunk)
            chunk = following
        yield cut.batch(chunk, taken, ends=True)

    def _outcomes(self, found: Found, request: Request) -> Iterator[Outcome]:
        path = found.sighting.path
        sieve = self._sieve(request.columns)
        if not self.records:
            return from_lines(path, sieve)
        return from_document(document(path), self._ways(), sieve)

    def _lines_refusal(self, found: Found, survey: Survey, request: Request) -> Finding | None:
        if survey.long_line:
            return _say(found, "line_too_long", mebibytes=CHUNK_BYTES >> 20)
        if survey.lines <= request.rows_max:
            return None
        with found.sighting.path.open("rb") as file:
            rows = sum(1 for line in file if line.strip())
        return _too_many(found, rows, request.rows_max)

    def _document_refusal(self, found: Found, survey: Survey, request: Request) -> Finding | None:
        if survey.size > self.document_mebibytes_max << 20:
            size = ceil(survey.size / (1 << 20))
            limit = self.document_mebibytes_max
            return _say(found, "document_too_large", mebibytes=size, mebibytes_max=limit)
        try:
            root = document(found.sighting.path)
        except MalformedError as error:
            where = {"row": error.line, "column": error.column}
            return _say(found, "document_malformed", **where, reason=error.reason)
        ways = self._ways()
        if ways[0].of((root,)) is None:
            names = ", ".join(list(root)[:20]) if isinstance(root, dict) else type(root).__name__
            return _say(found, "records_missing", records=self.records, names=shortened(names))
        return _too_many(found, count_of(root, ways), request.rows_max)

    def _ways(self) -> tuple[Column, ...]:
        try:
            return ways_of(self.records) if self.records else ()
        except ValueError as error:
            raise SetupError("adapters.json_lines:records_wrong", value=self.records) from error

    def _sieve(self, columns: Sequence[str]) -> Sieve:
        try:
            only = zip(columns_of(list(self.only)), self.only.values(), strict=True)
            return Sieve(columns_of(columns), tuple(only))
        except ValueError as error:
            raise SetupError("adapters.json_lines:column_wrong", column=error) from error


@dataclass(frozen=True, slots=True)
class _Cut:
    """Cuts what was read into batches: rows with their numbers, and rejects."""

    found: Found
    document: Document

    def batch(self, chunk: Sequence[Outcome], before: int, *, ends: bool) -> Batch:
        positions: list[int] = []
        rows: list[tuple[object, ...]] = []
        rejects: list[Reject] = []
        for number, outcome in enumerate(chunk, before + 1):
            if isinstance(outcome, Unread):
                rejects.append(self._reject(number, outcome))
            elif outcome is not None:
                positions.append(number)
                rows.append(outcome)
        taken, token = before + len(chunk), self.found.sighting
        return Batch(self.document, positions, rows, taken, ends, rejects, token=token)

    def _reject(self, number: int, unread: Unread) -> Reject:
        finding = _say(self.found, unread.reason, row=number, **unread.params)
        return Reject(number, shortened(unread.raw).rstrip("\r\n"), finding)


def _bytes_refusal(found: Found, survey: Survey) -> Finding | None:
    if survey.size == 0:
        return _say(found, "file_empty")
    if wrong := survey.undecodable:
        byte = f"0x{wrong.byte:02X}"
        return _say(found, "encoding_wrong", row=wrong.line, byte=byte, offset=wrong.offset)
    return None


def _say(found: Found, key: str, **params: str | int) -> Finding:
    name = found.sighting.name
    row = params.get("row")
    where = Location(name, row if isinstance(row, int) else None)
    return Finding(f"adapters.json_lines:{key}", {"file": name, **params}, where)


def _too_many(found: Found, rows: int, rows_max: int) -> Finding | None:
    if rows <= rows_max:
        return None
    parts = ceil(rows / rows_max)
    return _say(found, "rows_too_many", rows=rows, rows_max=rows_max, parts=parts)
