"""Lookup tables beside a mapping are read, or said to be unusable with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.aspect import lookups
from connector.aspect.lookups import load_tables
from tests.unit.aspect.mapping_files import SERIAL, parsed

FILE = "{file: n.csv, key: Parte, value: Nombre, delimiter: ';', encoding: windows-1252}"
DEFINITION = parsed(SERIAL.replace("{A-1: Bomba, A-2: Eje}", FILE))


def _write(folder: Path, text: str) -> None:
    (folder / "n.csv").write_text(text, encoding="windows-1252")


def test_a_table_is_read_in_the_encoding_that_the_mapping_names(tmp_path: Path) -> None:
    _write(tmp_path, "Parte;Nombre;x\nA-1;Bomba señal;1\nA-2;;2\nA-1;Bomba señal;3\n")

    tables, findings = load_tables(DEFINITION, tmp_path)

    assert ({"nombres": {"A-1": "Bomba señal"}}, []) == (tables, findings)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "mapping_table_unreadable"),
        ("", "mapping_table_column"),
        ("Parte,Nombre\nA,B\n", "mapping_table_column"),
        ("Parte;Nombre\nA;B\nA;C\n", "mapping_table_key_twice"),
        ("Parte;Nombre\nA;B\nB;C\nC;D\n", "mapping_table_too_large"),
        ('Parte;Nombre\n"A;' + "x" * 200_000, "mapping_table_unreadable"),
    ],
)
def test_a_table_that_cannot_be_used_is_told_on_its_line(
    text: str | None, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "ENTRIES_MAX", 2)
    if text is not None:
        _write(tmp_path, text)

    tables, (finding,) = load_tables(DEFINITION, tmp_path)

    assert ({}, f"aspect:{code}", 25) == (tables, finding.code, finding.where.row)
    assert finding.text().fix


def test_a_table_written_in_the_mapping_needs_no_file(tmp_path: Path) -> None:
    assert ({}, []) == load_tables(parsed(SERIAL), tmp_path)


def test_an_unknown_encoding_is_told(tmp_path: Path) -> None:
    _write(tmp_path, "Parte;Nombre\n")
    definition = parsed(SERIAL.replace("{A-1: Bomba, A-2: Eje}", FILE.replace("1252", "9999")))

    _, (finding,) = load_tables(definition, tmp_path)

    assert "aspect:mapping_table_unreadable" == finding.code
