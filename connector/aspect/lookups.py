"""Lookup tables that lie in CSV files beside a mapping, read into memory."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from connector.aspect.mapping.definition import MappingDefinition, TableFile
from connector.errors import SetupError

ENTRIES_MAX = 1_000_000


def read_tables(definition: MappingDefinition, folder: Path) -> dict[str, Mapping[str, str]]:
    """Return the tables of a mapping that lie in files of its folder, by name.

    Raises:
        SetupError: a file cannot be read, lacks a column, or says a key twice differently.

    """
    return {
        name: _read(table.file, folder)
        for name, table in definition.tables.items()
        if table.file is not None
    }


def _read(table: TableFile, folder: Path) -> dict[str, str]:
    path = folder / table.file
    try:
        with path.open(encoding=table.encoding, newline="") as file:
            return _entries(csv.DictReader(file, delimiter=table.delimiter), table)
    except (OSError, LookupError, UnicodeError, TypeError, csv.Error) as error:
        raise SetupError("aspect:mapping_table_unreadable", file=path, reason=error) from error


def _entries(rows: csv.DictReader[str], table: TableFile) -> dict[str, str]:
    entries: dict[str, str] = {}
    header = rows.fieldnames or ()
    for column in (table.key, table.value):
        if column not in header:
            known = ", ".join(header)
            raise SetupError(
                "aspect:mapping_table_column", file=table.file, column=column, known=known
            )
    for row in rows:
        key, value = row[table.key], row[table.value]
        if entries.setdefault(key, value) != value:
            raise SetupError(
                "aspect:mapping_table_key_twice", file=table.file, row=rows.line_num, key=key
            )
        if len(entries) > ENTRIES_MAX:
            raise SetupError(
                "aspect:mapping_table_too_large", file=table.file, entries_max=ENTRIES_MAX
            )
    return {key: value for key, value in entries.items() if key and value}
