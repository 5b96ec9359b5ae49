"""JSON files: where cells are found, and what is said about what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.json_lines.adapter import JsonLines
from connector.errors import SetupError
from connector.record.model import Batch, Checkpoint, Request
from connector.texts import LANGUAGES

ASSETS = {
    "owner": "BPNL00000000PUE1",
    "assets": [
        {"meta": {"id": "a"}, "submodels": [{"type": "X", "payload": {"n": 1}}, {"type": "Y"}]},
        {"meta": {"id": "b"}, "submodels": {"type": "X", "payload": {"n": [2, 3]}}},
        {"meta": {"id": "c"}},
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read_text(
    folder: Path, text: str | bytes, *columns: str, rows_max: int = 100, **settings: Any
) -> Batch:
    (folder / "a.jsonl").write_bytes(text.encode() if isinstance(text, str) else text)
    adapter = JsonLines(folder, stable_seconds=0, **settings)
    adapter.check()
    (batch,) = adapter.read(Request(columns=columns, rows_max=rows_max))
    return batch


def said(batch: Batch) -> str:
    assert batch.failure is not None
    assert all("<" not in str(batch.failure.text(language)) for language in LANGUAGES)
    return str(batch.failure.text())


def rejected(batch: Batch) -> list[tuple[int, str, str]]:
    for reject in batch.rejects:
        assert all("<" not in str(reject.finding.text(language)) for language in LANGUAGES)
        assert reject.finding.where.row == reject.position
    return [(r.position, r.finding.code.split(":")[1], r.raw) for r in batch.rejects]


# Where cells are found


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("parte", "P-1"),
        ("cliente.numero", 7),
        ("cliente", {"numero": 7}),
        ("items[1].id", "y"),
        ("items[2].id", None),
        ("ids[key=batchId].value", "B1"),
        ("ids[key=van].value", None),
        ('"urn:a.b"', True),
        ('"urn:a.b".c', None),
        ("nada", None),
        ("parte.nada", None),
        ("^parte", None),
        ("grande", 12345678901234567890),
        ("decimal", 0.1),
    ],
)
def test_a_column_is_the_way_to_a_cell(folder: Path, column: str, cell: object) -> None:
    record = {
        "parte": "P-1",
        "cliente": {"numero": 7},
        "items": [{"id": "x"}, {"id": "y"}],
        "ids": [{"key": "manufacturerId", "value": "M"}, {"key": "batchId", "value": "B1"}],
        "urn:a.b": True,
        "grande": 12345678901234567890,
        "decimal": 0.1,
    }
    batch = read_text(folder, json.dumps(record), column)

    assert ((column,), [(cell,)]) == (batch.document.header, batch.rows)


def test_records_of_a_document_reach_what_holds_them(folder: Path) -> None:
    batch = read_text(
        folder,
        json.dumps(ASSETS),
        "type",
        "^meta.id",
        "^^owner",
        "payload.n",
        records="assets[].submodels[]",
    )

    assert [
        ("X", "a", "BPNL00000000PUE1", 1),
        ("Y", "a", "BPNL00000000PUE1", None),
        ("X", "b", "BPNL00000000PUE1", [2, 3]),
    ] == batch.rows
    assert [1, 2, 3] == list(batch.positions)


def test_only_chosen_records_are_taken_and_all_are_counted(folder: Path) -> None:
    batch = read_text(
        folder,
        json.dumps(ASSETS),
        "^meta.id",
        records="assets[].submodels[]",
        only={"type": "X"},
    )

    assert ([("a",), ("b",)], [1, 3], 3) == (batch.rows, list(batch.positions), batch.taken)


def test_a_document_may_be_a_list(folder: Path) -> None:
    assert [(1,), (2,)] == read_text(folder, '[{"a":1},{"a":2}]', "a", records="[]").rows


def test_blank_lines_and_a_byte_order_mark_are_no_records(folder: Path) -> None:
    batch = read_text(folder, '\ufeff{"a":1}\n\n  \r\n{"a":2}\r\n', "a")

    assert ([(1,), (2,)], [1, 4], []) == (batch.rows, list(batch.positions), batch.rejects)


def test_a_long_stretch_of_other_records_makes_no_empty_batches(folder: Path) -> None:
    lines = "\n".join('{"t":"other"}' for _ in range(5000))
    (folder / "a.jsonl").write_text(f'{lines}\n{{"t":"ours"}}\n')
    adapter = JsonLines(folder, only={"t": "ours"}, stable_seconds=0)
    batches = list(adapter.read(Request(columns=("t",))))

    assert [([("ours",)], 5001, True)] == [(list(b.rows), b.taken, b.ends) for b in batches]


def test_a_checkpoint_in_the_midst_of_a_document_is_kept(folder: Path) -> None:
    first = read_text(folder, json.dumps(ASSETS), "type", records="assets[].submodels[]")
    adapter = JsonLines(folder, records="assets[].submodels[]", stable_seconds=0)
    at = Checkpoint(partial={first.document.fingerprint: 2})
    (batch,) = adapter.read(Request(at, columns=("type",)))

    assert ([("X",)], [3], 3) == (batch.rows, list(batch.positions), batch.taken)


# What cannot be read


def test_a_malformed_line_names_its_column(folder: Path) -> None:
    batch = read_text(folder, '{"a":1}\n{"a": x}\n{"a":3}\n', "a")

    assert ([(1,), (3,)], [1, 3]) == (batch.rows, list(batch.positions))
    assert [(2, "malformed", '{"a": x}')] == rejected(batch)
    assert "line 2 of a.jsonl is no JSON, from column 7 on" in str(batch.rejects[0].finding.text())


@pytest.mark.parametrize("line", ["17", '"text"', "[1]", "null", "true"])
def test_a_line_must_be_an_object(folder: Path, line: str) -> None:
    assert [(1, "not_an_object", line)] == rejected(read_text(folder, line, "a"))


@pytest.mark.parametrize(
    "value", ["123456789012345678901234567890", '"\\ud800"', "[" * 300 + "]" * 300]
)
def test_a_value_that_cannot_be_kept_exactly_costs_one_record(folder: Path, value: str) -> None:
    batch = read_text(folder, f'{{"a":{value}}}\n{{"a":2}}\n', "a")

    assert ([(2,)], [1]) == (batch.rows, [position for position, _, _ in rejected(batch)])


@pytest.mark.parametrize("value", ["NaN", "1e999", "01", "'a'", "[" * 5000])
def test_what_is_no_json_costs_one_record(folder: Path, value: str) -> None:
    batch = read_text(folder, f'{{"a":{value}}}\n{{"a":2}}\n', "a")

    assert ([(2,)], [1]) == (batch.rows, [position for position, _, _ in rejected(batch)])


def test_an_item_of_a_document_that_is_no_object_costs_one_record(folder: Path) -> None:
    batch = read_text(folder, '[{"a":1},"x",{"a":3}]', "a", records="[]")

    assert ([(1,), (3,)], [(2, "not_an_object", '"x"')]) == (batch.rows, rejected(batch))


def test_a_value_of_a_document_that_cannot_be_kept_costs_one_record(folder: Path) -> None:
    batch = read_text(folder, f'[{{"a":{10**30}}},{{"a":3}}]', "a", records="[]")

    assert ([(3,)], [(1, "value_unfit", f'{{"a": {10**30}}}')]) == (batch.rows, rejected(batch))


def test_a_malformed_document_names_line_and_column(folder: Path) -> None:
    batch = read_text(folder, '{"assets": [\n{"a": 1},\n{"a": }\n]}', "a", records="assets[]")

    assert said(batch).startswith("the file a.jsonl is no JSON: line 3, column 7\n")


def test_a_document_without_its_list_names_what_it_has(folder: Path) -> None:
    batch = read_text(folder, '{"teile": [], "stand": 1}', "a", records="assets[]")

    assert "has nothing at “assets[]”\n  why: its outermost names are: teile, stand" in said(batch)


def test_too_large_a_document_is_refused(folder: Path) -> None:
    batch = read_text(
        folder, f'[{{"a":"{"x" * (1 << 20)}"}}]', "a", records="[]", document_mebibytes_max=1
    )

    assert said(batch).startswith("the file a.jsonl has 2 MiB, more than the 1 allowed")


@pytest.mark.parametrize(
    ("text", "settings"),
    [('{"a":1}\n' * 25, {}), (json.dumps([{"a": 1}] * 25), {"records": "[]"})],
)
def test_too_many_records_are_refused(folder: Path, text: str, settings: dict[str, Any]) -> None:
    batch = read_text(folder, text, "a", rows_max=10, **settings)

    assert "into 3 files" in said(batch)


def test_blank_lines_do_not_count_as_records(folder: Path) -> None:
    assert 2 == len(read_text(folder, '{"a":1}\n\n\n\n{"a":2}\n', "a", rows_max=2).rows)


def test_an_empty_file_is_refused(folder: Path) -> None:
    assert said(read_text(folder, "", "a")).startswith("the file a.jsonl is empty")


def test_other_encodings_are_refused(folder: Path) -> None:
    assert "in line 2 stands the byte 0xF1" in said(
        read_text(folder, '{"a":1}\n{"a":"ñ"}'.encode("latin-1"), "a")
    )


def test_one_document_read_as_lines_is_told_what_it_is(folder: Path) -> None:
    text = json.dumps([{"a": "x" * 1000}] * 3000)

    assert "set 'records' of this feed" in said(read_text(folder, text, "a"))


# Settings


@pytest.mark.parametrize("records", ["assets", "assets[].b", "a[][b", "assets[]x["])
def test_records_that_make_no_sense_are_told_by_check(folder: Path, records: str) -> None:
    with pytest.raises(SetupError, match="'records' of the feed cannot be"):
        JsonLines(folder, records=records).check()


@pytest.mark.parametrize("column", ['"open', "a[", "a..b", "[x"])
def test_columns_that_make_no_sense_are_told(folder: Path, column: str) -> None:
    (folder / "a.jsonl").write_text('{"a":1}\n')

    with pytest.raises(SetupError, match="is no way to a value in JSON"):
        JsonLines(folder, only={column: "x"}).check()
    with pytest.raises(SetupError, match="is no way to a value in JSON"):
        list(JsonLines(folder, stable_seconds=0).read(Request(columns=(column,))))
