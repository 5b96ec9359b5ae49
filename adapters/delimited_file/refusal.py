"""Why a file cannot be read as a whole: found before its first row, said with a way out."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import ceil

from adapters.delimited_file.rows import Form, Rows
from connector.errors import Finding, Location
from connector.record.model import Request
from connector.record.reading.folder import Found
from connector.record.reading.raw import shortened
from connector.record.reading.survey import CHUNK_BYTES, Survey, Undecodable

DELIMITERS = (";", ",", "\t", "|")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COUNT_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Examination:
    """One file under the settings of its feed."""

    found: Found
    form: Form
    header_row: int
    request: Request

    def bytes_wrong(self, survey: Survey) -> Finding | None:
        """Judge what the pass over the bytes told: another encoding, or no lines."""
        if encoding := _other_encoding(survey.head, self.form):
            return self._say("encoding_marked", encoding=self.form.encoding, other=encoding)
        if survey.undecodable:
            return self._undecodable(survey.undecodable)
        if survey.long_line:
            return self._say("line_too_long", mebibytes=CHUNK_BYTES >> 20)
        return None

    def header_wrong(self) -> Finding | None:
        """Judge the header: there, split by the right delimiter, clear and complete."""
        if not self.found.sighting.size:
            return self._say("file_empty")
        with Rows(self.found.sighting.path, self.form) as rows:
            top = rows.take(self.header_row)
        last = self.header_row - 1
        if last in top.broken:
            return self._say("header_unreadable", self.header_row, raw=top.broken[last].raw)
        if len(top.rows) <= last or not any(top.rows[last]):
            return self._say("header_missing", self.header_row)
        header = top.rows[last]
        return self._delimiter_wrong(header) or self._repeated(header) or self._missing(header)

    def too_many(self, survey: Survey) -> Finding | None:
        """Refuse more rows than allowed; lines are counted first, rows only in doubt."""
        rows_max = self.request.rows_max
        if survey.lines - self.header_row <= rows_max:
            return None
        rows = self._count_rows()
        if rows <= rows_max:
            return None
        parts = ceil(rows / rows_max)
        return self._say("rows_too_many", rows=rows, rows_max=rows_max, parts=parts)

    def _undecodable(self, wrong: Undecodable) -> Finding:
        return self._say(
            "encoding_wrong",
            row=wrong.line,
            encoding=self.form.encoding,
            byte=f"0x{wrong.byte:02X}",
            offset=wrong.offset,
            other="windows-1252" if self.form.codec.startswith("utf-8") else "utf-8-sig",
        )

    def _delimiter_wrong(self, header: Sequence[str]) -> Finding | None:
        if len(header) > 1 or set(self.request.columns) <= set(header):
            return None
        counts = {mark: header[0].count(mark) for mark in DELIMITERS}
        other = max(counts, key=lambda mark: counts[mark])
        if not counts[other]:
            return None
        return self._say(
            "delimiter_wrong",
            self.header_row,
            delimiter=_shown(self.form.delimiter),
            other=_shown(other),
            columns=counts[other] + 1,
        )

    def _repeated(self, header: Sequence[str]) -> Finding | None:
        twice = [name for name, times in Counter(header).items() if times > 1 and name]
        if not twice:
            return None
        return self._say("columns_repeated", self.header_row, columns=_listed(twice))

    def _missing(self, header: Sequence[str]) -> Finding | None:
        missing = [name for name in self.request.columns if name not in header]
        if not missing:
            return None
        if set(missing) & set(_as_utf8(header, self.form)):
            return self._say(
                "encoding_guessed",
                self.header_row,
                encoding=self.form.encoding,
                raw=_listed(header),
            )
        return self._say(
            "columns_missing",
            self.header_row,
            columns=_listed(missing),
            nearest=_nearest(missing, header),
            header=_listed(header),
        )

    def _count_rows(self) -> int:
        count = -self.header_row
        with Rows(self.found.sighting.path, self.form) as rows:
            while taken := rows.take(_COUNT_ROWS).rows:
                count += len(taken)
        return count

    def _say(self, key: str, row: int | None = None, **params: str | int) -> Finding:
        name = self.found.sighting.name
        where = Location(name, row)
        said = {"file": name, **({} if row is None else {"row": row}), **params}
        return Finding(f"adapters.delimited_file:{key}", said, where)


def _other_encoding(head: bytes, form: Form) -> str:
    """Return the encoding that the first bytes give away, if it is not the one set."""
    wide = form.encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            right = wide if encoding == "utf-16" else form.codec == encoding
            return "" if right else encoding
    # Every second byte of Western text is zero in UTF-16.
    return "utf-16-le" if not wide and head.count(0) * 3 > len(head) else ""


def _as_utf8(header: Sequence[str], form: Form) -> list[str]:
    try:
        return [name.encode(form.codec).decode("utf-8") for name in header]
    except UnicodeError:
        return []


def _listed(names: Sequence[str]) -> str:
    return shortened(", ".join(f"“{name}”" for name in names))


def _nearest(missing: Sequence[str], header: Sequence[str]) -> str:
    pairs = [(name, get_close_matches(name, header, n=1, cutoff=0.4)) for name in missing]
    return ", ".join(f"“{name}” → “{near[0]}”" for name, near in pairs if near) or "?"


def _shown(delimiter: str) -> str:
    return "\\t" if delimiter == "\t" else delimiter
