"""Delimited files: what is read from good ones, and what is said about bad ones."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.delimited_file.adapter import DelimitedFile
from connector.errors import SetupError, TransientError
from connector.record.model import Batch, Checkpoint, Request
from connector.record.reading.folder import Fate
from connector.texts import LANGUAGES

GOOD = "parte;serie\nP-1;S1\nP-2;S2\n"
NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, *columns: str, rows_max: int = 100, **settings: Any) -> list[Batch]:
    chosen: dict[str, Any] = {"delimiter": ";", "stable_seconds": 0, **settings}
    adapter = DelimitedFile(folder, **chosen)
    return list(adapter.read(Request(columns=columns, rows_max=rows_max)))


def read_text(folder: Path, text: str | bytes, *columns: str, **settings: Any) -> Batch:
    raw = text.encode() if isinstance(text, str) else text
    (folder / "a.csv").write_bytes(raw)
    (batch,) = read(folder, *columns, **settings)
    return batch


def said(batch: Batch) -> str:
    """The whole English text of a refusal; the Spanish one must be there as well."""
    assert batch.failure is not None
    assert all("<" not in str(batch.failure.text(language)) for language in LANGUAGES)
    return str(batch.failure.text())


def rejected(batch: Batch) -> list[tuple[int, str, str]]:
    for reject in batch.rejects:
        assert all("<" not in str(reject.finding.text(language)) for language in LANGUAGES)
        assert reject.finding.where.row == reject.position
    return [(r.position, r.finding.code.split(":")[1], r.raw) for r in batch.rejects]


# Reading


def test_cells_come_exactly_as_they_stand(folder: Path) -> None:
    batch = read_text(folder, 'parte;nota\n 001 ;"a;b ""c""\nd"\n')

    assert (("parte", "nota"), [(" 001 ", 'a;b "c"\nd')]) == (batch.document.header, batch.rows)


def test_rows_are_numbered_as_in_a_spreadsheet(folder: Path) -> None:
    batch = read_text(folder, 'a;b\n1;"x\ny"\n2;z\n\n;\n3;w\n')

    assert [2, 3, 6] == list(batch.positions)


def test_rows_above_the_header_are_passed_over(folder: Path) -> None:
    batch = read_text(folder, "Reporte de piezas\n\nparte;serie\nP-1;S1\n", header_row=3)

    assert (("parte", "serie"), [("P-1", "S1")], [4]) == (
        batch.document.header,
        batch.rows,
        list(batch.positions),
    )


def test_empty_cells_behind_the_last_column_are_no_mistake(folder: Path) -> None:
    batch = read_text(folder, "a;b\n1;2;\n3;4\n")

    assert ([("1", "2"), ("3", "4")], []) == (batch.rows, batch.rejects)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_known(folder: Path, line_end: str) -> None:
    batch = read_text(folder, GOOD.replace("\n", line_end))

    assert [("P-1", "S1"), ("P-2", "S2")] == batch.rows


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("windows-1252", "windows-1252"),
        ("latin-1", "latin-1"),
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("UTF8", "utf-8-sig"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_letters_come_out_right(folder: Path, encoding: str, written: str) -> None:
    batch = read_text(folder, "año;niño\nÁ;é\n".encode(written), encoding=encoding)

    assert (("año", "niño"), [("Á", "é")]) == (batch.document.header, batch.rows)


def test_a_file_with_a_header_only_is_no_mistake(folder: Path) -> None:
    batch = read_text(folder, "parte;serie\n")

    assert ([], True, None) == (list(batch.rows), batch.ends, batch.failure)


def test_files_come_oldest_first(folder: Path) -> None:
    for age, name in enumerate(["c.csv", "a.csv", "b.csv"]):
        (folder / name).write_text(GOOD)
        os.utime(folder / name, (age, age))

    assert ["c.csv", "a.csv", "b.csv"] == [batch.document.name for batch in read(folder)]


def test_only_files_of_the_pattern_are_taken(folder: Path) -> None:
    for name in ("lotes_1.csv", "partes.csv", "lotes.tmp"):
        (folder / name).write_text(GOOD)

    assert ["lotes_1.csv"] == [b.document.name for b in read(folder, pattern="lotes*.csv")]


# Files that cannot be read as a whole


def test_an_empty_file_is_refused(folder: Path) -> None:
    assert said(read_text(folder, "")).startswith("the file a.csv is empty")


def test_a_wrong_encoding_names_byte_and_line_and_the_way_out(folder: Path) -> None:
    batch = read_text(folder, "a;b\n1;2\n3;ñ\n".encode("latin-1"), encoding="utf-8")

    assert said(batch) == (
        "the file a.csv is not utf-8: in line 3 stands the byte 0xF1\n"
        "  why: that byte, at position 10 of the file, means nothing in utf-8\n"
        '  fix: set encoding = "windows-1252" for this feed in eslabon.toml (most likely),'
        " or export the file as utf-8, and put it into the folder again"
    )


def test_a_wrong_encoding_is_found_behind_any_number_of_good_rows(folder: Path) -> None:
    good = "a;b\n" + "ñ;1\n" * 600_000
    batch = read_text(folder, good.encode() + b"\xf1;2\n", encoding="utf-8")

    assert batch.failure is not None
    assert (600_002, len(good.encode())) == (
        batch.failure.params["row"],
        batch.failure.params["offset"],
    )


def test_a_file_cut_off_inside_a_letter_is_refused(folder: Path) -> None:
    assert "byte 0xC3" in said(read_text(folder, "a;b\n1;ñ".encode()[:-1]))


@pytest.mark.parametrize(
    ("written", "found"),
    [("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le")],
)
def test_another_encoding_is_recognised_by_its_first_bytes(
    folder: Path, written: str, found: str
) -> None:
    batch = read_text(folder, GOOD.encode(written), encoding="windows-1252")

    assert f'set encoding = "{found}"' in said(batch)


def test_utf_8_taken_for_another_encoding_is_recognised_by_the_header(folder: Path) -> None:
    batch = read_text(folder, "Descripción;b\n1;2\n", "Descripción", encoding="windows-1252")

    assert said(batch).startswith("the file a.csv is UTF-8, not windows-1252")


def test_a_wrong_delimiter_names_the_right_one(folder: Path) -> None:
    batch = read_text(folder, "parte,serie,fecha\n1,2,3\n", "parte")

    assert said(batch) == (
        "the file a.csv is not delimited by “;”\n"
        "  why: with “;” its header is a single column, with “,” it is 3\n"
        '  fix: set delimiter = "," for this feed in eslabon.toml'
        " and put the file into the folder again"
    )


def test_a_single_column_is_no_wrong_delimiter(folder: Path) -> None:
    assert [("1",)] == read_text(folder, "parte, serie\n1\n", "parte, serie").rows


def test_a_missing_column_names_the_one_most_alike(folder: Path) -> None:
    batch = read_text(folder, "No. de parte;Lote\n1;2\n", "No. parte", "Lote")

    assert said(batch) == (
        "the file a.csv lacks the column(s) “No. parte”\n"
        "  why: the mapping reads them;"
        " most alike in row 1: “No. parte” → “No. de parte”\n"
        "  fix: correct the name in the mapping, or the export;"
        " the header there is: “No. de parte”, “Lote”"
    )


def test_a_column_that_stands_twice_is_refused(folder: Path) -> None:
    assert "names a column twice: “a”" in said(read_text(folder, "a;b;a;;\n1;2;3;;\n"))


@pytest.mark.parametrize("text", ["\n\n", "a;b\n"])
def test_a_file_without_its_header_row_is_refused(folder: Path, text: str) -> None:
    assert "has no header in row 2" in said(read_text(folder, text, header_row=2))


def test_a_header_with_an_open_quote_is_refused(folder: Path) -> None:
    assert "the header in row 1" in said(read_text(folder, 'a;"b\n1;2\n'))


def test_a_line_without_end_is_refused(folder: Path) -> None:
    assert "a line of more than 1 MiB" in said(read_text(folder, "a;b\n" + "x" * (3 << 20)))


def test_too_many_rows_are_refused_with_how_to_split_them(folder: Path) -> None:
    batch = read_text(folder, "a;b\n" + "1;2\n" * 25, rows_max=10)

    assert ([], "into 3 files" in said(batch)) == (list(batch.rows), True)


def test_lines_inside_of_quotes_do_not_count_as_rows(folder: Path) -> None:
    batch = read_text(folder, 'a;b\n1;"x\ny\nz"\n2;3\n', rows_max=2)

    assert [("1", "x\ny\nz"), ("2", "3")] == batch.rows


def test_an_unreadable_file_is_refused_and_stops_no_other(world: Path) -> None:
    (world / "a.csv").write_text(GOOD)
    (world / "a.csv").chmod(0)
    (world / "b.csv").write_text(GOOD)
    refused, good = read(world)

    assert "the file a.csv cannot be opened\n  why: Permission denied" in said(refused)
    assert [("P-1", "S1"), ("P-2", "S2")] == good.rows


# Rows that cannot be read


def test_a_wrong_number_of_cells_costs_one_row(folder: Path) -> None:
    batch = read_text(folder, "a;b\n1;2\n3;4;5\n6\n7;8\n")

    assert ([("1", "2"), ("7", "8")], [2, 5]) == (batch.rows, list(batch.positions))
    assert [(3, "cells_wrong", "3;4;5"), (4, "cells_wrong", "6")] == rejected(batch)


def test_a_file_that_was_cut_off_loses_its_last_row_only(folder: Path) -> None:
    batch = read_text(folder, 'a;b\n1;2\n3;"4')

    assert ([("1", "2")], [(3, "quote_unclosed", '3;"4')]) == (batch.rows, rejected(batch))


def test_an_open_quote_in_the_midst_costs_one_row(folder: Path) -> None:
    batch = read_text(folder, 'a;b\n1;"tubo\n2;x\n3;"y;z"\n4;"\n5;w\n')

    assert [("2", "x"), ("3", "y;z"), ("5", "w")] == batch.rows
    assert [2, 5] == [position for position, _, _ in rejected(batch)]
    assert [3, 4, 6] == list(batch.positions)


def test_an_open_quote_in_a_large_file_costs_one_row(folder: Path) -> None:
    rows = [f"{i};texto de relleno {i}" for i in range(20_000)]
    rows[7] = '7;"tubo'
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0)
    (folder / "a.csv").write_text("a;b\n" + "\n".join(rows))
    batches = list(adapter.read(Request()))

    numbers = [row[0] for batch in batches for row in batch.rows]
    assert [str(i) for i in range(20_000) if i != 7] == numbers
    assert [(9, "quote_unclosed", '7;"tubo')] == [r for b in batches for r in rejected(b)]
    assert batches[-1].taken == 20_000


def test_a_quote_in_the_midst_of_a_cell_costs_one_row(folder: Path) -> None:
    batch = read_text(folder, 'a;b\n1;"5" tubo"\n2;5" tubo\n')

    assert ([("2", '5" tubo')], [(2, "quote_stray", '1;"5" tubo"')]) == (
        batch.rows,
        rejected(batch),
    )


def test_without_a_quote_quotes_are_letters(folder: Path) -> None:
    assert [("1", '"5" tubo')] == read_text(folder, 'a;b\n1;"5" tubo\n', quote="").rows


def test_a_zero_byte_costs_one_row(folder: Path) -> None:
    batch = read_text(folder, "a;b\n1;2\n3;\0\0\n5;6\n")

    assert ([("1", "2"), ("5", "6")], [(3, "cell_nul", "3;␀␀")]) == (batch.rows, rejected(batch))


def test_a_cell_without_end_costs_one_row(folder: Path) -> None:
    batch = read_text(folder, f"a;b\n1;{'x' * 200_000}\n2;3\n")

    assert [("2", "3")] == batch.rows
    assert [(2, "cell_too_long")] == [(position, code) for position, code, _ in rejected(batch)]
    assert len(batch.rejects[0].raw) < 3000


# Which files are taken, and what becomes of them


def test_a_file_is_left_until_it_is_stable(folder: Path) -> None:
    (folder / "a.csv").write_text(GOOD)
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0.2)
    early = list(adapter.read(Request()))
    late: list[Batch] = []
    while not late:
        late = list(adapter.read(Request()))

    assert ([], [("P-1", "S1"), ("P-2", "S2")]) == (early, late[0].rows)


def test_a_copy_that_kept_its_old_time_is_new_all_the_same(folder: Path) -> None:
    (folder / "a.csv").write_text(GOOD)
    os.utime(folder / "a.csv", (0, 0))

    assert [] == read(folder, stable_seconds=60)


def test_a_file_that_changes_while_it_is_read_is_tried_again(folder: Path) -> None:
    (folder / "a.csv").write_text("a;b\n" + "1;2\n" * 50)
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0)
    batches = adapter.read(Request(batch_records_max=10))
    next(batches)
    with (folder / "a.csv").open("a") as file:
        file.write("3;4\n")

    with pytest.raises(TransientError, match=r"a\.csv changed while it was being read"):
        list(batches)


def test_a_file_that_vanishes_while_it_is_read_is_tried_again(folder: Path) -> None:
    (folder / "a.csv").write_text("a;b\n" + "1;2\n" * 50)
    batches = DelimitedFile(folder, delimiter=";", stable_seconds=0).read(
        Request(batch_records_max=10)
    )
    next(batches)
    (folder / "a.csv").unlink()

    with pytest.raises(TransientError, match=r"a\.csv changed while it was being read"):
        list(batches)


def test_a_folder_that_is_closed_to_us_is_tried_again(world: Path) -> None:
    world.chmod(0)

    with pytest.raises(TransientError, match="may not be read"):
        read(world)


def test_another_content_under_an_old_name_is_another_document(folder: Path) -> None:
    first = read_text(folder, GOOD)
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0)
    done = Request(Checkpoint(done={first.document.fingerprint}))
    (folder / "a.csv").write_text(GOOD + "P-3;S3\n")
    (second,) = adapter.read(done)

    assert ("a.csv", 3) == (second.document.name, len(second.rows))


def test_the_same_content_under_another_name_is_another_document(folder: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text(GOOD)

    assert 2 == len({batch.document.fingerprint for batch in read(folder)})


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def take(adapter: DelimitedFile, request: Request | None = None) -> list[Batch]:
    batches = []
    for batch in adapter.read(request or Request()):
        batches.append(batch)
        adapter.acknowledge(batch, failed=batch.failure is not None)
    return batches


def test_files_are_moved_when_durable(folder: Path) -> None:
    (folder / "good.csv").write_text(GOOD)
    (folder / "bad.csv").write_text("")
    take(DelimitedFile(folder, delimiter=";", stable_seconds=0))

    assert ["done/good.csv", "failed/bad.csv"] == files(folder)


def test_a_file_that_the_intake_refused_is_failed_too(folder: Path) -> None:
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0)
    (folder / "a.csv").write_text(GOOD)
    for batch in adapter.read(Request()):
        adapter.acknowledge(batch, failed=True)

    assert ["failed/a.csv"] == files(folder)


def test_a_file_stays_until_its_last_batch_is_durable(folder: Path) -> None:
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0)
    (folder / "a.csv").write_text(GOOD)
    for number, batch in enumerate(adapter.read(Request(batch_records_max=1))):
        adapter.acknowledge(batch, failed=False)
        assert ["a.csv"] == files(folder) or number == 1

    assert ["done/a.csv"] == files(folder)


def test_no_file_is_ever_overwritten(folder: Path) -> None:
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0)
    for number in range(3):
        (folder / "a.csv").write_text(f"{GOOD}P-9;{number}\n")
        take(adapter)

    assert ["done/a-2.csv", "done/a-3.csv", "done/a.csv"] == files(folder)
    assert (folder / "done/a.csv").read_text().endswith("P-9;0\n")


def test_a_name_that_was_claimed_before_a_kill_is_used(folder: Path) -> None:
    (folder / "done").mkdir()
    (folder / "done" / "a.csv").touch()
    (folder / "a.csv").write_text(GOOD)
    take(DelimitedFile(folder, delimiter=";", stable_seconds=0), Request())

    assert ["done/a.csv"] == files(folder)
    assert GOOD == (folder / "done" / "a.csv").read_text()


def test_files_can_be_left_in_place(folder: Path) -> None:
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0, done=Fate.LEAVE)
    (folder / "a.csv").write_text(GOOD)
    (batch,) = take(adapter)
    again = take(adapter, Request(Checkpoint(done={batch.document.fingerprint})))

    assert ([], ["a.csv"]) == (again, files(folder))


def test_a_file_that_was_durable_before_the_last_stop_is_put_away(folder: Path) -> None:
    (folder / "bad.csv").write_text("x")
    (folder / "good.csv").write_text(GOOD)
    bad, good = sorted(read(folder, "parte"), key=lambda batch: batch.document.name)
    known = Checkpoint(done={good.document.fingerprint}, failed={bad.document.fingerprint})
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0)
    batches = take(adapter, Request(known, columns=("parte",)))

    assert ([], ["done/good.csv", "failed/bad.csv"]) == (batches, files(folder))


def test_a_file_that_was_refused_is_read_once_the_settings_are_right(folder: Path) -> None:
    (folder / "a.csv").write_text(GOOD)
    (refused,) = read(folder, "fecha")
    known = Checkpoint(failed={refused.document.fingerprint})
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0)
    (batch,) = adapter.read(Request(known, columns=("parte",)))

    assert (refused.failure is None, batch.failure) == (False, None)


def test_a_refused_file_that_is_left_in_place_is_told_once(folder: Path) -> None:
    (folder / "a.csv").write_text("x")
    (refused,) = read(folder, "parte")
    known = Checkpoint(failed={refused.document.fingerprint})
    adapter = DelimitedFile(folder, stable_seconds=0, done=Fate.LEAVE)
    again = [list(adapter.read(Request(known, columns=("parte",)))) for _ in range(2)]

    assert (again, files(folder)) == ([[], []], ["a.csv"])


def test_a_name_in_an_old_encoding_is_shown_and_kept(folder: Path) -> None:
    (folder / os.fsdecode(b"pi\xe9zas.csv")).write_text(GOOD)
    (batch,) = take(DelimitedFile(folder, delimiter=";", stable_seconds=0), Request())

    assert batch.document.name == "pi\\xe9zas.csv"
    assert [os.fsencode(name) for name in files(folder)] == [b"done/pi\xe9zas.csv"]


def test_a_file_that_was_replaced_before_it_was_put_away_is_kept(folder: Path) -> None:
    adapter = DelimitedFile(folder, delimiter=";", stable_seconds=0)
    batch = read_text(folder, GOOD)
    (folder / "a.csv").write_text("parte;serie\nP-3;S3\n")
    adapter.acknowledge(batch, failed=False)

    assert ["a.csv"] == files(folder)


def test_a_file_that_is_gone_before_it_was_put_away_is_no_trouble(folder: Path) -> None:
    batch = read_text(folder, GOOD)
    (folder / "a.csv").unlink()
    DelimitedFile(folder).acknowledge(batch, failed=False)

    assert [] == files(folder)


def test_a_file_that_cannot_be_moved_stays_and_is_not_read_twice(world: Path) -> None:
    (world / "a.csv").write_text(GOOD)
    adapter = DelimitedFile(world, delimiter=";", stable_seconds=0)
    world.chmod(0o555)
    (batch,) = take(adapter)
    again = take(adapter, Request(Checkpoint(done={batch.document.fingerprint})))

    assert (["a.csv"], []) == (files(world), again)


def test_files_can_be_put_away_on_another_disk(folder: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == folder.stat().st_dev:
        pytest.skip("needs a second disk at /dev/shm")
    with tempfile.TemporaryDirectory(dir=memory) as away:
        (folder / "a.csv").write_text(GOOD)
        take(DelimitedFile(folder, delimiter=";", stable_seconds=0, done_folder=Path(away)))

        assert ([], ["a.csv"]) == (files(folder), files(Path(away)))
        assert GOOD == (Path(away) / "a.csv").read_text()


def test_files_that_were_put_away_are_not_read_again(folder: Path) -> None:
    (folder / "done").mkdir()
    (folder / "done/a.csv").write_text(GOOD)
    (folder / "sub").mkdir()
    (folder / "sub/b.csv").write_text(GOOD)

    assert ["sub/b.csv"] == [b.document.name for b in read(folder, pattern="**/*.csv")]


# Settings


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"encoding": "windows-9999"}, "nobody knows the encoding “windows-9999”"),
        ({"encoding": "base64"}, "nobody knows the encoding “base64”"),
        ({"delimiter": ""}, "'delimiter' of the feed cannot be ''"),
        ({"delimiter": ";;"}, "'delimiter' of the feed cannot be ';;'"),
        ({"quote": "\n"}, "'quote' of the feed cannot be"),
        ({"delimiter": '"'}, "are both"),
        ({"header_row": 0}, "'header_row' of the feed cannot be 0"),
        ({"folder": Path("/nowhere")}, "the folder /nowhere is not there"),
    ],
)
def test_wrong_settings_are_told_by_check(
    folder: Path, settings: dict[str, Any], words: str
) -> None:
    chosen: dict[str, Any] = {"folder": folder, **settings}

    with pytest.raises(SetupError) as raised:
        DelimitedFile(**chosen).check()

    assert words in str(raised.value)
    assert all("<" not in str(raised.value.text(language)) for language in LANGUAGES)


def test_a_folder_that_cannot_be_written_is_told_only_where_files_are_moved(world: Path) -> None:
    world.chmod(0o555)
    DelimitedFile(world, done=Fate.LEAVE).check()

    with pytest.raises(SetupError, match="nothing can be moved out"):
        DelimitedFile(world).check()


@pytest.fixture
def world() -> Iterator[Path]:
    """A folder in which the test has no more rights than anybody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        user = os.geteuid()
        if user == 0:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            folder.chmod(0o755)
            os.seteuid(user)
