"""Lookup tables that lie in CSV files beside a mapping, read into memory."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from connector.aspect.mapping.definition import MappingDefinition, TableFile
from connector.errors import Finding, Location, SetupError

ENTRIES_MAX = 500_000

Entries = Mapping[str, str]


def load_tables(
    definition: MappingDefinition, folder: Path
) -> tuple[dict[str, Entries], list[Finding]]:
    """Return the tables in files of ``folder`` by name, and a finding for each unusable one.

    A table is unusable where its file cannot be read, lacks a column, says a key twice
    differently, or holds more than `ENTRIES_MAX` entries.
    """
    tables: dict[str, Entries] = {}
    findings: list[Finding] = []
    for name, table in definition.tables.items():
        try:
            if table.file is not None:
                tables[name] = _read(table.file, folder)
        except SetupError as error:
            where = Location(definition.source, table.line)
            findings.append(Finding(error.code, error.params, where))
    return tables, findings


def _read(table: TableFile, folder: Path) -> Entries:
    path = folder / table.file
    try:
        with path.open(encoding=table.encoding, newline="") as file:
            return _entries(csv.DictReader(file, delimiter=table.delimiter), table)
    except (OSError, LookupError, UnicodeError, TypeError, csv.Error) as error:
        raise SetupError("aspect:mapping_table_unreadable", file=path, reason=error) from error


def _entries(rows: csv.DictReader[str], table: TableFile) -> Entries:
    header = rows.fieldnames or ()
    for column in (table.key, table.value):
        if column not in header:
            params = {"file": table.file, "column": column, "known": ", ".join(header)}
            raise SetupError("aspect:mapping_table_column", **params)
    entries: dict[str, str] = {}
    for row in rows:
        key, value = row[table.key], row[table.value]
        if key and value and entries.setdefault(key, value) != value:
            params = {"file": table.file, "row": str(rows.line_num), "key": key}
            raise SetupError("aspect:mapping_table_key_twice", **params)
        if len(entries) > ENTRIES_MAX:
            params = {"file": table.file, "entries_max": str(ENTRIES_MAX)}
            raise SetupError("aspect:mapping_table_too_large", **params)
    return entries
