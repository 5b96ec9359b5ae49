"""Whatever JSON can say and a store can keep comes back value by value."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from adapters.json_lines.adapter import JsonLines
from connector.record.model import Request

NAMES = st.text(st.characters(codec="utf-8", exclude_characters='"^'), min_size=1, max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)
RECORDS = st.lists(st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=6)


@given(records=RECORDS, ascii_only=st.booleans(), size=st.integers(1, 4))
def test_every_value_comes_back(
    records: list[dict[str, object]], ascii_only: bool, size: int
) -> None:
    names = sorted({name for record in records for name in record})
    columns = tuple(f'"{name}"' for name in names)
    lines = [json.dumps(record, ensure_ascii=ascii_only) for record in records]
    with TemporaryDirectory() as folder:
        (Path(folder) / "a.jsonl").write_text("\n".join(lines), encoding="utf-8", newline="")
        adapter = JsonLines(Path(folder), stable_seconds=0)
        batches = list(adapter.read(Request(columns=columns, batch_records_max=size)))

    assert [tuple(record.get(name) for name in names) for record in records] == [
        row for batch in batches for row in batch.rows
    ]
