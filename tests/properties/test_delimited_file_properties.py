"""Whatever a spreadsheet can write as CSV comes back cell by cell."""

from __future__ import annotations

import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.delimited_file.adapter import DelimitedFile
from connector.record.model import Checkpoint, Request

DELIMITERS = [",", ";", "\t", "|"]
ENCODINGS = ["utf-8", "utf-8-sig", "windows-1252", "utf-16"]
LINE_ENDS = ["\n", "\r\n"]
# What all encodings have, with everything that CSV has to quote.
CELLS = st.text(
    st.sampled_from("abcXYZ 0129áéíñÑü€°;,\t|\"'\r\n") | st.characters(codec="windows-1252"),
    max_size=8,
).map(lambda text: text.replace("\0", ""))


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(1, 5))
    rows = st.lists(CELLS, min_size=width, max_size=width)
    # A row of empty cells is blank in a spreadsheet, and no row.
    return draw(st.lists(rows.filter(any), max_size=12))


@settings(deadline=None)
@given(
    table=tables(),
    delimiter=st.sampled_from(DELIMITERS),
    encoding=st.sampled_from(ENCODINGS),
    line_end=st.sampled_from(LINE_ENDS),
    size=st.integers(1, 5),
    cut=st.integers(0, 12),
)
def test_every_table_comes_back(
    table: list[list[str]], delimiter: str, encoding: str, line_end: str, size: int, cut: int
) -> None:
    header = [f"c{i}" for i in range(len(table[0]) if table else 3)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            # The writer forgets to quote a lone carriage return.
            lone = any("\r" in cell for row in table for cell in row)
            quoting: Literal[0, 1] = csv.QUOTE_ALL if lone else csv.QUOTE_MINIMAL
            writer = csv.writer(
                file, delimiter=delimiter, lineterminator=line_end, quoting=quoting
            )
            writer.writerows([header, *table])
        adapter = DelimitedFile(
            Path(folder), encoding=encoding, delimiter=delimiter, stable_seconds=0
        )
        batches = list(adapter.read(Request(batch_records_max=size)))
        partial = {batches[0].document.fingerprint: cut}
        rest = list(adapter.read(Request(Checkpoint(partial=partial), batch_records_max=size)))

    rows = [list(row) for batch in batches for row in batch.rows]
    assert table == rows
    assert [*range(2, len(table) + 2)] == [p for batch in batches for p in batch.positions]
    assert table[cut:] == [list(row) for batch in rest for row in batch.rows]
    assert [] == [reject for batch in batches for reject in batch.rejects]
